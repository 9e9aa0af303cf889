using System.Text.Json.Serialization;

namespace Monolith.Agent.Vms;

/// <summary>How the target is told of a guest that comes. Immutable.</summary>
/// <param name="Migration">Names the attempt: 1 to 64 of <c>a-z 0-9 -</c>.</param>
/// <param name="Secret">Shared by the two ends of this one attempt and nobody else: 64 hexadecimal digits.</param>
/// <param name="Host">Address of this machine to listen at.</param>
/// <param name="Stopped">No guest comes, but the disk of a VM that is stopped.</param>
public sealed record VmIncoming(string Migration, string Secret, string Host, bool Stopped = false);

/// <summary>How the source is told where its guest goes. Immutable.</summary>
/// <param name="Migration">As the target's.</param>
/// <param name="Secret">As the target's.</param>
/// <param name="Host">Where the target listens.</param>
/// <param name="MemoryPort">TCP port that takes memory and devices.</param>
/// <param name="DiskPort">TCP port of the disk's NBD export.</param>
/// <param name="Stopped">As the target's: of a VM that does not run, the disk alone.</param>
public sealed record VmOutgoing(
    string Migration, string Secret, string Host, int MemoryPort, int DiskPort, bool Stopped = false);

[JsonConverter(typeof(JsonStringEnumConverter<MigrationPhase>))]
public enum MigrationPhase
{
    /// <summary>Target: begun, cannot be sent to yet.</summary>
    Opening,

    /// <summary>Target: can be sent to.</summary>
    Listening,

    /// <summary>Target: the guest runs here; of what was sent stopped, the disk is whole.</summary>
    Arrived,

    /// <summary>Target: no guest came, and none will: what is on the disk is of no use.</summary>
    Missed,

    /// <summary>Source: the guest runs or is stopped, its disk is being copied.</summary>
    CopyingDisk,

    /// <summary>Source: the guest runs, its memory is being copied; the disk follows what it writes.</summary>
    CopyingMemory,

    /// <summary>
    /// Source: the guest is paused, and once it was let go its last state is on its way. There is no way back from here.
    /// </summary>
    Switching,

    /// <summary>Source: the guest is the target's.</summary>
    Left,

    /// <summary>Source: given up on request; the guest runs here, or is stopped here as before.</summary>
    Cancelled,

    /// <summary>Source: not sent, and the cause says why; the guest is the source's.</summary>
    Failed,
}

/// <summary>One end of a migration. Immutable.</summary>
/// <param name="Id">Of the attempt.</param>
/// <param name="Phase">How far it is.</param>
/// <param name="Host">Target: where it listens.</param>
/// <param name="MemoryPort">Target: as above.</param>
/// <param name="DiskPort">Target: as above.</param>
/// <param name="BytesDone">Source: copied, of disk and memory.</param>
/// <param name="BytesTotal">Source: to be copied as far as is known; memory counts from when it is begun.</param>
/// <param name="Downtime">Source: how long the guest stood still, as QEMU reckons; null before it has left.</param>
/// <param name="Giving">Source: it is being given up.</param>
/// <param name="LetGo">Source: nothing leads to the guest here any more; it may go.</param>
/// <param name="Reason">UPPER_SNAKE_CASE; empty while nothing is wrong.</param>
/// <param name="Cause">For people.</param>
/// <param name="Stopped">It is of a VM that does not run, and takes nothing but its disk.</param>
public sealed record VmMigration(
    string Id, MigrationPhase Phase, string Host = "", int MemoryPort = 0, int DiskPort = 0, long BytesDone = 0,
    long BytesTotal = 0, TimeSpan? Downtime = null, bool Giving = false, bool LetGo = false,
    string Reason = "", string Cause = "", bool Stopped = false)
{
    /// <summary>The source has something to do for it.</summary>
    [JsonIgnore]
    public bool IsSending =>
        Phase is MigrationPhase.CopyingDisk or MigrationPhase.CopyingMemory or MigrationPhase.Switching;

    /// <summary>The guest is not here, or not for sure: nobody may start one.</summary>
    [JsonIgnore]
    public bool IsElsewhere => Phase is MigrationPhase.Opening or MigrationPhase.Listening or MigrationPhase.Missed
        or MigrationPhase.Switching or MigrationPhase.Left;

    internal VmMigration GiveUp(string reason, string cause) =>
        Giving ? this : this with { Giving = true, Reason = reason, Cause = cause };
}
