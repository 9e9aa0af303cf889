using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Monolith.Compute.Migrations.Postgres
{
    /// <inheritdoc />
    public partial class QuotaIndex : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateIndex(
                name: "IX_servers_Project_Vcpus_MemoryMib_DiskGib",
                schema: "compute",
                table: "servers",
                columns: new[] { "Project", "Vcpus", "MemoryMib", "DiskGib" });
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "IX_servers_Project_Vcpus_MemoryMib_DiskGib",
                schema: "compute",
                table: "servers");
        }
    }
}
