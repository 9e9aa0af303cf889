using System;
using Microsoft.EntityFrameworkCore.Migrations;
using Npgsql.EntityFrameworkCore.PostgreSQL.Metadata;

#nullable disable

namespace Monolith.Compute.Migrations.Postgres
{
    /// <inheritdoc />
    public partial class Initial : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.EnsureSchema(
                name: "compute");

            migrationBuilder.CreateTable(
                name: "events",
                schema: "compute",
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
                name: "flavors",
                schema: "compute",
                columns: table => new
                {
                    Uid = table.Column<Guid>(type: "uuid", nullable: false),
                    Vcpus = table.Column<int>(type: "integer", nullable: false),
                    MemoryMib = table.Column<int>(type: "integer", nullable: false),
                    DiskGib = table.Column<int>(type: "integer", nullable: false),
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
                    table.PrimaryKey("PK_flavors", x => x.Uid);
                });

            migrationBuilder.CreateTable(
                name: "hypervisors",
                schema: "compute",
                columns: table => new
                {
                    Uid = table.Column<Guid>(type: "uuid", nullable: false),
                    Schedulable = table.Column<bool>(type: "boolean", nullable: false),
                    Up = table.Column<bool>(type: "boolean", nullable: false),
                    UpTime = table.Column<DateTime>(type: "timestamp with time zone", nullable: false),
                    AvailabilityZone = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Vcpus = table.Column<int>(type: "integer", nullable: false),
                    MemoryMib = table.Column<long>(type: "bigint", nullable: false),
                    DiskGib = table.Column<long>(type: "bigint", nullable: false),
                    UsedVcpus = table.Column<int>(type: "integer", nullable: false),
                    UsedMemoryMib = table.Column<long>(type: "bigint", nullable: false),
                    UsedDiskGib = table.Column<long>(type: "bigint", nullable: false),
                    ServerCount = table.Column<int>(type: "integer", nullable: false),
                    AgentVersion = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Capabilities = table.Column<string>(type: "text", nullable: false, collation: "C"),
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
                    table.PrimaryKey("PK_hypervisors", x => x.Uid);
                });

            migrationBuilder.CreateTable(
                name: "key_pairs",
                schema: "compute",
                columns: table => new
                {
                    Uid = table.Column<Guid>(type: "uuid", nullable: false),
                    PublicKey = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Fingerprint = table.Column<string>(type: "text", nullable: false, collation: "C"),
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
                    table.PrimaryKey("PK_key_pairs", x => x.Uid);
                });

            migrationBuilder.CreateTable(
                name: "operations",
                schema: "compute",
                columns: table => new
                {
                    ServerUid = table.Column<Guid>(type: "uuid", nullable: false),
                    Number = table.Column<int>(type: "integer", nullable: false),
                    ServerName = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Operation = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Start = table.Column<DateTime>(type: "timestamp with time zone", nullable: false),
                    Steps = table.Column<string>(type: "text", nullable: false, collation: "C")
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_operations", x => new { x.ServerUid, x.Number });
                });

            migrationBuilder.CreateTable(
                name: "relays",
                schema: "compute",
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
                schema: "compute",
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
                name: "servers",
                schema: "compute",
                columns: table => new
                {
                    Uid = table.Column<Guid>(type: "uuid", nullable: false),
                    Flavor = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Vcpus = table.Column<int>(type: "integer", nullable: false),
                    MemoryMib = table.Column<int>(type: "integer", nullable: false),
                    DiskGib = table.Column<int>(type: "integer", nullable: false),
                    Image = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    ImageSha256 = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    ImageSizeBytes = table.Column<long>(type: "bigint", nullable: false),
                    ImageFormat = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Detail = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    UserData = table.Column<byte[]>(type: "bytea", nullable: false),
                    Hostname = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    ReadyTcpPort = table.Column<int>(type: "integer", nullable: false),
                    ReadyTimeoutSeconds = table.Column<int>(type: "integer", nullable: false),
                    AvailabilityZone = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    DeleteProtected = table.Column<bool>(type: "boolean", nullable: false),
                    Power = table.Column<int>(type: "integer", nullable: false),
                    Hard = table.Column<bool>(type: "boolean", nullable: false),
                    Restarts = table.Column<int>(type: "integer", nullable: false),
                    Deleting = table.Column<bool>(type: "boolean", nullable: false),
                    State = table.Column<int>(type: "integer", nullable: false),
                    OperationNumber = table.Column<int>(type: "integer", nullable: false),
                    Operation = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    OperationStart = table.Column<DateTime>(type: "timestamp with time zone", nullable: false),
                    Steps = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Addresses = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    DnsName = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Hypervisor = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    PortsBoundTo = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    ReadyTime = table.Column<DateTime>(type: "timestamp with time zone", nullable: true),
                    Unsettled = table.Column<bool>(type: "boolean", nullable: false),
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
                    table.PrimaryKey("PK_servers", x => x.Uid);
                });

