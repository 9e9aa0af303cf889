using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Monolith.Compute.Migrations.Postgres
{
    /// <inheritdoc />
    public partial class LiveMigration : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "IX_vms_ServerUid",
                schema: "compute",
                table: "vms");

            migrationBuilder.AddColumn<byte[]>(
                name: "Move",
                schema: "compute",
                table: "vms",
                type: "bytea",
                nullable: false,
                defaultValue: new byte[0]);

            migrationBuilder.AddColumn<byte[]>(
                name: "ReportedMigration",
                schema: "compute",
                table: "vms",
                type: "bytea",
                nullable: false,
                defaultValue: new byte[0]);

            migrationBuilder.AddColumn<int>(
                name: "Role",
                schema: "compute",
                table: "vms",
                type: "integer",
                nullable: false,
                defaultValue: 0);

            migrationBuilder.AddColumn<string>(
                name: "Migration",
                schema: "compute",
                table: "servers",
                type: "text",
                nullable: true,
                collation: "C");

            migrationBuilder.CreateIndex(
                name: "IX_vms_ServerUid_Role",
                schema: "compute",
                table: "vms",
                columns: new[] { "ServerUid", "Role" },
                unique: true);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "IX_vms_ServerUid_Role",
                schema: "compute",
                table: "vms");

            migrationBuilder.DropColumn(
                name: "Move",
                schema: "compute",
                table: "vms");

            migrationBuilder.DropColumn(
                name: "ReportedMigration",
                schema: "compute",
                table: "vms");

            migrationBuilder.DropColumn(
                name: "Role",
                schema: "compute",
                table: "vms");

            migrationBuilder.DropColumn(
                name: "Migration",
                schema: "compute",
                table: "servers");

            migrationBuilder.CreateIndex(
                name: "IX_vms_ServerUid",
                schema: "compute",
                table: "vms",
                column: "ServerUid",
                unique: true);
        }
    }
}
