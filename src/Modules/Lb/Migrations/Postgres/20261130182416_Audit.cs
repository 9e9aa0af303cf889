using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Monolith.Lb.Migrations.Postgres
{
    /// <inheritdoc />
    public partial class Audit : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<string>(
                name: "Credential",
                schema: "lb",
                table: "events",
                type: "text",
                nullable: false,
                defaultValue: "",
                collation: "C");

            migrationBuilder.AddColumn<string>(
                name: "Method",
                schema: "lb",
                table: "events",
                type: "text",
                nullable: false,
                defaultValue: "",
                collation: "C");

            migrationBuilder.AddColumn<string>(
                name: "Peer",
                schema: "lb",
                table: "events",
                type: "text",
                nullable: false,
                defaultValue: "",
                collation: "C");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropColumn(
                name: "Credential",
                schema: "lb",
                table: "events");

            migrationBuilder.DropColumn(
                name: "Method",
                schema: "lb",
                table: "events");

            migrationBuilder.DropColumn(
                name: "Peer",
                schema: "lb",
                table: "events");
        }
    }
}
