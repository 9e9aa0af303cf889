using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Monolith.Compute.Migrations.Sqlite
{
    /// <inheritdoc />
    public partial class ImagePrewarms : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateTable(
                name: "image_prewarms",
                columns: table => new
                {
                    Uid = table.Column<Guid>(type: "TEXT", nullable: false),
                    Image = table.Column<string>(type: "TEXT", nullable: false),
                    AvailabilityZone = table.Column<string>(type: "TEXT", nullable: false),
                    HypervisorLabels = table.Column<string>(type: "TEXT", nullable: false),
                    State = table.Column<int>(type: "INTEGER", nullable: false),
                    HeldImage = table.Column<string>(type: "TEXT", nullable: false),
                    Sha256 = table.Column<string>(type: "TEXT", nullable: false),
                    SizeBytes = table.Column<long>(type: "INTEGER", nullable: false),
                    Format = table.Column<string>(type: "TEXT", nullable: false),
                    ImageReason = table.Column<string>(type: "TEXT", nullable: false),
                    ImageMessage = table.Column<string>(type: "TEXT", nullable: false),
                    ImageTime = table.Column<DateTime>(type: "TEXT", nullable: false),
                    Counts = table.Column<string>(type: "TEXT", nullable: false),
                    StateTime = table.Column<DateTime>(type: "TEXT", nullable: false),
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
                    table.PrimaryKey("PK_image_prewarms", x => x.Uid);
                });

            migrationBuilder.CreateTable(
                name: "image_reports",
                columns: table => new
                {
                    Hypervisor = table.Column<string>(type: "TEXT", nullable: false),
                    Sha256 = table.Column<string>(type: "TEXT", nullable: false),
                    State = table.Column<int>(type: "INTEGER", nullable: false),
                    BytesDone = table.Column<long>(type: "INTEGER", nullable: false),
                    Reason = table.Column<string>(type: "TEXT", nullable: false),
                    Message = table.Column<string>(type: "TEXT", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_image_reports", x => new { x.Hypervisor, x.Sha256 });
                });

            migrationBuilder.CreateIndex(
                name: "IX_image_prewarms_Name",
                table: "image_prewarms",
                column: "Name",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_image_prewarms_Project_Name",
                table: "image_prewarms",
                columns: new[] { "Project", "Name" });

            migrationBuilder.CreateIndex(
                name: "IX_image_prewarms_Sha256",
                table: "image_prewarms",
                column: "Sha256");

            migrationBuilder.CreateIndex(
                name: "IX_image_reports_Sha256",
                table: "image_reports",
                column: "Sha256");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "image_prewarms");

            migrationBuilder.DropTable(
                name: "image_reports");
        }
    }
}
