using System;
using Microsoft.EntityFrameworkCore.Migrations;
using Npgsql.EntityFrameworkCore.PostgreSQL.Metadata;

#nullable disable

namespace Monolith.Network.Migrations.Postgres
{
    /// <inheritdoc />
    public partial class Initial : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.EnsureSchema(
                name: "network");

            migrationBuilder.CreateTable(
                name: "address_pools",
                schema: "network",
                columns: table => new
                {
                    Uid = table.Column<Guid>(type: "uuid", nullable: false),
                    Purpose = table.Column<int>(type: "integer", nullable: false),
                    Prefixes = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Exclusions = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    AddressCount = table.Column<long>(type: "bigint", nullable: false),
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
                    table.PrimaryKey("PK_address_pools", x => x.Uid);
                });

            migrationBuilder.CreateTable(
                name: "addresses",
                schema: "network",
                columns: table => new
                {
                    Address = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    PoolUid = table.Column<Guid>(type: "uuid", nullable: false),
                    HolderUid = table.Column<Guid>(type: "uuid", nullable: false),
                    Owner = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    From = table.Column<DateTime>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_addresses", x => x.Address);
                });

            migrationBuilder.CreateTable(
                name: "events",
                schema: "network",
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
                name: "free_ranges",
                schema: "network",
                columns: table => new
                {
                    Last = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    First = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    PoolUid = table.Column<Guid>(type: "uuid", nullable: false),
                    Family = table.Column<int>(type: "integer", nullable: false),
                    FreeAfter = table.Column<DateTime>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_free_ranges", x => x.Last);
                });

