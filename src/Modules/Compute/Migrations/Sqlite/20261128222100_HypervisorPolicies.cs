using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Monolith.Compute.Migrations.Sqlite
{
    /// <inheritdoc />
    public partial class HypervisorPolicies : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<int>(
                name: "Cpus",
                table: "hypervisors",
                type: "INTEGER",
                nullable: false,
                defaultValue: 0);

            migrationBuilder.AddColumn<long>(
                name: "ReservedDiskGib",
                table: "hypervisors",
                type: "INTEGER",
                nullable: false,
                defaultValue: 0L);

            migrationBuilder.AddColumn<long>(
                name: "ReservedMemoryMib",
                table: "hypervisors",
                type: "INTEGER",
                nullable: false,
                defaultValue: 0L);

            migrationBuilder.AddColumn<long>(
                name: "TotalDiskGib",
                table: "hypervisors",
                type: "INTEGER",
                nullable: false,
                defaultValue: 0L);

            migrationBuilder.AddColumn<long>(
                name: "TotalMemoryMib",
                table: "hypervisors",
                type: "INTEGER",
                nullable: false,
                defaultValue: 0L);

            migrationBuilder.AddColumn<double>(
                name: "VcpuRatio",
                table: "hypervisors",
                type: "REAL",
                nullable: false,
                defaultValue: 0.0);

            // What was there had eight vCPUs for each processor, and nothing held back.
            migrationBuilder.Sql("""
                UPDATE hypervisors SET "Cpus" = "Vcpus" / 8, "TotalMemoryMib" = "MemoryMib", "TotalDiskGib" = "DiskGib", "VcpuRatio" = 8
                """);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropColumn(
                name: "Cpus",
                table: "hypervisors");

            migrationBuilder.DropColumn(
                name: "ReservedDiskGib",
                table: "hypervisors");

            migrationBuilder.DropColumn(
                name: "ReservedMemoryMib",
                table: "hypervisors");

            migrationBuilder.DropColumn(
                name: "TotalDiskGib",
                table: "hypervisors");

            migrationBuilder.DropColumn(
                name: "TotalMemoryMib",
                table: "hypervisors");

            migrationBuilder.DropColumn(
                name: "VcpuRatio",
                table: "hypervisors");
        }
    }
}
