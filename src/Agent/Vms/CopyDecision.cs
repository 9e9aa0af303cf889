namespace Monolith.Agent.Vms;

/// <summary>What there is of a copy that is to be made.</summary>
/// <param name="HasSource">There is a QEMU that has the disk, and answers.</param>
/// <param name="Job">Null: there is none.</param>
/// <param name="HasTarget">QEMU has the copy's file open.</param>
/// <param name="FreeBytes">Of the machine's disk.</param>
internal sealed record CopyFacts(bool HasSource, DiskJob? Job, bool HasTarget, long FreeBytes);

/// <summary>The one thing to do next for a copy.</summary>
internal abstract record CopyDecision
{
    private CopyDecision()
    {
    }

    /// <summary>Start a QEMU for nothing else: no guest runs.</summary>
    public sealed record OpenSource : CopyDecision;

    /// <summary>Let go of what an earlier agent had begun.</summary>
    public sealed record CloseTarget : CopyDecision;

    public sealed record Begin : CopyDecision;

    /// <summary>QEMU is at it.</summary>
    public sealed record Wait : CopyDecision;

    /// <summary>It is whole.</summary>
    public sealed record Conclude : CopyDecision;

    public sealed record Fail(string Reason, string Cause) : CopyDecision;
}

/// <summary>
/// How a disk is copied. Pure; from QEMU's own words, so that a new agent goes on where a dead one was.
/// <code>
///   a guest runs: its own QEMU ───────┐
///   none runs: OpenSource ─ a QEMU ───┴▶ Begin ─▶ Wait ─▶ Conclude
///                without a machine          └──────┴────▶ Fail
/// </code>
/// A guest must not feel it: what it writes is copied before, and a copy that fills the machine's disk would hold up the
/// guest's own writes. It is given up long before.
/// </summary>
internal static class CopyDecide
{
    /// <summary>What is left for the guests.</summary>
    public const long ReserveBytes = 512L << 20;

    /// <param name="now">As it is.</param>
    /// <param name="neededBytes">What a whole copy takes at most.</param>
    public static CopyDecision Decide(CopyFacts now, long neededBytes) => now switch
    {
        { Job: { Status: "concluded", Error.Length: 0 } } => new CopyDecision.Conclude(),
        { Job: { Status: "concluded" } job } => Failed(job.Error),
        { FreeBytes: < ReserveBytes } => Full(now.FreeBytes, ReserveBytes),
        { HasSource: false } => new CopyDecision.OpenSource(),
        { Job: not null } => new CopyDecision.Wait(),
        { HasTarget: true } => new CopyDecision.CloseTarget(),
        _ when now.FreeBytes < neededBytes + ReserveBytes => Full(now.FreeBytes, neededBytes + ReserveBytes),
        _ => new CopyDecision.Begin(),
    };

    private static CopyDecision.Fail Failed(string error) => error.Contains("No space left", StringComparison.Ordinal)
        ? new("HYPERVISOR_DISK_FULL", "The hypervisor's disk became full while the server's was copied.")
        : new("COPY_FAILED", $"The disk could not be copied: {error}.");

    private static CopyDecision.Fail Full(long free, long needed) => new(
        "HYPERVISOR_DISK_FULL",
        $"The hypervisor's disk has {free >> 20} MiB free, and a copy of the server's takes up to {needed >> 20} MiB. "
        + "Ask the operators for room, or to move the server.");
}
