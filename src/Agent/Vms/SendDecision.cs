namespace Monolith.Agent.Vms;

/// <summary>The job that copies the disk, as QEMU tells it.</summary>
/// <param name="Status">JobStatus of QEMU: created, running, standby, ready, waiting, pending, aborting, concluded.</param>
/// <param name="Error">Why it ended; empty when it did well.</param>
internal sealed record DiskJob(string Status, long Done, long Total, string Error = "");

/// <summary>What QEMU says of the guest that is being sent.</summary>
/// <param name="RunState">Of <c>query-status</c>.</param>
/// <param name="Memory">MigrationStatus of <c>query-migrate</c>; empty when there was none in this QEMU's life.</param>
/// <param name="Error">Of <c>query-migrate</c>.</param>
/// <param name="Job">Null: there is none.</param>
/// <param name="Connected">The target's disk is known to QEMU.</param>
internal sealed record SendFacts(string RunState, string Memory, string Error, DiskJob? Job, bool Connected);

/// <summary>The one thing to do next for a guest that is being sent.</summary>
internal abstract record SendDecision
{
    private SendDecision()
    {
    }

    /// <summary>Reach the target's disk and begin to copy to it.</summary>
    public sealed record CopyDisk : SendDecision;

    public sealed record CopyMemory : SendDecision;

    /// <summary>The guest is paused: let the disk's copy end where it is equal.</summary>
    public sealed record EndDisk : SendDecision;

    /// <summary>Let go of a disk whose copy has ended.</summary>
    public sealed record CloseDisk : SendDecision;

    /// <summary>Write down that there is no way back, and send the last state once the guest may go.</summary>
    public sealed record Switch : SendDecision;

    /// <summary>QEMU is at it.</summary>
    public sealed record Wait : SendDecision;

    public sealed record GiveUp(string Reason, string Cause) : SendDecision;

    public sealed record CancelMemory : SendDecision;

    public sealed record CancelDisk : SendDecision;

    /// <summary>Given up, and nothing of it is left: the guest runs here.</summary>
    public sealed record Stay : SendDecision;

    public sealed record Leave : SendDecision;
}

/// <summary>
/// What to do next for a guest that is being sent. Pure; from QEMU's own words and what was written down before each
/// step, so that a new agent goes on where a dead one was.
/// <code>
///   CopyDisk ─▶ (job ready) ─▶ CopyMemory ─▶ (pre-switchover: guest paused) ─▶ EndDisk ─▶ CloseDisk ─▶ Switch ─▶ Leave
///       └──────────────┴────── given up ──────┴───────┘                                          no way back
///                                 ▼
///              CancelMemory ─▶ CancelDisk ─▶ CloseDisk ─▶ Stay
/// </code>
/// A migration is never cancelled after Switch: all that the target needs may be on its way, and both would run.
/// </summary>
internal static class SendDecide
{
    public static SendDecision Decide(VmMigration sent, SendFacts now)
    {
        if (now is { RunState: "postmigrate", Memory: "completed" }) return new SendDecision.Leave();
        if (sent is { Giving: true, Phase: not MigrationPhase.Switching }) return GiveUp(now);
        return sent.Phase switch
        {
            MigrationPhase.CopyingDisk => Disk(now),
            MigrationPhase.CopyingMemory => Memory(now),
            _ => Switching(now),
        };
    }

    private static SendDecision Disk(SendFacts now) => now.Job switch
    {
        null when now.Connected => DiskFailed("the copy ended without a word"),
        null => new SendDecision.CopyDisk(),
        { Status: "concluded" } job => DiskFailed(job.Error),
        { Status: "ready" } => new SendDecision.CopyMemory(),
        _ => new SendDecision.Wait(),
    };

    private static SendDecision Memory(SendFacts now)
    {
        switch (now.Memory)
        {
            case "setup" or "active" or "device" or "wait-unplug" or "cancelling":
                return now.Job is { Status: "concluded" } lost ? DiskFailed(lost.Error) : new SendDecision.Wait();
            case "pre-switchover":
                return now.Job switch
                {
                    { Status: "ready" } => new SendDecision.EndDisk(),
                    { Status: "concluded", Error.Length: > 0 } job => DiskFailed(job.Error),
                    { Status: "concluded" } => new SendDecision.CloseDisk(),
                    null when !now.Connected => new SendDecision.Switch(),
                    null => new SendDecision.CloseDisk(),
                    _ => new SendDecision.Wait(),
                };
            default:
                return MemoryFailed(now.Error);
        }
    }

    private static SendDecision Switching(SendFacts now) => now.Memory switch
    {
        "pre-switchover" => new SendDecision.Switch(),
        // QEMU runs the guest on when the last of it could not be written: then the target does not have it.
        "failed" or "cancelled" => MemoryFailed(now.Error),
        _ => new SendDecision.Wait(),
    };

    private static SendDecision GiveUp(SendFacts now) => now switch
    {
        { Memory: "device" or "cancelling" } => new SendDecision.Wait(),
        { Memory: "setup" or "active" or "pre-switchover" or "wait-unplug" } => new SendDecision.CancelMemory(),
        { Job.Status: "concluded" } => new SendDecision.CloseDisk(),
        { Job.Status: "aborting" or "waiting" or "pending" } => new SendDecision.Wait(),
        { Job: not null } => new SendDecision.CancelDisk(),
        { Connected: true } => new SendDecision.CloseDisk(),
        _ => new SendDecision.Stay(),
    };

    private static SendDecision.GiveUp DiskFailed(string error) =>
        error.Contains("No space left", StringComparison.Ordinal)
            ? new("TARGET_DISK_FULL", "The target hypervisor's disk is full.")
            : new("DISK_COPY_FAILED", $"The disk could not be copied to the target: {Words(error)}.");

    private static SendDecision.GiveUp MemoryFailed(string error) =>
        new("MEMORY_COPY_FAILED", $"The memory could not be copied to the target: {Words(error)}.");

    private static string Words(string error) => error.Length > 0 ? error : "the connection ended";
}
