using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Monolith.Compute.Migrations.Postgres
{
    /// <inheritdoc />
    public partial class PlannedHypervisors : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<string>(
                name: "Planned",
                schema: "compute",
                table: "servers",
                type: "text",
                nullable: false,
                defaultValue: "",
                collation: "C");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropColumn(
                name: "Planned",
                schema: "compute",
                table: "servers");
        }
    }
}
