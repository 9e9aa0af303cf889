using System;
using Microsoft.EntityFrameworkCore.Migrations;
using Npgsql.EntityFrameworkCore.PostgreSQL.Metadata;

#nullable disable

namespace Monolith.Lb.Migrations.Postgres
{
    /// <inheritdoc />
    public partial class Initial : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.EnsureSchema(
                name: "lb");

            migrationBuilder.CreateTable(
                name: "events",
                schema: "lb",
                columns: table => new
                {
                    Sequence = table.Column<long>(type: "bigint", nullable: false)
                        .Annotation("Npgsql:ValueGenerationStrategy", NpgsqlValueGenerationStrategy.IdentityByDefaultColumn),
                    Uid = table.Column<Guid>(type: "uuid", nullable: false),
                    Type = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Resource = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Project = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Time = table.Column<DateTime>(type: "timestamp with time zone", nullable: false),
                    Actor = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    RequestId = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    TraceId = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    DataType = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Data = table.Column<byte[]>(type: "bytea", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_events", x => x.Sequence);
                });

            migrationBuilder.CreateTable(
                name: "held_addresses",
                schema: "lb",
                columns: table => new
                {
                    LoadBalancerUid = table.Column<Guid>(type: "uuid", nullable: false),
                    Address = table.Column<string>(type: "text", nullable: false, collation: "C")
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_held_addresses", x => x.LoadBalancerUid);
                });

            migrationBuilder.CreateTable(
                name: "load_balancers",
                schema: "lb",
                columns: table => new
                {
                    Uid = table.Column<Guid>(type: "uuid", nullable: false),
                    AddressPool = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Body = table.Column<byte[]>(type: "bytea", nullable: false),
                    Revision = table.Column<long>(type: "bigint", nullable: false),
                    Servers = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Targets = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    SpecGeneration = table.Column<long>(type: "bigint", nullable: false),
                    SpecTime = table.Column<DateTime>(type: "timestamp with time zone", nullable: false),
                    Address = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    DnsName = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    State = table.Column<int>(type: "integer", nullable: false),
                    Facts = table.Column<byte[]>(type: "bytea", nullable: false),
                    FailedStep = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    FailedReason = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    FailedMessage = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    DeleteTime = table.Column<DateTime>(type: "timestamp with time zone", nullable: true),
                    Unsettled = table.Column<bool>(type: "boolean", nullable: false),
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
                    table.PrimaryKey("PK_load_balancers", x => x.Uid);
                });

            migrationBuilder.CreateTable(
                name: "nodes",
                schema: "lb",
                columns: table => new
                {
                    Id = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Connected = table.Column<bool>(type: "boolean", nullable: false),
                    AgentVersion = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    FirstConnectTime = table.Column<DateTime>(type: "timestamp with time zone", nullable: false),
                    ChangeTime = table.Column<DateTime>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_nodes", x => x.Id);
                });

            migrationBuilder.CreateTable(
                name: "relays",
                schema: "lb",
                columns: table => new
                {
                    Id = table.Column<int>(type: "integer", nullable: false),
                    LoggedThrough = table.Column<long>(type: "bigint", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_relays", x => x.Id);
                });

            migrationBuilder.CreateTable(
                name: "requests",
                schema: "lb",
                columns: table => new
                {
                    Key = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Payload = table.Column<byte[]>(type: "bytea", nullable: false),
                    Response = table.Column<byte[]>(type: "bytea", nullable: false),
                    Time = table.Column<DateTime>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_requests", x => x.Key);
                });

            migrationBuilder.CreateTable(
                name: "statuses",
                schema: "lb",
                columns: table => new
                {
                    LoadBalancerUid = table.Column<Guid>(type: "uuid", nullable: false),
                    Node = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Generation = table.Column<long>(type: "bigint", nullable: false),
                    ReportDigest = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Report = table.Column<byte[]>(type: "bytea", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_statuses", x => new { x.LoadBalancerUid, x.Node });
                });

            migrationBuilder.CreateIndex(
                name: "IX_events_Uid",
                schema: "lb",
                table: "events",
                column: "Uid",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_load_balancers_Name",
                schema: "lb",
                table: "load_balancers",
                column: "Name",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_load_balancers_Project_Name",
                schema: "lb",
                table: "load_balancers",
                columns: new[] { "Project", "Name" });

            migrationBuilder.CreateIndex(
                name: "IX_load_balancers_Unsettled",
                schema: "lb",
                table: "load_balancers",
                column: "Unsettled");

            migrationBuilder.CreateIndex(
                name: "IX_requests_Time",
                schema: "lb",
                table: "requests",
                column: "Time");

            migrationBuilder.CreateIndex(
                name: "IX_statuses_Node",
                schema: "lb",
                table: "statuses",
                column: "Node");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "events",
                schema: "lb");

            migrationBuilder.DropTable(
                name: "held_addresses",
                schema: "lb");

            migrationBuilder.DropTable(
                name: "load_balancers",
                schema: "lb");

            migrationBuilder.DropTable(
                name: "nodes",
                schema: "lb");

            migrationBuilder.DropTable(
                name: "relays",
                schema: "lb");

            migrationBuilder.DropTable(
                name: "requests",
                schema: "lb");

            migrationBuilder.DropTable(
                name: "statuses",
                schema: "lb");
        }
    }
}
