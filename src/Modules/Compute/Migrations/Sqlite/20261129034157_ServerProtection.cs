using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Monolith.Compute.Migrations.Sqlite
{
    /// <inheritdoc />
    public partial class ServerProtection : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<int>(
                name: "Incarnation",
                table: "vms",
                type: "INTEGER",
                nullable: false,
                defaultValue: 0);

            migrationBuilder.AddColumn<DateTime>(
                name: "ExpireTime",
                table: "servers",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<int>(
                name: "Incarnation",
                table: "servers",
                type: "INTEGER",
                nullable: false,
                defaultValue: 0);

            migrationBuilder.AddColumn<string>(
                name: "LockReason",
                table: "servers",
                type: "TEXT",
                nullable: false,
                defaultValue: "");

            migrationBuilder.AddColumn<int>(
                name: "UndeleteSeconds",
                table: "servers",
                type: "INTEGER",
                nullable: false,
                defaultValue: 0);

            migrationBuilder.CreateIndex(
                name: "IX_servers_ExpireTime",
                table: "servers",
                column: "ExpireTime",
                filter: "\"ExpireTime\" IS NOT NULL");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "IX_servers_ExpireTime",
                table: "servers");

            migrationBuilder.DropColumn(
                name: "Incarnation",
                table: "vms");

            migrationBuilder.DropColumn(
                name: "ExpireTime",
                table: "servers");

            migrationBuilder.DropColumn(
                name: "Incarnation",
                table: "servers");

            migrationBuilder.DropColumn(
                name: "LockReason",
                table: "servers");

            migrationBuilder.DropColumn(
                name: "UndeleteSeconds",
                table: "servers");
        }
    }
}
