using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Monolith.Agent.V1;
using Monolith.Compute.Logins;
using Monolith.Compute.Servers;
using Monolith.Compute.Servers.Ports;
using Monolith.Compute.Steps;
using Monolith.Compute.V1;
using Monolith.Identity.Contracts;
using Monolith.Network.Contracts;
using Monolith.Platform.Secrets;

namespace Monolith.Compute.Vms;

/// <summary>Rows to the agent's messages and back.</summary>
internal static class VmWire
{
    /// <summary>What an incarnation of the server is told for life. Its user data stay sealed.</summary>
    public static Vm Plan(ServerRow server, IReadOnlyList<PortFacts> ports, string dnsName)
    {
        var vm = new Vm
        {
            Server = server.Name,
            Vcpus = server.Vcpus,
            MemoryMib = server.MemoryMib,
            DiskGib = server.DiskGib,
            Image = new VmImage
            {
                Sha256 = server.ImageSha256,
                SizeBytes = server.ImageSizeBytes,
                Format = server.ImageFormat,
            },
            Metadata = new VmMetadata
            {
                InstanceId = server.Uid.ToString(),
                Hostname = server.Hostname,
                PublicKeys = { server.Detail.PublicKeys },
                UserData = ByteString.CopyFrom(server.UserData),
                Project = server.Project,
                DnsName = dnsName,
                Drive = Drive(server.Detail.MetadataDrive),
            },
            Rescue = Rescue(server.Detail.Rescue),
            ReadyTcpPort = server.ReadyTcpPort,
            ReadyTimeout = Duration.FromTimeSpan(TimeSpan.FromSeconds(server.ReadyTimeoutSeconds)),
        };
        foreach (var (key, value) in server.Detail.Metadata ?? new Dictionary<string, string>()) vm.Metadata.Meta[key] = value;
        SetPorts(vm, server.Detail, ports);
        return vm;
    }

    public static void SetPorts(Vm vm, ServerDetail detail, IReadOnlyList<PortFacts> ports)
    {
        var slots = detail.Slots > 0 ? detail.Placed().ToDictionary(p => p.Index, p => p.Slot) : [];
        vm.Slots = detail.Slots;
        vm.Ports.Clear();
        foreach (var port in ports)
            vm.Ports.Add(new VmPort
            {
                Id = port.Uid.ToString(),
                MacAddress = port.MacAddress,
                Mtu = port.Mtu,
                Slot = slots.GetValueOrDefault(port.Index),
            });
    }

    public static VmImage? Rescue(RescueChoice? choice) => choice is null ? null : new VmImage
    {
        Sha256 = choice.Sha256,
        SizeBytes = choice.SizeBytes,
        Format = choice.Format,
    };

    static VmMetadata.Types.Drive Drive(Server.Types.MetadataDrive drive) => drive switch
    {
        Server.Types.MetadataDrive.ConfigDrive => VmMetadata.Types.Drive.ConfigDrive,
        Server.Types.MetadataDrive.NoCloud => VmMetadata.Types.Drive.NoCloud,
        _ => VmMetadata.Types.Drive.Unspecified,
    };

    /// <summary>As its hypervisor is told.</summary>
    /// <param name="row">The vm.</param>
    /// <param name="secrets">Open its user data; null: they lie open.</param>
    /// <param name="withUserData">False: it is told of none.</param>
    /// <param name="logins">What signs logins; null: nobody logs in by a certificate.</param>
    /// <exception cref="System.Security.Cryptography.CryptographicException">They do not open.</exception>
    public static Vm ToWire(this VmRow row, ISecrets? secrets, bool withUserData = true, ILoginAuthority? logins = null)
    {
        var vm = Vm.Parser.ParseFrom(row.Plan);
        if (vm.Metadata is { UserData.IsEmpty: false } metadata)
            metadata.UserData = withUserData
                ? UnsafeByteOperations.UnsafeWrap(secrets.OpenUserData(metadata.UserData.Span))
                : ByteString.Empty;
        if (vm.Metadata is { } told && logins is not null)
            told.Login = new VmLogin
            {
                Revision = logins.UserKeysRevision,
                Authorities = { logins.UserKeys.Select(k => k.ToString()) },
                RootPrincipal = LoginRules.RootPrincipal(row.ServerUid),
                Principal = LoginRules.Principal(row.ServerUid),
            };
        vm.Id = row.Uid.ToString();
        vm.Generation = (ulong)row.Generation;
        vm.Power = row.Power switch
        {
            VmPower.Running => Vm.Types.Power.Running,
            VmPower.Stopped => Vm.Types.Power.Stopped,
            _ => Vm.Types.Power.Absent,
        };
        vm.Hard = row.Hard;
        vm.Restarts = (uint)row.Restarts;
        vm.PowerGeneration = (ulong)row.LastPowerGeneration;
        if (row.Snapshot is { } snapshot) vm.Snapshot = new VmSnapshot { Id = snapshot.ToString() };
        vm.MergeFrom(row.Moving());
        return vm;
    }

    public static VmState State(this VmStatus status) => status.State switch
    {
        VmStatus.Types.State.Working => VmState.Working,
        VmStatus.Types.State.Running => VmState.Running,
        VmStatus.Types.State.Stopped => VmState.Stopped,
        VmStatus.Types.State.Failed => VmState.Failed,
        VmStatus.Types.State.Gone => VmState.Gone,
        _ => VmState.Unknown,
    };

    public static Step ToStep(this VmStep step, string node)
    {
        var start = Time(step.StartTime);
        var end = start.AddSeconds(Math.Clamp(step.Duration?.Seconds ?? 0, 0, LongestStep))
            .AddTicks(Math.Clamp(step.Duration?.Nanos ?? 0, 0, 999_999_999) / 100);
        var status = step.Failed ? StepStatus.False : step.Duration is null ? StepStatus.Pending : StepStatus.True;
        return new Step(step.Name, status, "agent " + node, start, end, step.Failed ? "STEP_FAILED" : "",
            Limit(step.Message));
    }

    public static byte[] Keep(VmMigration migration)
    {
        var kept = migration.Clone();
        kept.Message = Limit(kept.Message);
        kept.Reason = Limit(kept.Reason);
        return kept.ToByteArray();
    }

    public static byte[] Keep(VmSnapshotStatus snapshot)
    {
        var kept = snapshot.Clone();
        kept.Message = Limit(kept.Message);
        kept.Reason = Limit(kept.Reason);
        return kept.ToByteArray();
    }

    const long LongestStep = 366 * 24 * 3600;

    // What no clock can show is no time.
    static DateTime Time(Timestamp? time) => time is { Seconds: >= 0 and < 253_000_000_000, Nanos: >= 0 and <= 999_999_999 }
        ? time.ToDateTime()
        : DateTime.UnixEpoch;

    /// <summary>An agent's words are kept, within reason.</summary>
    public static string Limit(string text) => text.Length <= 2000 ? text : text[..2000] + "…";
}
