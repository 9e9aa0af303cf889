using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Monolith.Network.Migrations.Sqlite
{
    /// <inheritdoc />
    public partial class AddressBook : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<long>(
                name: "UsedReserved",
                table: "pool_usages",
                type: "INTEGER",
                nullable: false,
                defaultValue: 0L);

            migrationBuilder.AddColumn<Guid>(
                name: "ReservationUid",
                table: "addresses",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "AvailabilityZone",
                table: "address_pools",
                type: "TEXT",
                nullable: false,
                defaultValue: "");

            migrationBuilder.AddColumn<int>(
                name: "QuarantineSeconds",
                table: "address_pools",
                type: "INTEGER",
                nullable: true);

            migrationBuilder.CreateTable(
                name: "pool_samples",
                columns: table => new
                {
                    PoolUid = table.Column<Guid>(type: "TEXT", nullable: false),
                    Time = table.Column<DateTime>(type: "TEXT", nullable: false),
                    Used = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_pool_samples", x => new { x.PoolUid, x.Time });
                });

            migrationBuilder.CreateTable(
                name: "reservations",
                columns: table => new
                {
                    Uid = table.Column<Guid>(type: "TEXT", nullable: false),
                    PoolUid = table.Column<Guid>(type: "TEXT", nullable: false),
                    First = table.Column<string>(type: "TEXT", nullable: false),
                    Last = table.Column<string>(type: "TEXT", nullable: false),
                    Addresses = table.Column<string>(type: "TEXT", nullable: false),
                    Note = table.Column<string>(type: "TEXT", nullable: false),
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
                    table.PrimaryKey("PK_reservations", x => x.Uid);
                });

            migrationBuilder.CreateIndex(
                name: "IX_past_addresses_Owner",
                table: "past_addresses",
                column: "Owner");

            migrationBuilder.CreateIndex(
                name: "IX_reservations_First",
                table: "reservations",
                column: "First",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_reservations_Name",
                table: "reservations",
                column: "Name",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_reservations_PoolUid_Last",
                table: "reservations",
                columns: new[] { "PoolUid", "Last" });

            migrationBuilder.CreateIndex(
                name: "IX_reservations_Project_Name",
                table: "reservations",
                columns: new[] { "Project", "Name" });
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "pool_samples");

            migrationBuilder.DropTable(
                name: "reservations");

            migrationBuilder.DropIndex(
                name: "IX_past_addresses_Owner",
                table: "past_addresses");

            migrationBuilder.DropColumn(
                name: "UsedReserved",
                table: "pool_usages");

            migrationBuilder.DropColumn(
                name: "ReservationUid",
                table: "addresses");

            migrationBuilder.DropColumn(
                name: "AvailabilityZone",
                table: "address_pools");

            migrationBuilder.DropColumn(
                name: "QuarantineSeconds",
                table: "address_pools");
        }
    }
}
