using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Monolith.Identity.Migrations.Postgres
{
    /// <inheritdoc />
    public partial class ProjectPurge : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<DateTime>(
                name: "DeleteTime",
                schema: "identity",
                table: "projects",
                type: "timestamp with time zone",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "DeletedBy",
                schema: "identity",
                table: "projects",
                type: "text",
                nullable: false,
                defaultValue: "",
                collation: "C");

            migrationBuilder.AddColumn<string>(
                name: "DeletedFrom",
                schema: "identity",
                table: "projects",
                type: "text",
                nullable: false,
                defaultValue: "",
                collation: "C");

            migrationBuilder.AddColumn<string>(
                name: "DeletedWith",
                schema: "identity",
                table: "projects",
                type: "text",
                nullable: false,
                defaultValue: "",
                collation: "C");

            migrationBuilder.AddColumn<DateTime>(
                name: "PurgeTime",
                schema: "identity",
                table: "projects",
                type: "timestamp with time zone",
                nullable: true);

            migrationBuilder.AddColumn<bool>(
                name: "Purging",
                schema: "identity",
                table: "projects",
                type: "boolean",
                nullable: false,
                defaultValue: false);

            migrationBuilder.AddColumn<byte[]>(
                name: "Report",
                schema: "identity",
                table: "projects",
                type: "bytea",
                nullable: false,
                defaultValue: new byte[0]);

            migrationBuilder.CreateIndex(
                name: "IX_projects_DeleteTime",
                schema: "identity",
                table: "projects",
                column: "DeleteTime",
                filter: "\"DeleteTime\" IS NOT NULL");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "IX_projects_DeleteTime",
                schema: "identity",
                table: "projects");

            migrationBuilder.DropColumn(
                name: "DeleteTime",
                schema: "identity",
                table: "projects");

            migrationBuilder.DropColumn(
                name: "DeletedBy",
                schema: "identity",
                table: "projects");

            migrationBuilder.DropColumn(
                name: "DeletedFrom",
                schema: "identity",
                table: "projects");

            migrationBuilder.DropColumn(
                name: "DeletedWith",
                schema: "identity",
                table: "projects");

            migrationBuilder.DropColumn(
                name: "PurgeTime",
                schema: "identity",
                table: "projects");

            migrationBuilder.DropColumn(
                name: "Purging",
                schema: "identity",
                table: "projects");

            migrationBuilder.DropColumn(
                name: "Report",
                schema: "identity",
                table: "projects");
        }
    }
}
