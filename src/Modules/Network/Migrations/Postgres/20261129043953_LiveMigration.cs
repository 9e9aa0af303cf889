using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Monolith.Network.Migrations.Postgres
{
    /// <inheritdoc />
    public partial class LiveMigration : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<string>(
                name: "SharedWith",
                schema: "network",
                table: "ports",
                type: "text",
                nullable: false,
                defaultValue: "",
                collation: "C");

            migrationBuilder.CreateIndex(
                name: "IX_ports_SharedWith",
                schema: "network",
                table: "ports",
                column: "SharedWith");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "IX_ports_SharedWith",
                schema: "network",
                table: "ports");

            migrationBuilder.DropColumn(
                name: "SharedWith",
                schema: "network",
                table: "ports");
        }
    }
}
