using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Monolith.Network.Migrations.Sqlite
{
    /// <inheritdoc />
    public partial class FabricPeers : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateTable(
                name: "fabric_peers",
                columns: table => new
                {
                    Uid = table.Column<Guid>(type: "TEXT", nullable: false),
                    Node = table.Column<string>(type: "TEXT", nullable: false),
                    Neighbor = table.Column<string>(type: "TEXT", nullable: false),
                    State = table.Column<int>(type: "INTEGER", nullable: false),
                    BgpState = table.Column<string>(type: "TEXT", nullable: false),
                    Bfd = table.Column<int>(type: "INTEGER", nullable: false),
                    LastError = table.Column<string>(type: "TEXT", nullable: false),
                    StateTime = table.Column<DateTime>(type: "TEXT", nullable: false),
                    Flapping = table.Column<bool>(type: "INTEGER", nullable: false),
                    Losses = table.Column<string>(type: "TEXT", nullable: false),
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
                    table.PrimaryKey("PK_fabric_peers", x => x.Uid);
                });

            migrationBuilder.CreateIndex(
                name: "IX_fabric_peers_Name",
                table: "fabric_peers",
                column: "Name",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_fabric_peers_Node",
                table: "fabric_peers",
                column: "Node");

            migrationBuilder.CreateIndex(
                name: "IX_fabric_peers_Project_Name",
                table: "fabric_peers",
                columns: new[] { "Project", "Name" });
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "fabric_peers");
        }
    }
}