            migrationBuilder.CreateTable(
                name: "vms",
                schema: "compute",
                columns: table => new
                {
                    Uid = table.Column<Guid>(type: "uuid", nullable: false),
                    ServerUid = table.Column<Guid>(type: "uuid", nullable: false),
                    ServerName = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Hypervisor = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Vcpus = table.Column<int>(type: "integer", nullable: false),
                    MemoryMib = table.Column<int>(type: "integer", nullable: false),
                    DiskGib = table.Column<int>(type: "integer", nullable: false),
                    ImageSha256 = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Plan = table.Column<byte[]>(type: "bytea", nullable: false),
                    Generation = table.Column<long>(type: "bigint", nullable: false),
                    Power = table.Column<int>(type: "integer", nullable: false),
                    Hard = table.Column<bool>(type: "boolean", nullable: false),
                    Restarts = table.Column<int>(type: "integer", nullable: false),
                    PowerTime = table.Column<DateTime>(type: "timestamp with time zone", nullable: false),
                    State = table.Column<int>(type: "integer", nullable: false),
                    ReportedGeneration = table.Column<long>(type: "bigint", nullable: false),
                    ReportedRestarts = table.Column<int>(type: "integer", nullable: false),
                    Reason = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Message = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Retrying = table.Column<bool>(type: "boolean", nullable: false),
                    Answers = table.Column<bool>(type: "boolean", nullable: false),
                    Steps = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    ReportDigest = table.Column<string>(type: "text", nullable: false, collation: "C")
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_vms", x => x.Uid);
                });

            migrationBuilder.CreateIndex(
                name: "IX_events_Uid",
                schema: "compute",
                table: "events",
                column: "Uid",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_flavors_Name",
                schema: "compute",
                table: "flavors",
                column: "Name",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_flavors_Project_Name",
                schema: "compute",
                table: "flavors",
                columns: new[] { "Project", "Name" });

            migrationBuilder.CreateIndex(
                name: "IX_hypervisors_Name",
                schema: "compute",
                table: "hypervisors",
                column: "Name",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_hypervisors_Project_Name",
                schema: "compute",
                table: "hypervisors",
                columns: new[] { "Project", "Name" });

            migrationBuilder.CreateIndex(
                name: "IX_key_pairs_Name",
                schema: "compute",
                table: "key_pairs",
                column: "Name",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_key_pairs_Project_Name",
                schema: "compute",
                table: "key_pairs",
                columns: new[] { "Project", "Name" });

            migrationBuilder.CreateIndex(
                name: "IX_operations_ServerName",
                schema: "compute",
                table: "operations",
                column: "ServerName");

            migrationBuilder.CreateIndex(
                name: "IX_operations_Start",
                schema: "compute",
                table: "operations",
                column: "Start");

            migrationBuilder.CreateIndex(
                name: "IX_requests_Time",
                schema: "compute",
                table: "requests",
                column: "Time");

            migrationBuilder.CreateIndex(
                name: "IX_servers_Hypervisor",
                schema: "compute",
                table: "servers",
                column: "Hypervisor");

            migrationBuilder.CreateIndex(
                name: "IX_servers_Name",
                schema: "compute",
                table: "servers",
                column: "Name",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_servers_Project_Name",
                schema: "compute",
                table: "servers",
                columns: new[] { "Project", "Name" });

            migrationBuilder.CreateIndex(
                name: "IX_servers_Unsettled",
                schema: "compute",
                table: "servers",
                column: "Unsettled");

            migrationBuilder.CreateIndex(
                name: "IX_vms_Hypervisor",
                schema: "compute",
                table: "vms",
                column: "Hypervisor");

            migrationBuilder.CreateIndex(
                name: "IX_vms_ImageSha256",
                schema: "compute",
                table: "vms",
                column: "ImageSha256");

            migrationBuilder.CreateIndex(
                name: "IX_vms_ServerUid",
                schema: "compute",
                table: "vms",
                column: "ServerUid",
                unique: true);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "events",
                schema: "compute");

            migrationBuilder.DropTable(
                name: "flavors",
                schema: "compute");

            migrationBuilder.DropTable(
                name: "hypervisors",
                schema: "compute");

            migrationBuilder.DropTable(
                name: "key_pairs",
                schema: "compute");

            migrationBuilder.DropTable(
                name: "operations",
                schema: "compute");

            migrationBuilder.DropTable(
                name: "relays",
                schema: "compute");

            migrationBuilder.DropTable(
                name: "requests",
                schema: "compute");

            migrationBuilder.DropTable(
                name: "servers",
                schema: "compute");

            migrationBuilder.DropTable(
                name: "vms",
                schema: "compute");
        }
    }
}
