using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Monolith.Compute.Migrations.Postgres
{
    /// <inheritdoc />
    public partial class ServerGroups : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<string>(
                name: "ServerGroup",
                schema: "compute",
                table: "servers",
                type: "text",
                nullable: true,
                collation: "C");

            migrationBuilder.AddColumn<string>(
                name: "Traits",
                schema: "compute",
                table: "hypervisors",
                type: "text",
                nullable: false,
                defaultValue: "",
                collation: "C");

            migrationBuilder.AddColumn<string>(
                name: "ForbiddenTraits",
                schema: "compute",
                table: "flavors",
                type: "text",
                nullable: false,
                defaultValue: "",
                collation: "C");

            migrationBuilder.AddColumn<bool>(
                name: "Packs",
                schema: "compute",
                table: "flavors",
                type: "boolean",
                nullable: false,
                defaultValue: false);

            migrationBuilder.AddColumn<string>(
                name: "RequiredTraits",
                schema: "compute",
                table: "flavors",
                type: "text",
                nullable: false,
                defaultValue: "",
                collation: "C");

            migrationBuilder.CreateTable(
                name: "server_groups",
                schema: "compute",
                columns: table => new
                {
                    Uid = table.Column<Guid>(type: "uuid", nullable: false),
                    Policy = table.Column<int>(type: "integer", nullable: false),
                    TopologyLabel = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Placements = table.Column<long>(type: "bigint", nullable: false),
                    Name = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Project = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Generation = table.Column<long>(type: "bigint", nullable: false),
                    DisplayName = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Labels = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    CreateTime = table.Column<DateTime>(type: "timestamp with time zone", nullable: false),
                    UpdateTime = table.Column<DateTime>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_server_groups", x => x.Uid);
                });

            migrationBuilder.CreateIndex(
                name: "IX_servers_ServerGroup",
                schema: "compute",
                table: "servers",
                column: "ServerGroup",
                filter: "\"ServerGroup\" IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "IX_server_groups_Name",
                schema: "compute",
                table: "server_groups",
                column: "Name",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_server_groups_Project_Name",
                schema: "compute",
                table: "server_groups",
                columns: new[] { "Project", "Name" });
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "server_groups",
                schema: "compute");

            migrationBuilder.DropIndex(
                name: "IX_servers_ServerGroup",
                schema: "compute",
                table: "servers");

            migrationBuilder.DropColumn(
                name: "ServerGroup",
                schema: "compute",
                table: "servers");

            migrationBuilder.DropColumn(
                name: "Traits",
                schema: "compute",
                table: "hypervisors");

            migrationBuilder.DropColumn(
                name: "ForbiddenTraits",
                schema: "compute",
                table: "flavors");

            migrationBuilder.DropColumn(
                name: "Packs",
                schema: "compute",
                table: "flavors");

            migrationBuilder.DropColumn(
                name: "RequiredTraits",
                schema: "compute",
                table: "flavors");
        }
    }
}
