using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Monolith.Network.Migrations.Postgres
{
    /// <inheritdoc />
    public partial class AddressBook : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<long>(
                name: "UsedReserved",
                schema: "network",
                table: "pool_usages",
                type: "bigint",
                nullable: false,
                defaultValue: 0L);

            migrationBuilder.AddColumn<Guid>(
                name: "ReservationUid",
                schema: "network",
                table: "addresses",
                type: "uuid",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "AvailabilityZone",
                schema: "network",
                table: "address_pools",
                type: "text",
                nullable: false,
                defaultValue: "",
                collation: "C");

            migrationBuilder.AddColumn<int>(
                name: "QuarantineSeconds",
                schema: "network",
                table: "address_pools",
                type: "integer",
                nullable: true);

            migrationBuilder.CreateTable(
                name: "pool_samples",
                schema: "network",
                columns: table => new
                {
                    PoolUid = table.Column<Guid>(type: "uuid", nullable: false),
                    Time = table.Column<DateTime>(type: "timestamp with time zone", nullable: false),
                    Used = table.Column<long>(type: "bigint", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_pool_samples", x => new { x.PoolUid, x.Time });
                });

            migrationBuilder.CreateTable(
                name: "reservations",
                schema: "network",
                columns: table => new
                {
                    Uid = table.Column<Guid>(type: "uuid", nullable: false),
                    PoolUid = table.Column<Guid>(type: "uuid", nullable: false),
                    First = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Last = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Addresses = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Note = table.Column<string>(type: "text", nullable: false, collation: "C"),
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
                    table.PrimaryKey("PK_reservations", x => x.Uid);
                });

            migrationBuilder.CreateIndex(
                name: "IX_past_addresses_Owner",
                schema: "network",
                table: "past_addresses",
                column: "Owner");

            migrationBuilder.CreateIndex(
                name: "IX_reservations_First",
                schema: "network",
                table: "reservations",
                column: "First",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_reservations_Name",
                schema: "network",
                table: "reservations",
                column: "Name",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_reservations_PoolUid_Last",
                schema: "network",
                table: "reservations",
                columns: new[] { "PoolUid", "Last" });

            migrationBuilder.CreateIndex(
                name: "IX_reservations_Project_Name",
                schema: "network",
                table: "reservations",
                columns: new[] { "Project", "Name" });
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "pool_samples",
                schema: "network");

            migrationBuilder.DropTable(
                name: "reservations",
                schema: "network");

            migrationBuilder.DropIndex(
                name: "IX_past_addresses_Owner",
                schema: "network",
                table: "past_addresses");

            migrationBuilder.DropColumn(
                name: "UsedReserved",
                schema: "network",
                table: "pool_usages");

            migrationBuilder.DropColumn(
                name: "ReservationUid",
                schema: "network",
                table: "addresses");

            migrationBuilder.DropColumn(
                name: "AvailabilityZone",
                schema: "network",
                table: "address_pools");

            migrationBuilder.DropColumn(
                name: "QuarantineSeconds",
                schema: "network",
                table: "address_pools");
        }
    }
}
