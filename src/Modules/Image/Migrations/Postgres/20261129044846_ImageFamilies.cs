using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Monolith.Image.Migrations.Postgres
{
    /// <inheritdoc />
    public partial class ImageFamilies : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<bool>(
                name: "DeleteProtected",
                schema: "image",
                table: "images",
                type: "boolean",
                nullable: false,
                defaultValue: false);

            migrationBuilder.AddColumn<int>(
                name: "Deprecation",
                schema: "image",
                table: "images",
                type: "integer",
                nullable: false,
                defaultValue: 1);

            migrationBuilder.AddColumn<string>(
                name: "DeprecationMessage",
                schema: "image",
                table: "images",
                type: "text",
                nullable: false,
                defaultValue: "",
                collation: "C");

            migrationBuilder.AddColumn<string>(
                name: "Family",
                schema: "image",
                table: "images",
                type: "text",
                nullable: false,
                defaultValue: "",
                collation: "C");

            migrationBuilder.AddColumn<bool>(
                name: "Hidden",
                schema: "image",
                table: "images",
                type: "boolean",
                nullable: false,
                defaultValue: false);

            migrationBuilder.AddColumn<string>(
                name: "Replacement",
                schema: "image",
                table: "images",
                type: "text",
                nullable: false,
                defaultValue: "",
                collation: "C");

            migrationBuilder.AddColumn<string>(
                name: "SharedWith",
                schema: "image",
                table: "images",
                type: "text",
                nullable: false,
                defaultValue: "",
                collation: "C");

            migrationBuilder.CreateIndex(
                name: "IX_images_Project_Family",
                schema: "image",
                table: "images",
                columns: new[] { "Project", "Family" });
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "IX_images_Project_Family",
                schema: "image",
                table: "images");

            migrationBuilder.DropColumn(
                name: "DeleteProtected",
                schema: "image",
                table: "images");

            migrationBuilder.DropColumn(
                name: "Deprecation",
                schema: "image",
                table: "images");

            migrationBuilder.DropColumn(
                name: "DeprecationMessage",
                schema: "image",
                table: "images");

            migrationBuilder.DropColumn(
                name: "Family",
                schema: "image",
                table: "images");

            migrationBuilder.DropColumn(
                name: "Hidden",
                schema: "image",
                table: "images");

            migrationBuilder.DropColumn(
                name: "Replacement",
                schema: "image",
                table: "images");

            migrationBuilder.DropColumn(
                name: "SharedWith",
                schema: "image",
                table: "images");
        }
    }
}
