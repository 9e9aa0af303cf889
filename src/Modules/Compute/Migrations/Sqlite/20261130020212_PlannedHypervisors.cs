using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Monolith.Compute.Migrations.Sqlite
{
    /// <inheritdoc />
    public partial class PlannedHypervisors : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<string>(
                name: "Planned",
                table: "servers",
                type: "TEXT",
                nullable: false,
                defaultValue: "");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropColumn(
                name: "Planned",
                table: "servers");
        }
    }
}
