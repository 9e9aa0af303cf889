using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Monolith.Network.Migrations.Sqlite
{
    /// <inheritdoc />
    public partial class AddressProjects : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<string>(
                name: "Project",
                table: "addresses",
                type: "TEXT",
                nullable: false,
                defaultValue: "");

            // An owner's name begins with its project.
            migrationBuilder.Sql("UPDATE addresses SET Project = substr(Owner, 10, instr(substr(Owner, 10) || '/', '/') - 1) "
                + "WHERE Owner LIKE 'projects/%'");

            migrationBuilder.CreateIndex(
                name: "IX_addresses_Project_Address",
                table: "addresses",
                columns: new[] { "Project", "Address" });
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "IX_addresses_Project_Address",
                table: "addresses");

            migrationBuilder.DropColumn(
                name: "Project",
                table: "addresses");
        }
    }
}
