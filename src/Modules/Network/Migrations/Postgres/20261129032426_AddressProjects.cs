using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Monolith.Network.Migrations.Postgres
{
    /// <inheritdoc />
    public partial class AddressProjects : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<string>(
                name: "Project",
                schema: "network",
                table: "addresses",
                type: "text",
                nullable: false,
                defaultValue: "",
                collation: "C");

            // An owner's name begins with its project.
            migrationBuilder.Sql("UPDATE network.addresses SET \"Project\" = split_part(\"Owner\", '/', 2) "
                + "WHERE \"Owner\" LIKE 'projects/%'");

            migrationBuilder.CreateIndex(
                name: "IX_addresses_Project_Address",
                schema: "network",
                table: "addresses",
                columns: new[] { "Project", "Address" });
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "IX_addresses_Project_Address",
                schema: "network",
                table: "addresses");

            migrationBuilder.DropColumn(
                name: "Project",
                schema: "network",
                table: "addresses");
        }
    }
}
