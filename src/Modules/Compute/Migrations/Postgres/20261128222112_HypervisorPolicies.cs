using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Monolith.Compute.Migrations.Postgres
{
    /// <inheritdoc />
    public partial class HypervisorPolicies : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<int>(
                name: "Cpus",
                schema: "compute",
                table: "hypervisors",
                type: "integer",
                nullable: false,
                defaultValue: 0);

            migrationBuilder.AddColumn<long>(
                name: "ReservedDiskGib",
                schema: "compute",
                table: "hypervisors",
                type: "bigint",
                nullable: false,
                defaultValue: 0L);

            migrationBuilder.AddColumn<long>(
                name: "ReservedMemoryMib",
                schema: "compute",
                table: "hypervisors",
                type: "bigint",
                nullable: false,
                defaultValue: 0L);

            migrationBuilder.AddColumn<long>(
                name: "TotalDiskGib",
                schema: "compute",
                table: "hypervisors",
                type: "bigint",
                nullable: false,
                defaultValue: 0L);

            migrationBuilder.AddColumn<long>(
                name: "TotalMemoryMib",
                schema: "compute",
                table: "hypervisors",
                type: "bigint",
                nullable: false,
                defaultValue: 0L);

            migrationBuilder.AddColumn<double>(
                name: "VcpuRatio",
                schema: "compute",
                table: "hypervisors",
                type: "double precision",
                nullable: false,
                defaultValue: 0.0);

            // What was there had eight vCPUs for each processor, and nothing held back.
            migrationBuilder.Sql("""
                UPDATE compute.hypervisors SET "Cpus" = "Vcpus" / 8, "TotalMemoryMib" = "MemoryMib", "TotalDiskGib" = "DiskGib", "VcpuRatio" = 8
                """);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropColumn(
                name: "Cpus",
                schema: "compute",
                table: "hypervisors");

            migrationBuilder.DropColumn(
                name: "ReservedDiskGib",
                schema: "compute",
                table: "hypervisors");

            migrationBuilder.DropColumn(
                name: "ReservedMemoryMib",
                schema: "compute",
                table: "hypervisors");

            migrationBuilder.DropColumn(
                name: "TotalDiskGib",
                schema: "compute",
                table: "hypervisors");

            migrationBuilder.DropColumn(
                name: "TotalMemoryMib",
                schema: "compute",
                table: "hypervisors");

            migrationBuilder.DropColumn(
                name: "VcpuRatio",
                schema: "compute",
                table: "hypervisors");
        }
    }
}
