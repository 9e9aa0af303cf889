using Monolith.Agent.V1;
using Monolith.Agent.Vms;

namespace Monolith.Agent.Reconcile;

/// <summary>The one thing to do next for the copy of a vm's disk.</summary>
internal abstract record SnapshotDecision
{
    private SnapshotDecision()
    {
    }

    /// <summary>Nothing, until something changes.</summary>
    public sealed record Settle : SnapshotDecision;

    public sealed record Copy(string Id) : SnapshotDecision;

    public sealed record Upload(string Id) : SnapshotDecision;

    /// <summary>Nobody wants it any more: nothing of it may be left.</summary>
    public sealed record Drop : SnapshotDecision;
}

/// <summary>
/// What to do about the copy of a vm's disk. Pure.
/// <code>
///   wanted:      nothing, or another ─▶ Copy ─▶ (driver) ─▶ Upload ─▶ Settle, until it is not wanted any more
///   not wanted:  Drop
/// </code>
/// How it went is in the vm's status; that it arrived, the host knows by itself.
/// </summary>
internal static class SnapshotDecide
{
    /// <param name="desired">Null: the vm itself is not wanted, and goes with all that it has.</param>
    /// <param name="observed">Null: it is not here.</param>
    /// <param name="sent">The copy that the host has.</param>
    /// <param name="trouble">What went wrong last; null: nothing did.</param>
    public static SnapshotDecision Decide(Vm? desired, VmObservation? observed, string? sent, CopyTrouble? trouble = null)
    {
        if (desired is null or { Power: Vm.Types.Power.Absent } || observed is null) return new SnapshotDecision.Settle();
        var wanted = desired.Snapshot?.Id ?? "";
        if (!VmId.IsValid(wanted))
            return observed.Snapshot is null ? new SnapshotDecision.Settle() : new SnapshotDecision.Drop();
        if (trouble is { IsFinal: true } && trouble.Id == wanted) return new SnapshotDecision.Settle();
        if (observed.Snapshot?.Id != wanted) return new SnapshotDecision.Copy(wanted);
        return observed.Snapshot.Phase == SnapshotPhase.Copied && sent != wanted
            ? new SnapshotDecision.Upload(wanted)
            : new SnapshotDecision.Settle();
    }
}
