using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Monolith.Network.Migrations.Postgres
{
    /// <inheritdoc />
    public partial class Translation : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<string>(
                name: "AllowedPrefixes",
                schema: "network",
                table: "ports",
                type: "text",
                nullable: false,
                defaultValue: "",
                collation: "C");

            migrationBuilder.AddColumn<long>(
                name: "EgressRate",
                schema: "network",
                table: "ports",
                type: "bigint",
                nullable: false,
                defaultValue: 0L);

            migrationBuilder.AddColumn<string>(
                name: "FloatingAddresses",
                schema: "network",
                table: "ports",
                type: "text",
                nullable: false,
                defaultValue: "",
                collation: "C");

            migrationBuilder.AddColumn<long>(
                name: "IngressRate",
                schema: "network",
                table: "ports",
                type: "bigint",
                nullable: false,
                defaultValue: 0L);

            migrationBuilder.AddColumn<string>(
                name: "NatAddresses",
                schema: "network",
                table: "ports",
                type: "text",
                nullable: false,
                defaultValue: "",
                collation: "C");

            migrationBuilder.AddColumn<string>(
                name: "NatPool",
                schema: "network",
                table: "ports",
                type: "text",
                nullable: false,
                defaultValue: "",
                collation: "C");

            migrationBuilder.AddColumn<string>(
                name: "SharedNatAddresses",
                schema: "network",
                table: "ports",
                type: "text",
                nullable: false,
                defaultValue: "",
                collation: "C");

            migrationBuilder.AddColumn<string>(
                name: "NatAddressPool",
                schema: "network",
                table: "networks",
                type: "text",
                nullable: false,
                defaultValue: "",
                collation: "C");

            migrationBuilder.CreateTable(
                name: "address_sets",
                schema: "network",
                columns: table => new
                {
                    Uid = table.Column<Guid>(type: "uuid", nullable: false),
                    Prefixes = table.Column<string>(type: "text", nullable: false, collation: "C"),
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
                    table.PrimaryKey("PK_address_sets", x => x.Uid);
                });

            migrationBuilder.CreateTable(
                name: "floating_addresses",
                schema: "network",
                columns: table => new
                {
                    Uid = table.Column<Guid>(type: "uuid", nullable: false),
                    AddressPool = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Address = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    PortUid = table.Column<Guid>(type: "uuid", nullable: true),
                    Port = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Owner = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    State = table.Column<int>(type: "integer", nullable: false),
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
                    table.PrimaryKey("PK_floating_addresses", x => x.Uid);
                });

            migrationBuilder.CreateTable(
                name: "nat_addresses",
                schema: "network",
                columns: table => new
                {
                    Hypervisor = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    PoolUid = table.Column<Guid>(type: "uuid", nullable: false),
                    Family = table.Column<int>(type: "integer", nullable: false),
                    Uid = table.Column<Guid>(type: "uuid", nullable: false),
                    Address = table.Column<string>(type: "text", nullable: false, collation: "C")
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_nat_addresses", x => new { x.Hypervisor, x.PoolUid, x.Family });
                });

            migrationBuilder.CreateIndex(
                name: "IX_address_sets_Name",
                schema: "network",
                table: "address_sets",
                column: "Name",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_address_sets_Project_Name",
                schema: "network",
                table: "address_sets",
                columns: new[] { "Project", "Name" });

            migrationBuilder.CreateIndex(
                name: "IX_floating_addresses_Address",
                schema: "network",
                table: "floating_addresses",
                column: "Address",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_floating_addresses_Name",
                schema: "network",
                table: "floating_addresses",
                column: "Name",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_floating_addresses_PortUid",
                schema: "network",
                table: "floating_addresses",
                column: "PortUid");

            migrationBuilder.CreateIndex(
                name: "IX_floating_addresses_Project_Name",
                schema: "network",
                table: "floating_addresses",
                columns: new[] { "Project", "Name" });

            migrationBuilder.CreateIndex(
                name: "IX_nat_addresses_PoolUid",
                schema: "network",
                table: "nat_addresses",
                column: "PoolUid");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "address_sets",
                schema: "network");

            migrationBuilder.DropTable(
                name: "floating_addresses",
                schema: "network");

            migrationBuilder.DropTable(
                name: "nat_addresses",
                schema: "network");

            migrationBuilder.DropColumn(
                name: "AllowedPrefixes",
                schema: "network",
                table: "ports");

            migrationBuilder.DropColumn(
                name: "EgressRate",
                schema: "network",
                table: "ports");

            migrationBuilder.DropColumn(
                name: "FloatingAddresses",
                schema: "network",
                table: "ports");

            migrationBuilder.DropColumn(
                name: "IngressRate",
                schema: "network",
                table: "ports");

            migrationBuilder.DropColumn(
                name: "NatAddresses",
                schema: "network",
                table: "ports");

            migrationBuilder.DropColumn(
                name: "NatPool",
                schema: "network",
                table: "ports");

            migrationBuilder.DropColumn(
                name: "SharedNatAddresses",
                schema: "network",
                table: "ports");

            migrationBuilder.DropColumn(
                name: "NatAddressPool",
                schema: "network",
                table: "networks");
        }
    }
}
