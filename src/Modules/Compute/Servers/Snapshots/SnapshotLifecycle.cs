using Monolith.Agent.V1;
using Monolith.Compute.Vms;
using Monolith.Image.Contracts;

namespace Monolith.Compute.Servers.Snapshots;

/// <summary>What is to be done next for a snapshot. Closed; each is one idempotent act.</summary>
internal abstract record SnapshotNext
{
    SnapshotNext() { }

    /// <summary>Have the image made, without content.</summary>
    public sealed record Reserve : SnapshotNext;

    /// <summary>Tell the agent that a copy is wanted.</summary>
    public sealed record Copy : SnapshotNext;

    /// <summary>Say on the image how far it is.</summary>
    public sealed record Tell(long Done, long Total) : SnapshotNext;

    public sealed record Fail(string Reason, string Message) : SnapshotNext;

    /// <summary>Tell the agent that nothing is wanted any more, and forget the snapshot.</summary>
    public sealed record Finish : SnapshotNext;

    public sealed record Wait(TimeSpan AtMost) : SnapshotNext;
}

/// <summary>What is known when deciding. Immutable for the decision.</summary>
/// <param name="Server">Null: it is gone.</param>
/// <param name="Vm">The server's, wherever it is; null: none.</param>
/// <param name="Image">Null: it is not there.</param>
/// <param name="NodeUp">The vm's hypervisor is connected.</param>
internal sealed record SnapshotFacts(ServerRow? Server, VmRow? Vm, MadeImage? Image, bool NodeUp, DateTime Now);

/// <summary>
/// The way of a server's disk into an image:
/// <code>
///   row + event ─▶ Reserve ─▶ Copy ─▶ agent: COPYING ─▶ COPIED ─▶ upload ─▶ image READY ─┐
///                                │        │ FAILED                                       ├─▶ Finish: the agent's file goes,
///                                │        ▼                                              │   then the row
///                                └──────▶ Fail ────────────────────────▶ image FAILED ───┤
///                                  server or vm gone, another vm, too late               │
///                                                        image deleted by its owner ─────┘
/// </code>
/// Pure. The image says how it ended; a snapshot that is over has no row.
/// </summary>
internal static class SnapshotLifecycle
{
    /// <summary>Progress is told in steps of this part of the whole.</summary>
    const int Steps = 20;

    public static SnapshotNext Decide(SnapshotRow snapshot, SnapshotFacts facts)
    {
        if (!snapshot.Reserved) return new SnapshotNext.Reserve();
        if (facts.Image is not { State: MadeState.Creating } image) return new SnapshotNext.Finish();
        if (Trouble(snapshot, facts) is { } trouble) return trouble;
        var vm = facts.Vm!;
        if (vm.Snapshot != snapshot.Uid) return new SnapshotNext.Copy();
        var copy = vm.SnapshotOf(snapshot.Uid);
        if (copy is { Phase: VmSnapshotStatus.Types.Phase.Failed })
            return new SnapshotNext.Fail(copy.Reason.Length > 0 ? copy.Reason : "COPY_FAILED", copy.Message);
        if (facts.Now >= snapshot.Deadline) return Late(vm, copy, facts);
        return copy is not null && IsNews(image, copy)
            ? new SnapshotNext.Tell(copy.BytesDone, copy.BytesTotal)
            : new SnapshotNext.Wait(snapshot.Deadline - facts.Now);
    }

    static SnapshotNext.Fail? Trouble(SnapshotRow snapshot, SnapshotFacts facts) => facts switch
    {
        { Server: null or { Deleting: true } } => new("SERVER_DELETED",
            $"{snapshot.ServerName} was deleted before its disk was copied."),
        { Server.IsMigrating: true } => new("SERVER_MIGRATED",
            $"{snapshot.ServerName} went to another hypervisor before its disk was copied. Take the snapshot again when it is there."),
        { Vm: null or { Power: VmPower.Absent } } => Gone(snapshot),
        { Vm.Uid: var uid } when uid != snapshot.VmUid => Gone(snapshot),
        _ => null,
    };

    static SnapshotNext.Fail Gone(SnapshotRow snapshot) => new("DISK_GONE",
        $"The disk of {snapshot.ServerName} is not where it was: the server was rebuilt or moved before it was copied. Take the "
        + "snapshot again.");

    static SnapshotNext.Fail Late(VmRow vm, VmSnapshotStatus? copy, SnapshotFacts facts) => facts.NodeUp
        ? copy is { Reason.Length: > 0 }
            ? new(copy.Reason, copy.Message)
            : new("DEADLINE", $"The agent of {vm.Hypervisor} did not copy and send the disk in time. Take the snapshot again.")
        : new("HYPERVISOR_DOWN", $"The agent of {vm.Hypervisor} is not connected. Take the snapshot again when it is back.");

    static bool IsNews(MadeImage image, VmSnapshotStatus copy) => copy.BytesTotal > 0
        && (copy.BytesTotal != image.BytesTotal
            || Math.Abs(copy.BytesDone - image.BytesDone) >= Math.Max(1, copy.BytesTotal / Steps));
}
