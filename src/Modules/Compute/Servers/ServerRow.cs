using Monolith.Compute.LiveMigration;
using Monolith.Compute.Placement;
using Monolith.Compute.Servers.Ports;
using Monolith.Compute.Steps;
using Monolith.Compute.V1;
using Monolith.Platform.Storage;

namespace Monolith.Compute.Servers;

internal enum Power
{
    Running,
    Stopped,
}

/// <summary>
/// What a user wants (a server), with the facts that are known of it. One attempt to run it on one hypervisor is a
/// <see cref="Vms.VmRow"/>.
/// </summary>
internal sealed class ServerRow : ResourceRow
{
    // What was asked for. A resize changes the size, a rebuild the image.
    public required string Flavor { get; set; }
    public int Vcpus { get; set; }
    public int MemoryMib { get; set; }
    public int DiskGib { get; set; }
    public required string Image { get; set; }
    public required string ImageSha256 { get; set; }
    public long ImageSizeBytes { get; set; }
    public required string ImageFormat { get; set; }
    /// <summary>Of the image that it boots from while it is rescued; empty: it is not.</summary>
    public string RescueSha256 { get; set; } = "";
    /// <summary>The request's networks, key pairs and public keys.</summary>
    public required ServerDetail Detail { get; set; }
    /// <summary>Sealed; see <see cref="Servers.UserData"/>.</summary>
    public byte[] UserData { get; init; } = [];
    public required string Hostname { get; init; }
    public int ReadyTcpPort { get; init; }
    public int ReadyTimeoutSeconds { get; init; }
    public string AvailabilityZone { get; init; } = "";
    /// <summary>The group's name; null: none.</summary>
    public string? ServerGroup { get; init; }
    public bool DeleteProtected { get; set; }
    /// <summary>Empty: it is not locked.</summary>
    public string LockReason { get; set; } = "";
    /// <summary>How long a deletion can be taken back.</summary>
    public int UndeleteSeconds { get; set; }

    // What is wanted now.
    public Power Power { get; set; }
    /// <summary>Stop or restart without asking the guest.</summary>
    public bool Hard { get; set; }
    /// <summary>Restarts that were asked for.</summary>
    public int Restarts { get; set; }
    public bool Deleting { get; set; }
    /// <summary>When a server that was deleted softly goes for good; null: it was not.</summary>
    public DateTime? ExpireTime { get; set; }
    /// <summary>Rises when the vm is to be made anew.</summary>
    public int Incarnation { get; set; }

    // What is known.
    public Server.Types.State State { get; set; }
    /// <summary>Counts operations, from 1.</summary>
    public int OperationNumber { get; set; } = 1;
    /// <summary><c>create</c>, <c>start</c>, …</summary>
    public string Operation { get; set; } = "create";
    public DateTime OperationStart { get; set; }
    public IReadOnlyList<Step> Steps { get; set; } = [];
    /// <summary>Comma-separated, first network first.</summary>
    public string Addresses { get; set; } = "";
    public string DnsName { get; set; } = "";
    /// <summary>The hypervisor's id; empty while not placed.</summary>
    public string Hypervisor { get; set; } = "";
    /// <summary>The hypervisor that it was planned to go to when its own was given up or drained, by its id. A wish: what
    /// has no room by then is not waited for. Empty: anywhere.</summary>
    public string Planned { get; set; } = "";
    /// <summary>The hypervisor that the ports were bound to.</summary>
    public string PortsBoundTo { get; set; } = "";
    public DateTime? ReadyTime { get; set; }
    /// <summary>Something is still to be done.</summary>
    public bool Unsettled { get; set; } = true;

    /// <summary>The image that is being made of its disk; empty: none.</summary>
    public string SnapshotImage { get; set; } = "";

    /// <summary>The last migration; null when there was none.</summary>
    public ServerMigration? Migration { get; set; }

    public bool IsMigrating => Migration is { IsOver: false };

    /// <summary>Something goes on beside what the server's state is about.</summary>
    public bool IsChangingAside => IsMigrating || Detail.IsChanging();

    /// <summary>What placement is asked for, but for its company.</summary>
    public Demand Demand =>
        new(Vcpus, MemoryMib, DiskGib, AvailabilityZone, Detail.LeastMemoryMib, Detail.LeastDiskGib)
        {
            Needs = TraitSet.Parse(Detail.RequiredTraits),
            Avoids = TraitSet.Parse(Detail.ForbiddenTraits),
            Packs = Detail.Packs,
        };

    /// <summary>Says where it would go, or why nowhere: as the step will say it that is only thought of now.</summary>
    public void Foresee(PlacementResult placement, DateTime now)
    {
        var fits = placement.Order.Count > 0;
        Hypervisor = fits ? placement.Order[0].Id : "";
        Steps = [new Step(StepNames.Placed, fits ? StepStatus.True : StepStatus.Pending, "compute", now, now,
            fits ? "" : PlacementResult.Reason, fits ? "" : placement.Explain())];
    }

    /// <summary>Begins an operation: the steps of the one before are the caller's to keep.</summary>
    public void Begin(string operation, Server.Types.State state, DateTime now)
    {
        OperationNumber++;
        Operation = operation;
        OperationStart = now;
        State = state;
        Steps = [];
        Unsettled = true;
    }
}

/// <summary>The lists of a server's request, and what its image and its flavor need. Immutable; kept as JSON.</summary>
internal sealed record ServerDetail(IReadOnlyList<NetworkChoice> Networks, IReadOnlyList<string> KeyPairs,
    IReadOnlyList<string> PublicKeys, int LeastMemoryMib = 0, int LeastDiskGib = 0,
    string RequiredTraits = "", string ForbiddenTraits = "", bool Packs = false,
    string ImageWarning = "", IReadOnlyDictionary<string, string>? Metadata = null, RescueChoice? Rescue = null)
{
    /// <summary>Of the machine, as the agent is told; 0: none of its ports came later.</summary>
    public int Slots { get; init; }

    /// <summary>Its hypervisor's loss does not cost it its disk: it waits.</summary>
    public bool KeepDisk { get; init; }

    /// <summary>The disk by which its guest is told what the metadata service says.</summary>
    public Server.Types.MetadataDrive MetadataDrive { get; init; }

    /// <summary>No port has had this index or a greater one; 0: none came later.</summary>
    public int NextPort { get; init; }
}

/// <summary>A finished operation's steps, kept for the waterfall.</summary>
internal sealed class OperationRow
{
    public required Guid ServerUid { get; init; }
    public required int Number { get; init; }
    public required string ServerName { get; init; }
    public required string Operation { get; init; }
    public required DateTime Start { get; init; }
    public required IReadOnlyList<Step> Steps { get; init; }

    public static OperationRow Of(ServerRow server) => new()
    {
        ServerUid = server.Uid,
        Number = server.OperationNumber,
        ServerName = server.Name,
        Operation = server.Operation,
        Start = server.OperationStart,
        Steps = server.Steps,
    };
}
