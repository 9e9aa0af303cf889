using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Monolith.Image.Migrations.Postgres
{
    /// <inheritdoc />
    public partial class ImageImports : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<int>(
                name: "ImportFailures",
                schema: "image",
                table: "images",
                type: "integer",
                nullable: false,
                defaultValue: 0);

            migrationBuilder.AddColumn<string>(
                name: "ImportValidator",
                schema: "image",
                table: "images",
                type: "text",
                nullable: false,
                defaultValue: "",
                collation: "C");

            migrationBuilder.AddColumn<byte[]>(
                name: "Origin",
                schema: "image",
                table: "images",
                type: "bytea",
                nullable: false,
                defaultValue: new byte[0]);

            migrationBuilder.AddColumn<int>(
                name: "State",
                schema: "image",
                table: "images",
                type: "integer",
                nullable: false,
                defaultValue: 1);

            migrationBuilder.AddColumn<int>(
                name: "StoreAs",
                schema: "image",
                table: "images",
                type: "integer",
                nullable: false,
                defaultValue: 0);

            migrationBuilder.CreateIndex(
                name: "IX_images_State",
                schema: "image",
                table: "images",
                column: "State");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "IX_images_State",
                schema: "image",
                table: "images");

            migrationBuilder.DropColumn(
                name: "ImportFailures",
                schema: "image",
                table: "images");

            migrationBuilder.DropColumn(
                name: "ImportValidator",
                schema: "image",
                table: "images");

            migrationBuilder.DropColumn(
                name: "Origin",
                schema: "image",
                table: "images");

            migrationBuilder.DropColumn(
                name: "State",
                schema: "image",
                table: "images");

            migrationBuilder.DropColumn(
                name: "StoreAs",
                schema: "image",
                table: "images");
        }
    }
}
