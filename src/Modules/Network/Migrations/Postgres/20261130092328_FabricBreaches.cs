using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Monolith.Network.Migrations.Postgres
{
    /// <inheritdoc />
    public partial class FabricBreaches : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateTable(
                name: "fabric_breaches",
                schema: "network",
                columns: table => new
                {
                    Uid = table.Column<Guid>(type: "uuid", nullable: false),
                    Node = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Code = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Subject = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Invariant = table.Column<int>(type: "integer", nullable: false),
                    State = table.Column<int>(type: "integer", nullable: false),
                    Port = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Message = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    FirstSeenTime = table.Column<DateTime>(type: "timestamp with time zone", nullable: false),
                    LastSeenTime = table.Column<DateTime>(type: "timestamp with time zone", nullable: true),
                    MendTime = table.Column<DateTime>(type: "timestamp with time zone", nullable: true),
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
                    table.PrimaryKey("PK_fabric_breaches", x => x.Uid);
                });

            migrationBuilder.CreateIndex(
                name: "IX_fabric_breaches_Name",
                schema: "network",
                table: "fabric_breaches",
                column: "Name",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_fabric_breaches_Node",
                schema: "network",
                table: "fabric_breaches",
                column: "Node");

            migrationBuilder.CreateIndex(
                name: "IX_fabric_breaches_Project_Name",
                schema: "network",
                table: "fabric_breaches",
                columns: new[] { "Project", "Name" });
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "fabric_breaches",
                schema: "network");
        }
    }
}
