using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Monolith.Image.Migrations.Sqlite
{
    /// <inheritdoc />
    public partial class ImageImports : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<int>(
                name: "ImportFailures",
                table: "images",
                type: "INTEGER",
                nullable: false,
                defaultValue: 0);

            migrationBuilder.AddColumn<string>(
                name: "ImportValidator",
                table: "images",
                type: "TEXT",
                nullable: false,
                defaultValue: "");

            migrationBuilder.AddColumn<byte[]>(
                name: "Origin",
                table: "images",
                type: "BLOB",
                nullable: false,
                defaultValue: new byte[0]);

            migrationBuilder.AddColumn<int>(
                name: "State",
                table: "images",
                type: "INTEGER",
                nullable: false,
                defaultValue: 1);

            migrationBuilder.AddColumn<int>(
                name: "StoreAs",
                table: "images",
                type: "INTEGER",
                nullable: false,
                defaultValue: 0);

            migrationBuilder.CreateIndex(
                name: "IX_images_State",
                table: "images",
                column: "State");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "IX_images_State",
                table: "images");

            migrationBuilder.DropColumn(
                name: "ImportFailures",
                table: "images");

            migrationBuilder.DropColumn(
                name: "ImportValidator",
                table: "images");

            migrationBuilder.DropColumn(
                name: "Origin",
                table: "images");

            migrationBuilder.DropColumn(
                name: "State",
                table: "images");

            migrationBuilder.DropColumn(
                name: "StoreAs",
                table: "images");
        }
    }
}
