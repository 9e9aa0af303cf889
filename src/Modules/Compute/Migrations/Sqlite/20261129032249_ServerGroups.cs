using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Monolith.Compute.Migrations.Sqlite
{
    /// <inheritdoc />
    public partial class ServerGroups : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<string>(
                name: "ServerGroup",
                table: "servers",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "Traits",
                table: "hypervisors",
                type: "TEXT",
                nullable: false,
                defaultValue: "");

            migrationBuilder.AddColumn<string>(
                name: "ForbiddenTraits",
                table: "flavors",
                type: "TEXT",
                nullable: false,
                defaultValue: "");

            migrationBuilder.AddColumn<bool>(
                name: "Packs",
                table: "flavors",
                type: "INTEGER",
                nullable: false,
                defaultValue: false);

            migrationBuilder.AddColumn<string>(
                name: "RequiredTraits",
                table: "flavors",
                type: "TEXT",
                nullable: false,
                defaultValue: "");

            migrationBuilder.CreateTable(
                name: "server_groups",
                columns: table => new
                {
                    Uid = table.Column<Guid>(type: "TEXT", nullable: false),
                    Policy = table.Column<int>(type: "INTEGER", nullable: false),
                    TopologyLabel = table.Column<string>(type: "TEXT", nullable: false),
                    Placements = table.Column<long>(type: "INTEGER", nullable: false),
                    Name = table.Column<string>(type: "TEXT", nullable: false),
                    Project = table.Column<string>(type: "TEXT", nullable: false),
                    Generation = table.Column<long>(type: "INTEGER", nullable: false),
                    DisplayName = table.Column<string>(type: "TEXT", nullable: false),
                    Labels = table.Column<string>(type: "TEXT", nullable: false),
                    CreateTime = table.Column<DateTime>(type: "TEXT", nullable: false),
                    UpdateTime = table.Column<DateTime>(type: "TEXT", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_server_groups", x => x.Uid);
                });

            migrationBuilder.CreateIndex(
                name: "IX_servers_ServerGroup",
                table: "servers",
                column: "ServerGroup",
                filter: "\"ServerGroup\" IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "IX_server_groups_Name",
                table: "server_groups",
                column: "Name",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_server_groups_Project_Name",
                table: "server_groups",
                columns: new[] { "Project", "Name" });
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "server_groups");

            migrationBuilder.DropIndex(
                name: "IX_servers_ServerGroup",
                table: "servers");

            migrationBuilder.DropColumn(
                name: "ServerGroup",
                table: "servers");

            migrationBuilder.DropColumn(
                name: "Traits",
                table: "hypervisors");

            migrationBuilder.DropColumn(
                name: "ForbiddenTraits",
                table: "flavors");

            migrationBuilder.DropColumn(
                name: "Packs",
                table: "flavors");

            migrationBuilder.DropColumn(
                name: "RequiredTraits",
                table: "flavors");
        }
    }
}
