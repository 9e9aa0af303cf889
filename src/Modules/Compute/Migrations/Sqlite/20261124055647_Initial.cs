using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Monolith.Compute.Migrations.Sqlite
{
    /// <inheritdoc />
    public partial class Initial : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateTable(
                name: "events",
                columns: table => new
                {
                    Sequence = table.Column<long>(type: "INTEGER", nullable: false)
                        .Annotation("Sqlite:Autoincrement", true),
                    Uid = table.Column<Guid>(type: "TEXT", nullable: false),
                    Type = table.Column<string>(type: "TEXT", nullable: false),
                    Resource = table.Column<string>(type: "TEXT", nullable: false),
                    Project = table.Column<string>(type: "TEXT", nullable: false),
                    Time = table.Column<DateTime>(type: "TEXT", nullable: false),
                    Actor = table.Column<string>(type: "TEXT", nullable: false),
                    RequestId = table.Column<string>(type: "TEXT", nullable: false),
                    TraceId = table.Column<string>(type: "TEXT", nullable: false),
                    DataType = table.Column<string>(type: "TEXT", nullable: false),
                    Data = table.Column<byte[]>(type: "BLOB", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_events", x => x.Sequence);
                });

            migrationBuilder.CreateTable(
                name: "flavors",
                columns: table => new
                {
                    Uid = table.Column<Guid>(type: "TEXT", nullable: false),
                    Vcpus = table.Column<int>(type: "INTEGER", nullable: false),
                    MemoryMib = table.Column<int>(type: "INTEGER", nullable: false),
                    DiskGib = table.Column<int>(type: "INTEGER", nullable: false),
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
                    table.PrimaryKey("PK_flavors", x => x.Uid);
                });

            migrationBuilder.CreateTable(
                name: "hypervisors",
                columns: table => new
                {
                    Uid = table.Column<Guid>(type: "TEXT", nullable: false),
                    Schedulable = table.Column<bool>(type: "INTEGER", nullable: false),
                    Up = table.Column<bool>(type: "INTEGER", nullable: false),
                    UpTime = table.Column<DateTime>(type: "TEXT", nullable: false),
                    AvailabilityZone = table.Column<string>(type: "TEXT", nullable: false),
                    Vcpus = table.Column<int>(type: "INTEGER", nullable: false),
                    MemoryMib = table.Column<long>(type: "INTEGER", nullable: false),
                    DiskGib = table.Column<long>(type: "INTEGER", nullable: false),
                    UsedVcpus = table.Column<int>(type: "INTEGER", nullable: false),
                    UsedMemoryMib = table.Column<long>(type: "INTEGER", nullable: false),
                    UsedDiskGib = table.Column<long>(type: "INTEGER", nullable: false),
                    ServerCount = table.Column<int>(type: "INTEGER", nullable: false),
                    AgentVersion = table.Column<string>(type: "TEXT", nullable: false),
                    Capabilities = table.Column<string>(type: "TEXT", nullable: false),
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
                    table.PrimaryKey("PK_hypervisors", x => x.Uid);
                });

            migrationBuilder.CreateTable(
                name: "key_pairs",
                columns: table => new
                {
                    Uid = table.Column<Guid>(type: "TEXT", nullable: false),
                    PublicKey = table.Column<string>(type: "TEXT", nullable: false),
                    Fingerprint = table.Column<string>(type: "TEXT", nullable: false),
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
                    table.PrimaryKey("PK_key_pairs", x => x.Uid);
                });

            migrationBuilder.CreateTable(
                name: "operations",
                columns: table => new
                {
                    ServerUid = table.Column<Guid>(type: "TEXT", nullable: false),
                    Number = table.Column<int>(type: "INTEGER", nullable: false),
                    ServerName = table.Column<string>(type: "TEXT", nullable: false),
                    Operation = table.Column<string>(type: "TEXT", nullable: false),
                    Start = table.Column<DateTime>(type: "TEXT", nullable: false),
                    Steps = table.Column<string>(type: "TEXT", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_operations", x => new { x.ServerUid, x.Number });
                });

            migrationBuilder.CreateTable(
                name: "relays",
                columns: table => new
                {
                    Id = table.Column<int>(type: "INTEGER", nullable: false),
                    LoggedThrough = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_relays", x => x.Id);
                });

            migrationBuilder.CreateTable(
                name: "requests",
                columns: table => new
                {
                    Key = table.Column<string>(type: "TEXT", nullable: false),
                    Payload = table.Column<byte[]>(type: "BLOB", nullable: false),
                    Response = table.Column<byte[]>(type: "BLOB", nullable: false),
                    Time = table.Column<DateTime>(type: "TEXT", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_requests", x => x.Key);
                });

            migrationBuilder.CreateTable(
                name: "servers",
                columns: table => new
                {
                    Uid = table.Column<Guid>(type: "TEXT", nullable: false),
                    Flavor = table.Column<string>(type: "TEXT", nullable: false),
                    Vcpus = table.Column<int>(type: "INTEGER", nullable: false),
                    MemoryMib = table.Column<int>(type: "INTEGER", nullable: false),
                    DiskGib = table.Column<int>(type: "INTEGER", nullable: false),
                    Image = table.Column<string>(type: "TEXT", nullable: false),
                    ImageSha256 = table.Column<string>(type: "TEXT", nullable: false),
                    ImageSizeBytes = table.Column<long>(type: "INTEGER", nullable: false),
                    ImageFormat = table.Column<string>(type: "TEXT", nullable: false),
                    Detail = table.Column<string>(type: "TEXT", nullable: false),
                    UserData = table.Column<byte[]>(type: "BLOB", nullable: false),
                    Hostname = table.Column<string>(type: "TEXT", nullable: false),
                    ReadyTcpPort = table.Column<int>(type: "INTEGER", nullable: false),
                    ReadyTimeoutSeconds = table.Column<int>(type: "INTEGER", nullable: false),
                    AvailabilityZone = table.Column<string>(type: "TEXT", nullable: false),
                    DeleteProtected = table.Column<bool>(type: "INTEGER", nullable: false),
                    Power = table.Column<int>(type: "INTEGER", nullable: false),
                    Hard = table.Column<bool>(type: "INTEGER", nullable: false),
                    Restarts = table.Column<int>(type: "INTEGER", nullable: false),
                    Deleting = table.Column<bool>(type: "INTEGER", nullable: false),
                    State = table.Column<int>(type: "INTEGER", nullable: false),
                    OperationNumber = table.Column<int>(type: "INTEGER", nullable: false),
                    Operation = table.Column<string>(type: "TEXT", nullable: false),
                    OperationStart = table.Column<DateTime>(type: "TEXT", nullable: false),
                    Steps = table.Column<string>(type: "TEXT", nullable: false),
                    Addresses = table.Column<string>(type: "TEXT", nullable: false),
                    DnsName = table.Column<string>(type: "TEXT", nullable: false),
                    Hypervisor = table.Column<string>(type: "TEXT", nullable: false),
                    PortsBoundTo = table.Column<string>(type: "TEXT", nullable: false),
                    ReadyTime = table.Column<DateTime>(type: "TEXT", nullable: true),
                    Unsettled = table.Column<bool>(type: "INTEGER", nullable: false),
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
                    table.PrimaryKey("PK_servers", x => x.Uid);
                });

            migrationBuilder.CreateTable(
                name: "vms",
                columns: table => new
                {
                    Uid = table.Column<Guid>(type: "TEXT", nullable: false),
                    ServerUid = table.Column<Guid>(type: "TEXT", nullable: false),
                    ServerName = table.Column<string>(type: "TEXT", nullable: false),
                    Hypervisor = table.Column<string>(type: "TEXT", nullable: false),
                    Vcpus = table.Column<int>(type: "INTEGER", nullable: false),
                    MemoryMib = table.Column<int>(type: "INTEGER", nullable: false),
                    DiskGib = table.Column<int>(type: "INTEGER", nullable: false),
                    ImageSha256 = table.Column<string>(type: "TEXT", nullable: false),
                    Plan = table.Column<byte[]>(type: "BLOB", nullable: false),
                    Generation = table.Column<long>(type: "INTEGER", nullable: false),
                    Power = table.Column<int>(type: "INTEGER", nullable: false),
                    Hard = table.Column<bool>(type: "INTEGER", nullable: false),
                    Restarts = table.Column<int>(type: "INTEGER", nullable: false),
                    PowerTime = table.Column<DateTime>(type: "TEXT", nullable: false),
                    State = table.Column<int>(type: "INTEGER", nullable: false),
                    ReportedGeneration = table.Column<long>(type: "INTEGER", nullable: false),
                    ReportedRestarts = table.Column<int>(type: "INTEGER", nullable: false),
                    Reason = table.Column<string>(type: "TEXT", nullable: false),
                    Message = table.Column<string>(type: "TEXT", nullable: false),
                    Retrying = table.Column<bool>(type: "INTEGER", nullable: false),
                    Answers = table.Column<bool>(type: "INTEGER", nullable: false),
                    Steps = table.Column<string>(type: "TEXT", nullable: false),
                    ReportDigest = table.Column<string>(type: "TEXT", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_vms", x => x.Uid);
                });

            migrationBuilder.CreateIndex(
                name: "IX_events_Uid",
                table: "events",
                column: "Uid",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_flavors_Name",
                table: "flavors",
                column: "Name",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_flavors_Project_Name",
                table: "flavors",
                columns: new[] { "Project", "Name" });

            migrationBuilder.CreateIndex(
                name: "IX_hypervisors_Name",
                table: "hypervisors",
                column: "Name",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_hypervisors_Project_Name",
                table: "hypervisors",
                columns: new[] { "Project", "Name" });

            migrationBuilder.CreateIndex(
                name: "IX_key_pairs_Name",
                table: "key_pairs",
                column: "Name",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_key_pairs_Project_Name",
                table: "key_pairs",
                columns: new[] { "Project", "Name" });

            migrationBuilder.CreateIndex(
                name: "IX_operations_ServerName",
                table: "operations",
                column: "ServerName");

            migrationBuilder.CreateIndex(
                name: "IX_operations_Start",
                table: "operations",
                column: "Start");

            migrationBuilder.CreateIndex(
                name: "IX_requests_Time",
                table: "requests",
                column: "Time");

            migrationBuilder.CreateIndex(
                name: "IX_servers_Hypervisor",
                table: "servers",
                column: "Hypervisor");

            migrationBuilder.CreateIndex(
                name: "IX_servers_Name",
                table: "servers",
                column: "Name",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_servers_Project_Name",
                table: "servers",
                columns: new[] { "Project", "Name" });

            migrationBuilder.CreateIndex(
                name: "IX_servers_Unsettled",
                table: "servers",
                column: "Unsettled");

            migrationBuilder.CreateIndex(
                name: "IX_vms_Hypervisor",
                table: "vms",
                column: "Hypervisor");

            migrationBuilder.CreateIndex(
                name: "IX_vms_ImageSha256",
                table: "vms",
                column: "ImageSha256");

            migrationBuilder.CreateIndex(
                name: "IX_vms_ServerUid",
                table: "vms",
                column: "ServerUid",
                unique: true);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "events");

            migrationBuilder.DropTable(
                name: "flavors");

            migrationBuilder.DropTable(
                name: "hypervisors");

            migrationBuilder.DropTable(
                name: "key_pairs");

            migrationBuilder.DropTable(
                name: "operations");

            migrationBuilder.DropTable(
                name: "relays");

            migrationBuilder.DropTable(
                name: "requests");

            migrationBuilder.DropTable(
                name: "servers");

            migrationBuilder.DropTable(
                name: "vms");
        }
    }
}
