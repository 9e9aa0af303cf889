using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Monolith.Compute.Migrations.Postgres
{
    /// <inheritdoc />
    public partial class Evacuation : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "IX_vms_ServerUid_Role",
                schema: "compute",
                table: "vms");

            migrationBuilder.AddColumn<bool>(
                name: "Evacuating",
                schema: "compute",
                table: "hypervisors",
                type: "boolean",
                nullable: false,
                defaultValue: false);

            migrationBuilder.AddColumn<string>(
                name: "EvacuationMessage",
                schema: "compute",
                table: "hypervisors",
                type: "text",
                nullable: false,
                defaultValue: "",
                collation: "C");

            migrationBuilder.AddColumn<DateTime>(
                name: "FenceTime",
                schema: "compute",
                table: "hypervisors",
                type: "timestamp with time zone",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "Maintenance",
                schema: "compute",
                table: "hypervisors",
                type: "text",
                nullable: false,
                defaultValue: "",
                collation: "C");

            migrationBuilder.CreateIndex(
                name: "IX_vms_ServerUid_Role",
                schema: "compute",
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
                schema: "compute",
                table: "vms");

            migrationBuilder.DropColumn(
                name: "Evacuating",
                schema: "compute",
                table: "hypervisors");

            migrationBuilder.DropColumn(
                name: "EvacuationMessage",
                schema: "compute",
                table: "hypervisors");

            migrationBuilder.DropColumn(
                name: "FenceTime",
                schema: "compute",
                table: "hypervisors");

            migrationBuilder.DropColumn(
                name: "Maintenance",
                schema: "compute",
                table: "hypervisors");

            migrationBuilder.CreateIndex(
                name: "IX_vms_ServerUid_Role",
                schema: "compute",
                table: "vms",
                columns: new[] { "ServerUid", "Role" },
                unique: true);
        }
    }
}
