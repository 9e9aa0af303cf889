using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Monolith.Compute.Migrations.Postgres
{
    /// <inheritdoc />
    public partial class Snapshots : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<long>(
                name: "PowerGeneration",
                schema: "compute",
                table: "vms",
                type: "bigint",
                nullable: false,
                defaultValue: 0L);

            migrationBuilder.AddColumn<byte[]>(
                name: "ReportedSnapshot",
                schema: "compute",
                table: "vms",
                type: "bytea",
                nullable: false,
                defaultValue: new byte[0]);

            migrationBuilder.AddColumn<string>(
                name: "RescueSha256",
                schema: "compute",
                table: "vms",
                type: "text",
                nullable: false,
                defaultValue: "",
                collation: "C");

            migrationBuilder.AddColumn<Guid>(
                name: "Snapshot",
                schema: "compute",
                table: "vms",
                type: "uuid",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "RescueSha256",
                schema: "compute",
                table: "servers",
                type: "text",
                nullable: false,
                defaultValue: "",
                collation: "C");

            migrationBuilder.AddColumn<string>(
                name: "SnapshotImage",
                schema: "compute",
                table: "servers",
                type: "text",
                nullable: false,
                defaultValue: "",
                collation: "C");

            migrationBuilder.CreateTable(
                name: "snapshots",
                schema: "compute",
                columns: table => new
                {
                    Uid = table.Column<Guid>(type: "uuid", nullable: false),
                    ServerUid = table.Column<Guid>(type: "uuid", nullable: false),
                    ServerName = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    VmUid = table.Column<Guid>(type: "uuid", nullable: false),
                    Image = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Family = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    DisplayName = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    DiskGib = table.Column<int>(type: "integer", nullable: false),
                    LeastMemoryMib = table.Column<int>(type: "integer", nullable: false),
                    CreateTime = table.Column<DateTime>(type: "timestamp with time zone", nullable: false),
                    Deadline = table.Column<DateTime>(type: "timestamp with time zone", nullable: false),
                    Reserved = table.Column<bool>(type: "boolean", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_snapshots", x => x.Uid);
                });

            migrationBuilder.CreateIndex(
                name: "IX_snapshots_ServerUid",
                schema: "compute",
                table: "snapshots",
                column: "ServerUid",
                unique: true);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "snapshots",
                schema: "compute");

            migrationBuilder.DropColumn(
                name: "PowerGeneration",
                schema: "compute",
                table: "vms");

            migrationBuilder.DropColumn(
                name: "ReportedSnapshot",
                schema: "compute",
                table: "vms");

            migrationBuilder.DropColumn(
                name: "RescueSha256",
                schema: "compute",
                table: "vms");

            migrationBuilder.DropColumn(
                name: "Snapshot",
                schema: "compute",
                table: "vms");

            migrationBuilder.DropColumn(
                name: "RescueSha256",
                schema: "compute",
                table: "servers");

            migrationBuilder.DropColumn(
                name: "SnapshotImage",
                schema: "compute",
                table: "servers");
        }
    }
}
