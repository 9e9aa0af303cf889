using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Monolith.Network.Migrations.Sqlite
{
    /// <inheritdoc />
    public partial class LiveMigration : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<string>(
                name: "SharedWith",
                table: "ports",
                type: "TEXT",
                nullable: false,
                defaultValue: "");

            migrationBuilder.CreateIndex(
                name: "IX_ports_SharedWith",
                table: "ports",
                column: "SharedWith");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "IX_ports_SharedWith",
                table: "ports");

            migrationBuilder.DropColumn(
                name: "SharedWith",
                table: "ports");
        }
    }
}
