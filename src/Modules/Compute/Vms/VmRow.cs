using Google.Protobuf;
using Monolith.Agent.V1;
using Monolith.Compute.Servers;
using Monolith.Compute.Steps;
using Monolith.Platform;

namespace Monolith.Compute.Vms;

internal enum VmPower
{
    Running,
    Stopped,
    /// <summary>Nothing of it may be left. The row stays until the agent says so, even when the server is gone.</summary>
    Absent,
}

internal enum VmState
{
    /// <summary>The agent has not said anything yet.</summary>
    Unknown,
    Working,
    Running,
    Stopped,
    Failed,
    Gone,
}

/// <summary>Which of a server's vms it is: at most one of each but the fenced.</summary>
internal enum VmRole
{
    /// <summary>Where the server is.</summary>
    Current,
    /// <summary>Where a migration takes it.</summary>
    Incoming,
    /// <summary>Where a migration took it from; nothing of it may be left.</summary>
    Left,
    /// <summary>On a hypervisor that was given up: it does not run and never will again. The row stays until the agent has
    /// come back and removed what there is, and counts for nothing else.</summary>
    Fenced,
}

/// <summary>One incarnation of a server on one hypervisor: what the agent is told, and what it said.</summary>
internal sealed class VmRow
{
    public Guid Uid { get; init; } = Chance.NewUid();
    public required Guid ServerUid { get; init; }
    public required string ServerName { get; init; }
    /// <summary>The hypervisor's id.</summary>
    public required string Hypervisor { get; init; }

    /// <summary>The server's, when this one was made for it.</summary>
    public int Incarnation { get; init; }

    /// <summary>What the incarnation holds of the hypervisor.</summary>
    public int Vcpus { get; set; }
    public int MemoryMib { get; set; }
    public int DiskGib { get; set; }
    public required string ImageSha256 { get; init; }
    /// <summary>Of the image that it boots from while its server is rescued; empty: it is not.</summary>
    public string RescueSha256 { get; set; } = "";
    /// <summary>The rest of what the agent is told, as a protobuf <c>agent.v1.Vm</c>. Only a resize changes it.</summary>
    public required byte[] Plan { get; set; }

    // Wanted.
    /// <summary>Rises with each change of what is wanted; the agent echoes it.</summary>
    public long Generation { get; set; } = 1;
    /// <summary><see cref="Generation"/> at the last change that is more than a word to a vm that goes on as it is.
    /// 0: the last one.</summary>
    public long PowerGeneration { get; set; }
    public VmPower Power { get; set; }
    public bool Hard { get; set; }
    public int Restarts { get; set; }
    public DateTime PowerTime { get; set; }
    public VmRole Role { get; set; }
    /// <summary>What changes of <see cref="Plan"/>, in the same form: to or from where a guest goes.</summary>
    public byte[] Move { get; set; } = [];
    /// <summary>The copy of its disk that is wanted; null: none.</summary>
    public Guid? Snapshot { get; set; }

    // Reported.
    public VmState State { get; set; }
    public long ReportedGeneration { get; set; }
    public int ReportedRestarts { get; set; }
    public string Reason { get; set; } = "";
    public string Message { get; set; } = "";
    public bool Retrying { get; set; }
    public bool Answers { get; set; }
    public IReadOnlyList<Step> Steps { get; set; } = [];
    public string ReportDigest { get; set; } = "";
    /// <summary>As <c>agent.v1.VmMigration</c>; empty for none.</summary>
    public byte[] ReportedMigration { get; set; } = [];
    /// <summary>As <c>agent.v1.VmSnapshotStatus</c>; empty for none.</summary>
    public byte[] ReportedSnapshot { get; set; } = [];

    /// <summary>The last report is about what is to become of it now.</summary>
    public bool IsCurrent => ReportedGeneration >= LastPowerGeneration;

    public long LastPowerGeneration => PowerGeneration == 0 ? Generation : PowerGeneration;

    /// <summary>Takes the server's size, in the agent's plan as well.</summary>
    public void Resize(ServerRow server)
    {
        (Vcpus, MemoryMib, DiskGib) = (server.Vcpus, server.MemoryMib, server.DiskGib);
        var plan = Vm.Parser.ParseFrom(Plan);
        (plan.Vcpus, plan.MemoryMib, plan.DiskGib) = (Vcpus, MemoryMib, DiskGib);
        Plan = plan.ToByteArray();
        PowerGeneration = ++Generation;
    }

    /// <summary>What is said of a migration, where it is this one.</summary>
    public VmMigration? MigrationOf(string id) =>
        ReportedMigration.Length > 0 && VmMigration.Parser.ParseFrom(ReportedMigration) is { } reported
            && reported.Migration == id ? reported : null;

    /// <summary>What is said of a copy, where it is this one.</summary>
    public VmSnapshotStatus? SnapshotOf(Guid id) =>
        ReportedSnapshot.Length > 0 && VmSnapshotStatus.Parser.ParseFrom(ReportedSnapshot) is { } reported
            && reported.Id == id.ToString() ? reported : null;

    public Vm Moving() => Vm.Parser.ParseFrom(Move);

    public void WantMove(Vm move)
    {
        var bytes = move.ToByteArray();
        if (bytes.AsSpan().SequenceEqual(Move)) return;
        Move = bytes;
        PowerGeneration = ++Generation;
    }

    /// <summary>Takes what it boots from, in the agent's plan as well; null: its own disk.</summary>
    public void Rescue(RescueChoice? choice)
    {
        RescueSha256 = choice?.Sha256 ?? "";
        var plan = Vm.Parser.ParseFrom(Plan);
        plan.Rescue = VmWire.Rescue(choice);
        Plan = plan.ToByteArray();
        // What is stopped stays as it is, and needs nothing but to hear of it.
        if (choice is null && Power == VmPower.Stopped) Say();
        else PowerGeneration = ++Generation;
    }

    public void TellMetadata(IDictionary<string, string> metadata)
    {
        var plan = Vm.Parser.ParseFrom(Plan);
        plan.Metadata ??= new VmMetadata();
        plan.Metadata.Meta.Clear();
        foreach (var (key, value) in metadata) plan.Metadata.Meta[key] = value;
        Plan = plan.ToByteArray();
        Say();
    }

    /// <summary>Whether the agent's plan has these, and no others.</summary>
    public bool HasPorts(IReadOnlyList<Network.Contracts.PortFacts> ports) =>
        Vm.Parser.ParseFrom(Plan).Ports.Select(p => p.Id).ToHashSet(StringComparer.Ordinal)
            .SetEquals(ports.Select(p => p.Uid.ToString()));

    public void TellPorts(ServerDetail detail, IReadOnlyList<Network.Contracts.PortFacts> ports)
    {
        var plan = Vm.Parser.ParseFrom(Plan);
        VmWire.SetPorts(plan, detail, ports);
        Plan = plan.ToByteArray();
        Say();
    }

    /// <param name="id">Null: none any more.</param>
    public void WantSnapshot(Guid? id)
    {
        if (Snapshot == id) return;
        Snapshot = id;
        Say();
    }

    /// <summary>Something is to be told that neither starts, stops nor restarts it.</summary>
    void Say()
    {
        PowerGeneration = LastPowerGeneration;
        Generation++;
    }

    public void Want(VmPower power, bool hard, int restarts, DateTime now)
    {
        if (Power == power && Restarts == restarts && Hard == hard) return;
        (Power, Hard, Restarts, PowerTime) = (power, hard, restarts, now);
        PowerGeneration = ++Generation;
    }
}
