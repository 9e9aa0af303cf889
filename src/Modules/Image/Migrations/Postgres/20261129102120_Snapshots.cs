using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Monolith.Image.Migrations.Postgres
{
    /// <inheritdoc />
    public partial class Snapshots : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<long>(
                name: "BytesDone",
                schema: "image",
                table: "images",
                type: "bigint",
                nullable: false,
                defaultValue: 0L);

            migrationBuilder.AddColumn<long>(
                name: "BytesTotal",
                schema: "image",
                table: "images",
                type: "bigint",
                nullable: false,
                defaultValue: 0L);

            migrationBuilder.AddColumn<string>(
                name: "Message",
                schema: "image",
                table: "images",
                type: "text",
                nullable: false,
                defaultValue: "",
                collation: "C");

            migrationBuilder.AddColumn<string>(
                name: "Reason",
                schema: "image",
                table: "images",
                type: "text",
                nullable: false,
                defaultValue: "",
                collation: "C");

            migrationBuilder.AddColumn<string>(
                name: "SourceServer",
                schema: "image",
                table: "images",
                type: "text",
                nullable: false,
                defaultValue: "",
                collation: "C");

            migrationBuilder.AddColumn<DateTime>(
                name: "StateTime",
                schema: "image",
                table: "images",
                type: "timestamp with time zone",
                nullable: true);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropColumn(
                name: "BytesDone",
                schema: "image",
                table: "images");

            migrationBuilder.DropColumn(
                name: "BytesTotal",
                schema: "image",
                table: "images");

            migrationBuilder.DropColumn(
                name: "Message",
                schema: "image",
                table: "images");

            migrationBuilder.DropColumn(
                name: "Reason",
                schema: "image",
                table: "images");

            migrationBuilder.DropColumn(
                name: "SourceServer",
                schema: "image",
                table: "images");

            migrationBuilder.DropColumn(
                name: "StateTime",
                schema: "image",
                table: "images");
        }
    }
}
