using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Monolith.Image.Migrations.Sqlite
{
    /// <inheritdoc />
    public partial class ImageFamilies : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<bool>(
                name: "DeleteProtected",
                table: "images",
                type: "INTEGER",
                nullable: false,
                defaultValue: false);

            migrationBuilder.AddColumn<int>(
                name: "Deprecation",
                table: "images",
                type: "INTEGER",
                nullable: false,
                defaultValue: 1);

            migrationBuilder.AddColumn<string>(
                name: "DeprecationMessage",
                table: "images",
                type: "TEXT",
                nullable: false,
                defaultValue: "");

            migrationBuilder.AddColumn<string>(
                name: "Family",
                table: "images",
                type: "TEXT",
                nullable: false,
                defaultValue: "");

            migrationBuilder.AddColumn<bool>(
                name: "Hidden",
                table: "images",
                type: "INTEGER",
                nullable: false,
                defaultValue: false);

            migrationBuilder.AddColumn<string>(
                name: "Replacement",
                table: "images",
                type: "TEXT",
                nullable: false,
                defaultValue: "");

            migrationBuilder.AddColumn<string>(
                name: "SharedWith",
                table: "images",
                type: "TEXT",
                nullable: false,
                defaultValue: "");

            migrationBuilder.CreateIndex(
                name: "IX_images_Project_Family",
                table: "images",
                columns: new[] { "Project", "Family" });
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "IX_images_Project_Family",
                table: "images");

            migrationBuilder.DropColumn(
                name: "DeleteProtected",
                table: "images");

            migrationBuilder.DropColumn(
                name: "Deprecation",
                table: "images");

            migrationBuilder.DropColumn(
                name: "DeprecationMessage",
                table: "images");

            migrationBuilder.DropColumn(
                name: "Family",
                table: "images");

            migrationBuilder.DropColumn(
                name: "Hidden",
                table: "images");

            migrationBuilder.DropColumn(
                name: "Replacement",
                table: "images");

            migrationBuilder.DropColumn(
                name: "SharedWith",
                table: "images");
        }
    }
}
