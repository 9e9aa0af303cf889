using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Monolith.Compute.Migrations.Postgres
{
    /// <inheritdoc />
    public partial class Drains : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<int>(
                name: "DrainLeft",
                schema: "compute",
                table: "hypervisors",
                type: "integer",
                nullable: false,
                defaultValue: 0);

            migrationBuilder.AddColumn<string>(
                name: "DrainMessage",
                schema: "compute",
                table: "hypervisors",
                type: "text",
                nullable: false,
                defaultValue: "",
                collation: "C");

            migrationBuilder.AddColumn<bool>(
                name: "Draining",
                schema: "compute",
                table: "hypervisors",
                type: "boolean",
                nullable: false,
                defaultValue: false);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropColumn(
                name: "DrainLeft",
                schema: "compute",
                table: "hypervisors");

            migrationBuilder.DropColumn(
                name: "DrainMessage",
                schema: "compute",
                table: "hypervisors");

            migrationBuilder.DropColumn(
                name: "Draining",
                schema: "compute",
                table: "hypervisors");
        }
    }
}
