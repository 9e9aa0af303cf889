using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Monolith.Compute.Migrations.Postgres
{
    /// <inheritdoc />
    public partial class ImagePrewarms : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateTable(
                name: "image_prewarms",
                schema: "compute",
                columns: table => new
                {
                    Uid = table.Column<Guid>(type: "uuid", nullable: false),
                    Image = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    AvailabilityZone = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    HypervisorLabels = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    State = table.Column<int>(type: "integer", nullable: false),
                    HeldImage = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Sha256 = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    SizeBytes = table.Column<long>(type: "bigint", nullable: false),
                    Format = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    ImageReason = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    ImageMessage = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    ImageTime = table.Column<DateTime>(type: "timestamp with time zone", nullable: false),
                    Counts = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    StateTime = table.Column<DateTime>(type: "timestamp with time zone", nullable: false),
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
                    table.PrimaryKey("PK_image_prewarms", x => x.Uid);
                });

            migrationBuilder.CreateTable(
                name: "image_reports",
                schema: "compute",
                columns: table => new
                {
                    Hypervisor = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Sha256 = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    State = table.Column<int>(type: "integer", nullable: false),
                    BytesDone = table.Column<long>(type: "bigint", nullable: false),
                    Reason = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Message = table.Column<string>(type: "text", nullable: false, collation: "C")
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_image_reports", x => new { x.Hypervisor, x.Sha256 });
                });

            migrationBuilder.CreateIndex(
                name: "IX_image_prewarms_Name",
                schema: "compute",
                table: "image_prewarms",
                column: "Name",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_image_prewarms_Project_Name",
                schema: "compute",
                table: "image_prewarms",
                columns: new[] { "Project", "Name" });

            migrationBuilder.CreateIndex(
                name: "IX_image_prewarms_Sha256",
                schema: "compute",
                table: "image_prewarms",
                column: "Sha256");

            migrationBuilder.CreateIndex(
                name: "IX_image_reports_Sha256",
                schema: "compute",
                table: "image_reports",
                column: "Sha256");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "image_prewarms",
                schema: "compute");

            migrationBuilder.DropTable(
                name: "image_reports",
                schema: "compute");
        }
    }
}
