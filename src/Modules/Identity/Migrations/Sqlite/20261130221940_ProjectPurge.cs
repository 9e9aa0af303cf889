using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Monolith.Identity.Migrations.Sqlite
{
    /// <inheritdoc />
    public partial class ProjectPurge : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<DateTime>(
                name: "DeleteTime",
                table: "projects",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "DeletedBy",
                table: "projects",
                type: "TEXT",
                nullable: false,
                defaultValue: "");

            migrationBuilder.AddColumn<string>(
                name: "DeletedFrom",
                table: "projects",
                type: "TEXT",
                nullable: false,
                defaultValue: "");

            migrationBuilder.AddColumn<string>(
                name: "DeletedWith",
                table: "projects",
                type: "TEXT",
                nullable: false,
                defaultValue: "");

            migrationBuilder.AddColumn<DateTime>(
                name: "PurgeTime",
                table: "projects",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<bool>(
                name: "Purging",
                table: "projects",
                type: "INTEGER",
                nullable: false,
                defaultValue: false);

            migrationBuilder.AddColumn<byte[]>(
                name: "Report",
                table: "projects",
                type: "BLOB",
                nullable: false,
                defaultValue: new byte[0]);

            migrationBuilder.CreateIndex(
                name: "IX_projects_DeleteTime",
                table: "projects",
                column: "DeleteTime",
                filter: "\"DeleteTime\" IS NOT NULL");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "IX_projects_DeleteTime",
                table: "projects");

            migrationBuilder.DropColumn(
                name: "DeleteTime",
                table: "projects");

            migrationBuilder.DropColumn(
                name: "DeletedBy",
                table: "projects");

            migrationBuilder.DropColumn(
                name: "DeletedFrom",
                table: "projects");

            migrationBuilder.DropColumn(
                name: "DeletedWith",
                table: "projects");

            migrationBuilder.DropColumn(
                name: "PurgeTime",
                table: "projects");

            migrationBuilder.DropColumn(
                name: "Purging",
                table: "projects");

            migrationBuilder.DropColumn(
                name: "Report",
                table: "projects");
        }
    }
}
