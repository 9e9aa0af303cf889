using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Monolith.Network.Migrations.Postgres
{
    /// <inheritdoc />
    public partial class FabricPeers : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateTable(
                name: "fabric_peers",
                schema: "network",
                columns: table => new
                {
                    Uid = table.Column<Guid>(type: "uuid", nullable: false),
                    Node = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Neighbor = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    State = table.Column<int>(type: "integer", nullable: false),
                    BgpState = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Bfd = table.Column<int>(type: "integer", nullable: false),
                    LastError = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    StateTime = table.Column<DateTime>(type: "timestamp with time zone", nullable: false),
                    Flapping = table.Column<bool>(type: "boolean", nullable: false),
                    Losses = table.Column<string>(type: "text", nullable: false, collation: "C"),
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
                    table.PrimaryKey("PK_fabric_peers", x => x.Uid);
                });

            migrationBuilder.CreateIndex(
                name: "IX_fabric_peers_Name",
                schema: "network",
                table: "fabric_peers",
                column: "Name",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_fabric_peers_Node",
                schema: "network",
                table: "fabric_peers",
                column: "Node");

            migrationBuilder.CreateIndex(
                name: "IX_fabric_peers_Project_Name",
                schema: "network",
                table: "fabric_peers",
                columns: new[] { "Project", "Name" });
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "fabric_peers",
                schema: "network");
        }
    }
}
