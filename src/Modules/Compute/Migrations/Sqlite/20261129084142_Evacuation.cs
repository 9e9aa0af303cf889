using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Monolith.Compute.Migrations.Sqlite
{
    /// <inheritdoc />
    public partial class Evacuation : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "IX_vms_ServerUid_Role",
                table: "vms");

            migrationBuilder.AddColumn<bool>(
                name: "Evacuating",
                table: "hypervisors",
                type: "INTEGER",
                nullable: false,
                defaultValue: false);

            migrationBuilder.AddColumn<string>(
                name: "EvacuationMessage",
                table: "hypervisors",
                type: "TEXT",
                nullable: false,
                defaultValue: "");

            migrationBuilder.AddColumn<DateTime>(
                name: "FenceTime",
                table: "hypervisors",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "Maintenance",
                table: "hypervisors",
                type: "TEXT",
                nullable: false,
                defaultValue: "");

            migrationBuilder.CreateIndex(
                name: "IX_vms_ServerUid_Role",
                table: "vms",
                columns: new[] { "ServerUid", "Role" },
                unique: true,
                filter: "\"Role\" <> 3");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "IX_vms_ServerUid_Role",
                table: "vms");

            migrationBuilder.DropColumn(
                name: "Evacuating",
                table: "hypervisors");

            migrationBuilder.DropColumn(
                name: "EvacuationMessage",
                table: "hypervisors");

            migrationBuilder.DropColumn(
                name: "FenceTime",
                table: "hypervisors");

            migrationBuilder.DropColumn(
                name: "Maintenance",
                table: "hypervisors");

            migrationBuilder.CreateIndex(
                name: "IX_vms_ServerUid_Role",
                table: "vms",
                columns: new[] { "ServerUid", "Role" },
                unique: true);
        }
    }
}
