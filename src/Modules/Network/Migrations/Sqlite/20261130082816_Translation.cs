using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Monolith.Network.Migrations.Sqlite
{
    /// <inheritdoc />
    public partial class Translation : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<string>(
                name: "AllowedPrefixes",
                table: "ports",
                type: "TEXT",
                nullable: false,
                defaultValue: "");

            migrationBuilder.AddColumn<long>(
                name: "EgressRate",
                table: "ports",
                type: "INTEGER",
                nullable: false,
                defaultValue: 0L);

            migrationBuilder.AddColumn<string>(
                name: "FloatingAddresses",
                table: "ports",
                type: "TEXT",
                nullable: false,
                defaultValue: "");

            migrationBuilder.AddColumn<long>(
                name: "IngressRate",
                table: "ports",
                type: "INTEGER",
                nullable: false,
                defaultValue: 0L);

            migrationBuilder.AddColumn<string>(
                name: "NatAddresses",
                table: "ports",
                type: "TEXT",
                nullable: false,
                defaultValue: "");

            migrationBuilder.AddColumn<string>(
                name: "NatPool",
                table: "ports",
                type: "TEXT",
                nullable: false,
                defaultValue: "");

            migrationBuilder.AddColumn<string>(
                name: "SharedNatAddresses",
                table: "ports",
                type: "TEXT",
                nullable: false,
                defaultValue: "");

            migrationBuilder.AddColumn<string>(
                name: "NatAddressPool",
                table: "networks",
                type: "TEXT",
                nullable: false,
                defaultValue: "");

            migrationBuilder.CreateTable(
                name: "address_sets",
                columns: table => new
                {
                    Uid = table.Column<Guid>(type: "TEXT", nullable: false),
                    Prefixes = table.Column<string>(type: "TEXT", nullable: false),
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
                    table.PrimaryKey("PK_address_sets", x => x.Uid);
                });

            migrationBuilder.CreateTable(
                name: "floating_addresses",
                columns: table => new
                {
                    Uid = table.Column<Guid>(type: "TEXT", nullable: false),
                    AddressPool = table.Column<string>(type: "TEXT", nullable: false),
                    Address = table.Column<string>(type: "TEXT", nullable: false),
                    PortUid = table.Column<Guid>(type: "TEXT", nullable: true),
                    Port = table.Column<string>(type: "TEXT", nullable: false),
                    Owner = table.Column<string>(type: "TEXT", nullable: false),
                    State = table.Column<int>(type: "INTEGER", nullable: false),
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
                    table.PrimaryKey("PK_floating_addresses", x => x.Uid);
                });

            migrationBuilder.CreateTable(
                name: "nat_addresses",
                columns: table => new
                {
                    Hypervisor = table.Column<string>(type: "TEXT", nullable: false),
                    PoolUid = table.Column<Guid>(type: "TEXT", nullable: false),
                    Family = table.Column<int>(type: "INTEGER", nullable: false),
                    Uid = table.Column<Guid>(type: "TEXT", nullable: false),
                    Address = table.Column<string>(type: "TEXT", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_nat_addresses", x => new { x.Hypervisor, x.PoolUid, x.Family });
                });

            migrationBuilder.CreateIndex(
                name: "IX_address_sets_Name",
                table: "address_sets",
                column: "Name",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_address_sets_Project_Name",
                table: "address_sets",
                columns: new[] { "Project", "Name" });

            migrationBuilder.CreateIndex(
                name: "IX_floating_addresses_Address",
                table: "floating_addresses",
                column: "Address",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_floating_addresses_Name",
                table: "floating_addresses",
                column: "Name",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_floating_addresses_PortUid",
                table: "floating_addresses",
                column: "PortUid");

            migrationBuilder.CreateIndex(
                name: "IX_floating_addresses_Project_Name",
                table: "floating_addresses",
                columns: new[] { "Project", "Name" });

            migrationBuilder.CreateIndex(
                name: "IX_nat_addresses_PoolUid",
                table: "nat_addresses",
                column: "PoolUid");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "address_sets");

            migrationBuilder.DropTable(
                name: "floating_addresses");

            migrationBuilder.DropTable(
                name: "nat_addresses");

            migrationBuilder.DropColumn(
                name: "AllowedPrefixes",
                table: "ports");

            migrationBuilder.DropColumn(
                name: "EgressRate",
                table: "ports");

            migrationBuilder.DropColumn(
                name: "FloatingAddresses",
                table: "ports");

            migrationBuilder.DropColumn(
                name: "IngressRate",
                table: "ports");

            migrationBuilder.DropColumn(
                name: "NatAddresses",
                table: "ports");

            migrationBuilder.DropColumn(
                name: "NatPool",
                table: "ports");

            migrationBuilder.DropColumn(
                name: "SharedNatAddresses",
                table: "ports");

            migrationBuilder.DropColumn(
                name: "NatAddressPool",
                table: "networks");
        }
    }
}
