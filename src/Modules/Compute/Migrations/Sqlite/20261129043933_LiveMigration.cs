using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Monolith.Compute.Migrations.Sqlite
{
    /// <inheritdoc />
    public partial class LiveMigration : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "IX_vms_ServerUid",
                table: "vms");

            migrationBuilder.AddColumn<byte[]>(
                name: "Move",
                table: "vms",
                type: "BLOB",
                nullable: false,
                defaultValue: new byte[0]);

            migrationBuilder.AddColumn<byte[]>(
                name: "ReportedMigration",
                table: "vms",
                type: "BLOB",
                nullable: false,
                defaultValue: new byte[0]);

            migrationBuilder.AddColumn<int>(
                name: "Role",
                table: "vms",
                type: "INTEGER",
                nullable: false,
                defaultValue: 0);

            migrationBuilder.AddColumn<string>(
                name: "Migration",
                table: "servers",
                type: "TEXT",
                nullable: true);

            migrationBuilder.CreateIndex(
                name: "IX_vms_ServerUid_Role",
                table: "vms",
                columns: new[] { "ServerUid", "Role" },
                unique: true);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "IX_vms_ServerUid_Role",
                table: "vms");

            migrationBuilder.DropColumn(
                name: "Move",
                table: "vms");

            migrationBuilder.DropColumn(
                name: "ReportedMigration",
                table: "vms");

            migrationBuilder.DropColumn(
                name: "Role",
                table: "vms");

            migrationBuilder.DropColumn(
                name: "Migration",
                table: "servers");

            migrationBuilder.CreateIndex(
                name: "IX_vms_ServerUid",
                table: "vms",
                column: "ServerUid",
                unique: true);
        }
    }
}
