using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Monolith.Compute.Migrations.Postgres
{
    /// <inheritdoc />
    public partial class ServerProtection : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<int>(
                name: "Incarnation",
                schema: "compute",
                table: "vms",
                type: "integer",
                nullable: false,
                defaultValue: 0);

            migrationBuilder.AddColumn<DateTime>(
                name: "ExpireTime",
                schema: "compute",
                table: "servers",
                type: "timestamp with time zone",
                nullable: true);

            migrationBuilder.AddColumn<int>(
                name: "Incarnation",
                schema: "compute",
                table: "servers",
                type: "integer",
                nullable: false,
                defaultValue: 0);

            migrationBuilder.AddColumn<string>(
                name: "LockReason",
                schema: "compute",
                table: "servers",
                type: "text",
                nullable: false,
                defaultValue: "",
                collation: "C");

            migrationBuilder.AddColumn<int>(
                name: "UndeleteSeconds",
                schema: "compute",
                table: "servers",
                type: "integer",
                nullable: false,
                defaultValue: 0);

            migrationBuilder.CreateIndex(
                name: "IX_servers_ExpireTime",
                schema: "compute",
                table: "servers",
                column: "ExpireTime",
                filter: "\"ExpireTime\" IS NOT NULL");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "IX_servers_ExpireTime",
                schema: "compute",
                table: "servers");

            migrationBuilder.DropColumn(
                name: "Incarnation",
                schema: "compute",
                table: "vms");

            migrationBuilder.DropColumn(
                name: "ExpireTime",
                schema: "compute",
                table: "servers");

            migrationBuilder.DropColumn(
                name: "Incarnation",
                schema: "compute",
                table: "servers");

            migrationBuilder.DropColumn(
                name: "LockReason",
                schema: "compute",
                table: "servers");

            migrationBuilder.DropColumn(
                name: "UndeleteSeconds",
                schema: "compute",
                table: "servers");
        }
    }
}
