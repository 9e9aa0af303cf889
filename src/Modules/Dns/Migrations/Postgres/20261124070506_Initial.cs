using System;
using Microsoft.EntityFrameworkCore.Migrations;
using Npgsql.EntityFrameworkCore.PostgreSQL.Metadata;

#nullable disable

namespace Monolith.Dns.Migrations.Postgres
{
    /// <inheritdoc />
    public partial class Initial : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.EnsureSchema(
                name: "dns");

            migrationBuilder.CreateTable(
                name: "events",
                schema: "dns",
                columns: table => new
                {
                    Sequence = table.Column<long>(type: "bigint", nullable: false)
                        .Annotation("Npgsql:ValueGenerationStrategy", NpgsqlValueGenerationStrategy.IdentityByDefaultColumn),
                    Uid = table.Column<Guid>(type: "uuid", nullable: false),
                    Type = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Resource = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Project = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Time = table.Column<DateTime>(type: "timestamp with time zone", nullable: false),
                    Actor = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    RequestId = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    TraceId = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    DataType = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Data = table.Column<byte[]>(type: "bytea", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_events", x => x.Sequence);
                });

            migrationBuilder.CreateTable(
                name: "relays",
                schema: "dns",
                columns: table => new
                {
                    Id = table.Column<int>(type: "integer", nullable: false),
                    LoggedThrough = table.Column<long>(type: "bigint", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_relays", x => x.Id);
                });

            migrationBuilder.CreateTable(
                name: "requests",
                schema: "dns",
                columns: table => new
                {
                    Key = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Payload = table.Column<byte[]>(type: "bytea", nullable: false),
                    Response = table.Column<byte[]>(type: "bytea", nullable: false),
                    Time = table.Column<DateTime>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_requests", x => x.Key);
                });

            migrationBuilder.CreateTable(
                name: "zones",
                schema: "dns",
                columns: table => new
                {
                    Uid = table.Column<Guid>(type: "uuid", nullable: false),
                    Domain = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    DefaultTtlSeconds = table.Column<int>(type: "integer", nullable: false),
                    Contact = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Serial = table.Column<long>(type: "bigint", nullable: false),
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
                    table.PrimaryKey("PK_zones", x => x.Uid);
                });

            migrationBuilder.CreateTable(
                name: "record_sets",
                schema: "dns",
                columns: table => new
                {
                    Uid = table.Column<Guid>(type: "uuid", nullable: false),
                    ZoneUid = table.Column<Guid>(type: "uuid", nullable: false),
                    Domain = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Type = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    TtlSeconds = table.Column<int>(type: "integer", nullable: false),
                    Values = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Owner = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    OwnerUid = table.Column<Guid>(type: "uuid", nullable: true),
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
                    table.PrimaryKey("PK_record_sets", x => x.Uid);
                    table.ForeignKey(
                        name: "FK_record_sets_zones_ZoneUid",
                        column: x => x.ZoneUid,
                        principalSchema: "dns",
                        principalTable: "zones",
                        principalColumn: "Uid",
                        onDelete: ReferentialAction.Restrict);
                });

            migrationBuilder.CreateIndex(
                name: "IX_events_Uid",
                schema: "dns",
                table: "events",
                column: "Uid",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_record_sets_Name",
                schema: "dns",
                table: "record_sets",
                column: "Name",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_record_sets_OwnerUid",
                schema: "dns",
                table: "record_sets",
                column: "OwnerUid");

            migrationBuilder.CreateIndex(
                name: "IX_record_sets_Project_Name",
                schema: "dns",
                table: "record_sets",
                columns: new[] { "Project", "Name" });

            migrationBuilder.CreateIndex(
                name: "IX_record_sets_ZoneUid_Domain_Type",
                schema: "dns",
                table: "record_sets",
                columns: new[] { "ZoneUid", "Domain", "Type" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_requests_Time",
                schema: "dns",
                table: "requests",
                column: "Time");

            migrationBuilder.CreateIndex(
                name: "IX_zones_Domain",
                schema: "dns",
                table: "zones",
                column: "Domain",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_zones_Name",
                schema: "dns",
                table: "zones",
                column: "Name",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_zones_Project_Name",
                schema: "dns",
                table: "zones",
                columns: new[] { "Project", "Name" });
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "events",
                schema: "dns");

            migrationBuilder.DropTable(
                name: "record_sets",
                schema: "dns");

            migrationBuilder.DropTable(
                name: "relays",
                schema: "dns");

            migrationBuilder.DropTable(
                name: "requests",
                schema: "dns");

            migrationBuilder.DropTable(
                name: "zones",
                schema: "dns");
        }
    }
}