            migrationBuilder.CreateTable(
                name: "group_remotes",
                schema: "network",
                columns: table => new
                {
                    GroupUid = table.Column<Guid>(type: "uuid", nullable: false),
                    RemoteUid = table.Column<Guid>(type: "uuid", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_group_remotes", x => new { x.GroupUid, x.RemoteUid });
                });

            migrationBuilder.CreateTable(
                name: "networks",
                schema: "network",
                columns: table => new
                {
                    Uid = table.Column<Guid>(type: "uuid", nullable: false),
                    AddressPools = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Mtu = table.Column<int>(type: "integer", nullable: false),
                    DnsServers = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    SecurityGroups = table.Column<string>(type: "text", nullable: false, collation: "C"),
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
                    table.PrimaryKey("PK_networks", x => x.Uid);
                });

            migrationBuilder.CreateTable(
                name: "past_addresses",
                schema: "network",
                columns: table => new
                {
                    Id = table.Column<long>(type: "bigint", nullable: false)
                        .Annotation("Npgsql:ValueGenerationStrategy", NpgsqlValueGenerationStrategy.IdentityByDefaultColumn),
                    Address = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    HolderUid = table.Column<Guid>(type: "uuid", nullable: false),
                    Owner = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    From = table.Column<DateTime>(type: "timestamp with time zone", nullable: false),
                    Until = table.Column<DateTime>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_past_addresses", x => x.Id);
                });

            migrationBuilder.CreateTable(
                name: "pool_usages",
                schema: "network",
                columns: table => new
                {
                    PoolUid = table.Column<Guid>(type: "uuid", nullable: false),
                    Used = table.Column<long>(type: "bigint", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_pool_usages", x => x.PoolUid);
                });

            migrationBuilder.CreateTable(
                name: "port_defaults",
                schema: "network",
                columns: table => new
                {
                    Id = table.Column<int>(type: "integer", nullable: false),
                    Fingerprint = table.Column<string>(type: "text", nullable: false, collation: "C")
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_port_defaults", x => x.Id);
                });

            migrationBuilder.CreateTable(
                name: "port_groups",
                schema: "network",
                columns: table => new
                {
                    PortUid = table.Column<Guid>(type: "uuid", nullable: false),
                    GroupUid = table.Column<Guid>(type: "uuid", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_port_groups", x => new { x.PortUid, x.GroupUid });
                });

            migrationBuilder.CreateTable(
                name: "ports",
                schema: "network",
                columns: table => new
                {
                    Uid = table.Column<Guid>(type: "uuid", nullable: false),
                    Network = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Addresses = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    MacAddress = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Mtu = table.Column<int>(type: "integer", nullable: false),
                    Hostname = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    SecurityGroups = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Owner = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    OwnerUid = table.Column<Guid>(type: "uuid", nullable: true),
                    OwnerIndex = table.Column<int>(type: "integer", nullable: false),
                    Hypervisor = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    SpecGeneration = table.Column<long>(type: "bigint", nullable: false),
                    BoundGeneration = table.Column<long>(type: "bigint", nullable: false),
                    State = table.Column<int>(type: "integer", nullable: false),
                    ConditionBytes = table.Column<byte[]>(type: "bytea", nullable: false),
                    ReportDigest = table.Column<string>(type: "text", nullable: false, collation: "C"),
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
                    table.PrimaryKey("PK_ports", x => x.Uid);
                });

            migrationBuilder.CreateTable(
                name: "relays",
                schema: "network",
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
                schema: "network",
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
                name: "security_groups",
                schema: "network",
                columns: table => new
                {
                    Uid = table.Column<Guid>(type: "uuid", nullable: false),
                    RuleBytes = table.Column<byte[]>(type: "bytea", nullable: false),
                    SetGeneration = table.Column<long>(type: "bigint", nullable: false),
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
                    table.PrimaryKey("PK_security_groups", x => x.Uid);
                });

            migrationBuilder.CreateIndex(
                name: "IX_address_pools_Name",
                schema: "network",
                table: "address_pools",
                column: "Name",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_address_pools_Project_Name",
                schema: "network",
                table: "address_pools",
                columns: new[] { "Project", "Name" });

            migrationBuilder.CreateIndex(
                name: "IX_addresses_HolderUid",
                schema: "network",
                table: "addresses",
                column: "HolderUid");

            migrationBuilder.CreateIndex(
                name: "IX_events_Uid",
                schema: "network",
                table: "events",
                column: "Uid",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_free_ranges_PoolUid_Family_FreeAfter_First",
                schema: "network",
                table: "free_ranges",
                columns: new[] { "PoolUid", "Family", "FreeAfter", "First" });

            migrationBuilder.CreateIndex(
                name: "IX_group_remotes_RemoteUid",
                schema: "network",
                table: "group_remotes",
                column: "RemoteUid");

            migrationBuilder.CreateIndex(
                name: "IX_networks_Name",
                schema: "network",
                table: "networks",
                column: "Name",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_networks_Project_Name",
                schema: "network",
                table: "networks",
                columns: new[] { "Project", "Name" });

            migrationBuilder.CreateIndex(
                name: "IX_past_addresses_Address_From",
                schema: "network",
                table: "past_addresses",
                columns: new[] { "Address", "From" });

            migrationBuilder.CreateIndex(
                name: "IX_port_groups_GroupUid",
                schema: "network",
                table: "port_groups",
                column: "GroupUid");

            migrationBuilder.CreateIndex(
                name: "IX_ports_Hypervisor",
                schema: "network",
                table: "ports",
                column: "Hypervisor");

            migrationBuilder.CreateIndex(
                name: "IX_ports_MacAddress",
                schema: "network",
                table: "ports",
                column: "MacAddress",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_ports_Name",
                schema: "network",
                table: "ports",
                column: "Name",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_ports_Network",
                schema: "network",
                table: "ports",
                column: "Network");

            migrationBuilder.CreateIndex(
                name: "IX_ports_OwnerUid_OwnerIndex",
                schema: "network",
                table: "ports",
                columns: new[] { "OwnerUid", "OwnerIndex" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_ports_Project_Name",
                schema: "network",
                table: "ports",
                columns: new[] { "Project", "Name" });

            migrationBuilder.CreateIndex(
                name: "IX_requests_Time",
                schema: "network",
                table: "requests",
                column: "Time");

            migrationBuilder.CreateIndex(
                name: "IX_security_groups_Name",
                schema: "network",
                table: "security_groups",
                column: "Name",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_security_groups_Project_Name",
                schema: "network",
                table: "security_groups",
                columns: new[] { "Project", "Name" });
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "address_pools",
                schema: "network");

            migrationBuilder.DropTable(
                name: "addresses",
                schema: "network");

            migrationBuilder.DropTable(
                name: "events",
                schema: "network");

            migrationBuilder.DropTable(
                name: "free_ranges",
                schema: "network");

            migrationBuilder.DropTable(
                name: "group_remotes",
                schema: "network");

            migrationBuilder.DropTable(
                name: "networks",
                schema: "network");

            migrationBuilder.DropTable(
                name: "past_addresses",
                schema: "network");

            migrationBuilder.DropTable(
                name: "pool_usages",
                schema: "network");

            migrationBuilder.DropTable(
                name: "port_defaults",
                schema: "network");

            migrationBuilder.DropTable(
                name: "port_groups",
                schema: "network");

            migrationBuilder.DropTable(
                name: "ports",
                schema: "network");

            migrationBuilder.DropTable(
                name: "relays",
                schema: "network");

            migrationBuilder.DropTable(
                name: "requests",
                schema: "network");

            migrationBuilder.DropTable(
                name: "security_groups",
                schema: "network");
        }
    }
}
