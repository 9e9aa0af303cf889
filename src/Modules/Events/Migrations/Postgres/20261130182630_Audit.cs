using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Monolith.Events.Migrations.Postgres
{
    /// <inheritdoc />
    public partial class Audit : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<string>(
                name: "Credential",
                schema: "events",
                table: "events",
                type: "text",
                nullable: false,
                defaultValue: "",
                collation: "C");

            migrationBuilder.AddColumn<string>(
                name: "Method",
                schema: "events",
                table: "events",
                type: "text",
                nullable: false,
                defaultValue: "",
                collation: "C");

            migrationBuilder.AddColumn<string>(
                name: "Peer",
                schema: "events",
                table: "events",
                type: "text",
                nullable: false,
                defaultValue: "",
                collation: "C");

            migrationBuilder.CreateTable(
                name: "audit",
                schema: "events",
                columns: table => new
                {
                    Sequence = table.Column<long>(type: "bigint", nullable: false),
                    Time = table.Column<DateTime>(type: "timestamp with time zone", nullable: false),
                    Caller = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Credential = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Peer = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Method = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Resource = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Project = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Code = table.Column<long>(type: "bigint", nullable: false),
                    Reason = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    RequestId = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    TraceId = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    EventType = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    EventUid = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Count = table.Column<int>(type: "integer", nullable: false),
                    Digest = table.Column<byte[]>(type: "bytea", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_audit", x => x.Sequence);
                });

            migrationBuilder.CreateTable(
                name: "audit_ends",
                schema: "events",
                columns: table => new
                {
                    Id = table.Column<int>(type: "integer", nullable: false),
                    Last = table.Column<long>(type: "bigint", nullable: false),
                    Digest = table.Column<byte[]>(type: "bytea", nullable: false),
                    TrimmedThrough = table.Column<long>(type: "bigint", nullable: false),
                    TrimmedDigest = table.Column<byte[]>(type: "bytea", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_audit_ends", x => x.Id);
                });

            migrationBuilder.CreateIndex(
                name: "IX_audit_Caller_Sequence",
                schema: "events",
                table: "audit",
                columns: new[] { "Caller", "Sequence" });

            migrationBuilder.CreateIndex(
                name: "IX_audit_Project_Sequence",
                schema: "events",
                table: "audit",
                columns: new[] { "Project", "Sequence" });

            migrationBuilder.CreateIndex(
                name: "IX_audit_Resource_Sequence",
                schema: "events",
                table: "audit",
                columns: new[] { "Resource", "Sequence" });

            migrationBuilder.CreateIndex(
                name: "IX_audit_Time",
                schema: "events",
                table: "audit",
                column: "Time");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "audit",
                schema: "events");

            migrationBuilder.DropTable(
                name: "audit_ends",
                schema: "events");

            migrationBuilder.DropColumn(
                name: "Credential",
                schema: "events",
                table: "events");

            migrationBuilder.DropColumn(
                name: "Method",
                schema: "events",
                table: "events");

            migrationBuilder.DropColumn(
                name: "Peer",
                schema: "events",
                table: "events");
        }
    }
}
