using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Monolith.Lb.Migrations.Sqlite
{
    /// <inheritdoc />
    public partial class Initial : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateTable(
                name: "events",
                columns: table => new
                {
                    Sequence = table.Column<long>(type: "INTEGER", nullable: false)
                        .Annotation("Sqlite:Autoincrement", true),
                    Uid = table.Column<Guid>(type: "TEXT", nullable: false),
                    Type = table.Column<string>(type: "TEXT", nullable: false),
                    Resource = table.Column<string>(type: "TEXT", nullable: false),
                    Project = table.Column<string>(type: "TEXT", nullable: false),
                    Time = table.Column<DateTime>(type: "TEXT", nullable: false),
                    Actor = table.Column<string>(type: "TEXT", nullable: false),
                    RequestId = table.Column<string>(type: "TEXT", nullable: false),
                    TraceId = table.Column<string>(type: "TEXT", nullable: false),
                    DataType = table.Column<string>(type: "TEXT", nullable: false),
                    Data = table.Column<byte[]>(type: "BLOB", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_events", x => x.Sequence);
                });

            migrationBuilder.CreateTable(
                name: "held_addresses",
                columns: table => new
                {
                    LoadBalancerUid = table.Column<Guid>(type: "TEXT", nullable: false),
                    Address = table.Column<string>(type: "TEXT", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_held_addresses", x => x.LoadBalancerUid);
                });

            migrationBuilder.CreateTable(
                name: "load_balancers",
                columns: table => new
                {
                    Uid = table.Column<Guid>(type: "TEXT", nullable: false),
                    AddressPool = table.Column<string>(type: "TEXT", nullable: false),
                    Body = table.Column<byte[]>(type: "BLOB", nullable: false),
                    Revision = table.Column<long>(type: "INTEGER", nullable: false),
                    Servers = table.Column<string>(type: "TEXT", nullable: false),
                    Targets = table.Column<string>(type: "TEXT", nullable: false),
                    SpecGeneration = table.Column<long>(type: "INTEGER", nullable: false),
                    SpecTime = table.Column<DateTime>(type: "TEXT", nullable: false),
                    Address = table.Column<string>(type: "TEXT", nullable: false),
                    DnsName = table.Column<string>(type: "TEXT", nullable: false),
                    State = table.Column<int>(type: "INTEGER", nullable: false),
                    Facts = table.Column<byte[]>(type: "BLOB", nullable: false),
                    FailedStep = table.Column<string>(type: "TEXT", nullable: false),
                    FailedReason = table.Column<string>(type: "TEXT", nullable: false),
                    FailedMessage = table.Column<string>(type: "TEXT", nullable: false),
                    DeleteTime = table.Column<DateTime>(type: "TEXT", nullable: true),
                    Unsettled = table.Column<bool>(type: "INTEGER", nullable: false),
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
                    table.PrimaryKey("PK_load_balancers", x => x.Uid);
                });

            migrationBuilder.CreateTable(
                name: "nodes",
                columns: table => new
                {
                    Id = table.Column<string>(type: "TEXT", nullable: false),
                    Connected = table.Column<bool>(type: "INTEGER", nullable: false),
                    AgentVersion = table.Column<string>(type: "TEXT", nullable: false),
                    FirstConnectTime = table.Column<DateTime>(type: "TEXT", nullable: false),
                    ChangeTime = table.Column<DateTime>(type: "TEXT", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_nodes", x => x.Id);
                });

            migrationBuilder.CreateTable(
                name: "relays",
                columns: table => new
                {
                    Id = table.Column<int>(type: "INTEGER", nullable: false),
                    LoggedThrough = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_relays", x => x.Id);
                });

            migrationBuilder.CreateTable(
                name: "requests",
                columns: table => new
                {
                    Key = table.Column<string>(type: "TEXT", nullable: false),
                    Payload = table.Column<byte[]>(type: "BLOB", nullable: false),
                    Response = table.Column<byte[]>(type: "BLOB", nullable: false),
                    Time = table.Column<DateTime>(type: "TEXT", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_requests", x => x.Key);
                });

            migrationBuilder.CreateTable(
                name: "statuses",
                columns: table => new
                {
                    LoadBalancerUid = table.Column<Guid>(type: "TEXT", nullable: false),
                    Node = table.Column<string>(type: "TEXT", nullable: false),
                    Generation = table.Column<long>(type: "INTEGER", nullable: false),
                    ReportDigest = table.Column<string>(type: "TEXT", nullable: false),
                    Report = table.Column<byte[]>(type: "BLOB", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_statuses", x => new { x.LoadBalancerUid, x.Node });
                });

            migrationBuilder.CreateIndex(
                name: "IX_events_Uid",
                table: "events",
                column: "Uid",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_load_balancers_Name",
                table: "load_balancers",
                column: "Name",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_load_balancers_Project_Name",
                table: "load_balancers",
                columns: new[] { "Project", "Name" });

            migrationBuilder.CreateIndex(
                name: "IX_load_balancers_Unsettled",
                table: "load_balancers",
                column: "Unsettled");

            migrationBuilder.CreateIndex(
                name: "IX_requests_Time",
                table: "requests",
                column: "Time");

            migrationBuilder.CreateIndex(
                name: "IX_statuses_Node",
                table: "statuses",
                column: "Node");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "events");

            migrationBuilder.DropTable(
                name: "held_addresses");

            migrationBuilder.DropTable(
                name: "load_balancers");

            migrationBuilder.DropTable(
                name: "nodes");

            migrationBuilder.DropTable(
                name: "relays");

            migrationBuilder.DropTable(
                name: "requests");

            migrationBuilder.DropTable(
                name: "statuses");
        }
    }
}
