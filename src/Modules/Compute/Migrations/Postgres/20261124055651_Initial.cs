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
                    Type = table.Column<string>(type: "text", nullable: false),
                    Resource = table.Column<string>(type: "text", nullable: false),
                    Project = table.Column<string>(type: "text", nullable: false),
                    Time = table.Column<DateTime>(type: "timestamp with time zone", nullable: false),
                    Actor = table.Column<string>(type: "text", nullable: false),
                    RequestId = table.Column<string>(type: "text", nullable: false),
                    TraceId = table.Column<string>(type: "text", nullable: false),
                    DataType = table.Column<string>(type: "text", nullable: false),
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
                    Project = table.Column<string>(type: "text", nullable: false),
                    Generation = table.Column<long>(type: "bigint", nullable: false),
                    DisplayName = table.Column<string>(type: "text", nullable: false),
                    Labels = table.Column<string>(type: "text", nullable: false),
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
                    AvailabilityZone = table.Column<string>(type: "text", nullable: false),
                    Vcpus = table.Column<int>(type: "integer", nullable: false),
                    MemoryMib = table.Column<long>(type: "bigint", nullable: false),
                    DiskGib = table.Column<long>(type: "bigint", nullable: false),
                    UsedVcpus = table.Column<int>(type: "integer", nullable: false),
                    UsedMemoryMib = table.Column<long>(type: "bigint", nullable: false),
                    UsedDiskGib = table.Column<long>(type: "bigint", nullable: false),
                    ServerCount = table.Column<int>(type: "integer", nullable: false),
                    AgentVersion = table.Column<string>(type: "text", nullable: false),
                    Capabilities = table.Column<string>(type: "text", nullable: false),
                    Name = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Project = table.Column<string>(type: "text", nullable: false),
                    Generation = table.Column<long>(type: "bigint", nullable: false),
                    DisplayName = table.Column<string>(type: "text", nullable: false),
                    Labels = table.Column<string>(type: "text", nullable: false),
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
                    PublicKey = table.Column<string>(type: "text", nullable: false),
                    Fingerprint = table.Column<string>(type: "text", nullable: false),
                    Name = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Project = table.Column<string>(type: "text", nullable: false),
                    Generation = table.Column<long>(type: "bigint", nullable: false),
                    DisplayName = table.Column<string>(type: "text", nullable: false),
                    Labels = table.Column<string>(type: "text", nullable: false),
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
                    ServerName = table.Column<string>(type: "text", nullable: false),
                    Operation = table.Column<string>(type: "text", nullable: false),
                    Start = table.Column<DateTime>(type: "timestamp with time zone", nullable: false),
                    Steps = table.Column<string>(type: "text", nullable: false)
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
                    Key = table.Column<string>(type: "text", nullable: false),
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
                    Flavor = table.Column<string>(type: "text", nullable: false),
                    Vcpus = table.Column<int>(type: "integer", nullable: false),
                    MemoryMib = table.Column<int>(type: "integer", nullable: false),
                    DiskGib = table.Column<int>(type: "integer", nullable: false),
                    Image = table.Column<string>(type: "text", nullable: false),
                    ImageSha256 = table.Column<string>(type: "text", nullable: false),
                    ImageSizeBytes = table.Column<long>(type: "bigint", nullable: false),
                    ImageFormat = table.Column<string>(type: "text", nullable: false),
                    Detail = table.Column<string>(type: "text", nullable: false),
                    UserData = table.Column<byte[]>(type: "bytea", nullable: false),
                    Hostname = table.Column<string>(type: "text", nullable: false),
                    ReadyTcpPort = table.Column<int>(type: "integer", nullable: false),
                    ReadyTimeoutSeconds = table.Column<int>(type: "integer", nullable: false),
                    AvailabilityZone = table.Column<string>(type: "text", nullable: false),
                    DeleteProtected = table.Column<bool>(type: "boolean", nullable: false),
                    Power = table.Column<int>(type: "integer", nullable: false),
                    Hard = table.Column<bool>(type: "boolean", nullable: false),
                    Restarts = table.Column<int>(type: "integer", nullable: false),
                    Deleting = table.Column<bool>(type: "boolean", nullable: false),
                    State = table.Column<int>(type: "integer", nullable: false),
                    OperationNumber = table.Column<int>(type: "integer", nullable: false),
                    Operation = table.Column<string>(type: "text", nullable: false),
                    OperationStart = table.Column<DateTime>(type: "timestamp with time zone", nullable: false),
                    Steps = table.Column<string>(type: "text", nullable: false),
                    Addresses = table.Column<string>(type: "text", nullable: false),
                    DnsName = table.Column<string>(type: "text", nullable: false),
                    Hypervisor = table.Column<string>(type: "text", nullable: false),
                    PortsBoundTo = table.Column<string>(type: "text", nullable: false),
                    ReadyTime = table.Column<DateTime>(type: "timestamp with time zone", nullable: true),
                    Unsettled = table.Column<bool>(type: "boolean", nullable: false),
                    Name = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Project = table.Column<string>(type: "text", nullable: false),
                    Generation = table.Column<long>(type: "bigint", nullable: false),
                    DisplayName = table.Column<string>(type: "text", nullable: false),
                    Labels = table.Column<string>(type: "text", nullable: false),
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
                    ServerName = table.Column<string>(type: "text", nullable: false),
                    Hypervisor = table.Column<string>(type: "text", nullable: false),
                    Vcpus = table.Column<int>(type: "integer", nullable: false),
                    MemoryMib = table.Column<int>(type: "integer", nullable: false),
                    DiskGib = table.Column<int>(type: "integer", nullable: false),
                    ImageSha256 = table.Column<string>(type: "text", nullable: false),
                    Plan = table.Column<byte[]>(type: "bytea", nullable: false),
                    Generation = table.Column<long>(type: "bigint", nullable: false),
                    Power = table.Column<int>(type: "integer", nullable: false),
                    Hard = table.Column<bool>(type: "boolean", nullable: false),
                    Restarts = table.Column<int>(type: "integer", nullable: false),
                    PowerTime = table.Column<DateTime>(type: "timestamp with time zone", nullable: false),
                    State = table.Column<int>(type: "integer", nullable: false),
                    ReportedGeneration = table.Column<long>(type: "bigint", nullable: false),
                    ReportedRestarts = table.Column<int>(type: "integer", nullable: false),
                    Reason = table.Column<string>(type: "text", nullable: false),
                    Message = table.Column<string>(type: "text", nullable: false),
                    Retrying = table.Column<bool>(type: "boolean", nullable: false),
                    Answers = table.Column<bool>(type: "boolean", nullable: false),
                    Steps = table.Column<string>(type: "text", nullable: false),
                    ReportDigest = table.Column<string>(type: "text", nullable: false)
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
