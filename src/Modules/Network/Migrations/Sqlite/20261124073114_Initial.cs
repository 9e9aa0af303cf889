using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Monolith.Network.Migrations.Sqlite
{
    /// <inheritdoc />
    public partial class Initial : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateTable(
                name: "address_pools",
                columns: table => new
                {
                    Uid = table.Column<Guid>(type: "TEXT", nullable: false),
                    Purpose = table.Column<int>(type: "INTEGER", nullable: false),
                    Prefixes = table.Column<string>(type: "TEXT", nullable: false),
                    Exclusions = table.Column<string>(type: "TEXT", nullable: false),
                    AddressCount = table.Column<long>(type: "INTEGER", nullable: false),
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
                    table.PrimaryKey("PK_address_pools", x => x.Uid);
                });

            migrationBuilder.CreateTable(
                name: "addresses",
                columns: table => new
                {
                    Address = table.Column<string>(type: "TEXT", nullable: false),
                    PoolUid = table.Column<Guid>(type: "TEXT", nullable: false),
                    HolderUid = table.Column<Guid>(type: "TEXT", nullable: false),
                    Owner = table.Column<string>(type: "TEXT", nullable: false),
                    From = table.Column<DateTime>(type: "TEXT", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_addresses", x => x.Address);
                });

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
                name: "free_ranges",
                columns: table => new
                {
                    Last = table.Column<string>(type: "TEXT", nullable: false),
                    First = table.Column<string>(type: "TEXT", nullable: false),
                    PoolUid = table.Column<Guid>(type: "TEXT", nullable: false),
                    Family = table.Column<int>(type: "INTEGER", nullable: false),
                    FreeAfter = table.Column<DateTime>(type: "TEXT", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_free_ranges", x => x.Last);
                });

            migrationBuilder.CreateTable(
                name: "group_remotes",
                columns: table => new
                {
                    GroupUid = table.Column<Guid>(type: "TEXT", nullable: false),
                    RemoteUid = table.Column<Guid>(type: "TEXT", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_group_remotes", x => new { x.GroupUid, x.RemoteUid });
                });

            migrationBuilder.CreateTable(
                name: "networks",
                columns: table => new
                {
                    Uid = table.Column<Guid>(type: "TEXT", nullable: false),
                    AddressPools = table.Column<string>(type: "TEXT", nullable: false),
                    Mtu = table.Column<int>(type: "INTEGER", nullable: false),
                    DnsServers = table.Column<string>(type: "TEXT", nullable: false),
                    SecurityGroups = table.Column<string>(type: "TEXT", nullable: false),
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
                    table.PrimaryKey("PK_networks", x => x.Uid);
                });

            migrationBuilder.CreateTable(
                name: "past_addresses",
                columns: table => new
                {
                    Id = table.Column<long>(type: "INTEGER", nullable: false)
                        .Annotation("Sqlite:Autoincrement", true),
                    Address = table.Column<string>(type: "TEXT", nullable: false),
                    HolderUid = table.Column<Guid>(type: "TEXT", nullable: false),
                    Owner = table.Column<string>(type: "TEXT", nullable: false),
                    From = table.Column<DateTime>(type: "TEXT", nullable: false),
                    Until = table.Column<DateTime>(type: "TEXT", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_past_addresses", x => x.Id);
                });

            migrationBuilder.CreateTable(
                name: "pool_usages",
                columns: table => new
                {
                    PoolUid = table.Column<Guid>(type: "TEXT", nullable: false),
                    Used = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_pool_usages", x => x.PoolUid);
                });

            migrationBuilder.CreateTable(
                name: "port_defaults",
                columns: table => new
                {
                    Id = table.Column<int>(type: "INTEGER", nullable: false),
                    Fingerprint = table.Column<string>(type: "TEXT", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_port_defaults", x => x.Id);
                });

            migrationBuilder.CreateTable(
                name: "port_groups",
                columns: table => new
                {
                    PortUid = table.Column<Guid>(type: "TEXT", nullable: false),
                    GroupUid = table.Column<Guid>(type: "TEXT", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_port_groups", x => new { x.PortUid, x.GroupUid });
                });

            migrationBuilder.CreateTable(
                name: "ports",
                columns: table => new
                {
                    Uid = table.Column<Guid>(type: "TEXT", nullable: false),
                    Network = table.Column<string>(type: "TEXT", nullable: false),
                    Addresses = table.Column<string>(type: "TEXT", nullable: false),
                    MacAddress = table.Column<string>(type: "TEXT", nullable: false),
                    Mtu = table.Column<int>(type: "INTEGER", nullable: false),
                    Hostname = table.Column<string>(type: "TEXT", nullable: false),
                    SecurityGroups = table.Column<string>(type: "TEXT", nullable: false),
                    Owner = table.Column<string>(type: "TEXT", nullable: false),
                    OwnerUid = table.Column<Guid>(type: "TEXT", nullable: true),
                    OwnerIndex = table.Column<int>(type: "INTEGER", nullable: false),
                    Hypervisor = table.Column<string>(type: "TEXT", nullable: false),
                    SpecGeneration = table.Column<long>(type: "INTEGER", nullable: false),
                    BoundGeneration = table.Column<long>(type: "INTEGER", nullable: false),
                    State = table.Column<int>(type: "INTEGER", nullable: false),
                    ConditionBytes = table.Column<byte[]>(type: "BLOB", nullable: false),
                    ReportDigest = table.Column<string>(type: "TEXT", nullable: false),
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
                    table.PrimaryKey("PK_ports", x => x.Uid);
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
                name: "security_groups",
                columns: table => new
                {
                    Uid = table.Column<Guid>(type: "TEXT", nullable: false),
                    RuleBytes = table.Column<byte[]>(type: "BLOB", nullable: false),
                    SetGeneration = table.Column<long>(type: "INTEGER", nullable: false),
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
                    table.PrimaryKey("PK_security_groups", x => x.Uid);
                });

            migrationBuilder.CreateIndex(
                name: "IX_address_pools_Name",
                table: "address_pools",
                column: "Name",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_address_pools_Project_Name",
                table: "address_pools",
                columns: new[] { "Project", "Name" });

            migrationBuilder.CreateIndex(
                name: "IX_addresses_HolderUid",
                table: "addresses",
                column: "HolderUid");

            migrationBuilder.CreateIndex(
                name: "IX_events_Uid",
                table: "events",
                column: "Uid",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_free_ranges_PoolUid_Family_FreeAfter_First",
                table: "free_ranges",
                columns: new[] { "PoolUid", "Family", "FreeAfter", "First" });

            migrationBuilder.CreateIndex(
                name: "IX_group_remotes_RemoteUid",
                table: "group_remotes",
                column: "RemoteUid");

            migrationBuilder.CreateIndex(
                name: "IX_networks_Name",
                table: "networks",
                column: "Name",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_networks_Project_Name",
                table: "networks",
                columns: new[] { "Project", "Name" });

            migrationBuilder.CreateIndex(
                name: "IX_past_addresses_Address_From",
                table: "past_addresses",
                columns: new[] { "Address", "From" });

            migrationBuilder.CreateIndex(
                name: "IX_port_groups_GroupUid",
                table: "port_groups",
                column: "GroupUid");

            migrationBuilder.CreateIndex(
                name: "IX_ports_Hypervisor",
                table: "ports",
                column: "Hypervisor");

            migrationBuilder.CreateIndex(
                name: "IX_ports_MacAddress",
                table: "ports",
                column: "MacAddress",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_ports_Name",
                table: "ports",
                column: "Name",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_ports_Network",
                table: "ports",
                column: "Network");

            migrationBuilder.CreateIndex(
                name: "IX_ports_OwnerUid_OwnerIndex",
                table: "ports",
                columns: new[] { "OwnerUid", "OwnerIndex" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_ports_Project_Name",
                table: "ports",
                columns: new[] { "Project", "Name" });

            migrationBuilder.CreateIndex(
                name: "IX_requests_Time",
                table: "requests",
                column: "Time");

            migrationBuilder.CreateIndex(
                name: "IX_security_groups_Name",
                table: "security_groups",
                column: "Name",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_security_groups_Project_Name",
                table: "security_groups",
                columns: new[] { "Project", "Name" });
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "address_pools");

            migrationBuilder.DropTable(
                name: "addresses");

            migrationBuilder.DropTable(
                name: "events");

            migrationBuilder.DropTable(
                name: "free_ranges");

            migrationBuilder.DropTable(
                name: "group_remotes");

            migrationBuilder.DropTable(
                name: "networks");

            migrationBuilder.DropTable(
                name: "past_addresses");

            migrationBuilder.DropTable(
                name: "pool_usages");

            migrationBuilder.DropTable(
                name: "port_defaults");

            migrationBuilder.DropTable(
                name: "port_groups");

            migrationBuilder.DropTable(
                name: "ports");

            migrationBuilder.DropTable(
                name: "relays");

            migrationBuilder.DropTable(
                name: "requests");

            migrationBuilder.DropTable(
                name: "security_groups");
        }
    }
}
