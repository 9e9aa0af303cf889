using Monolith.Agent.V1;
using Monolith.Agent.Vms;

namespace Monolith.Agent.Reconcile;

/// <summary>Why a copy of a disk was not made, or not sent.</summary>
/// <param name="Id">The copy's.</param>
/// <param name="IsFinal">It is not tried again.</param>
internal sealed record CopyTrouble(string Id, string Reason, string Message, bool IsFinal)
{
    public static CopyTrouble Of(string id, Exception cause) => cause switch
    {
        VmException vm => new(id, vm.Reason == VmFailure.NoSpace ? "HYPERVISOR_DISK_FULL" : "COPY_FAILED",
            $"The disk could not be copied: {vm.Message}",
            vm.Reason is VmFailure.NoSpace or VmFailure.NotFound or VmFailure.NotInstalled or VmFailure.InvalidPlan),
        Grpc.Core.RpcException call => new(id, "COPY_NOT_SENT", $"The copy could not be sent to the host: {call.Status.Detail}", false),
        _ => new(id, "COPY_NOT_SENT", $"The copy could not be sent to the host: {cause.Message}", false),
    };
}

/// <summary>A copy of a disk, as the host is told. Pure.</summary>
internal static class SnapshotReport
{
    /// <param name="wanted">The copy that is wanted; null or empty: none is.</param>
    /// <param name="here">What there is of one; null: nothing.</param>
    /// <param name="trouble">What went wrong last; null: nothing did.</param>
    /// <returns>Null: nothing is to be told.</returns>
    public static VmSnapshotStatus? Of(string? wanted, Vms.VmSnapshot? here, CopyTrouble? trouble)
    {
        if (trouble is null || trouble.Id != wanted || here is { Phase: SnapshotPhase.Failed } && here.Id == wanted)
            return here is null ? null : Of(here);
        var told = here?.Id == wanted ? Of(here!) : new VmSnapshotStatus { Id = wanted, Phase = VmSnapshotStatus.Types.Phase.Copying };
        if (trouble.IsFinal) told.Phase = VmSnapshotStatus.Types.Phase.Failed;
        (told.Reason, told.Message) = (trouble.Reason, trouble.Message);
        return told;
    }

    private static VmSnapshotStatus Of(Vms.VmSnapshot snapshot) => new()
    {
        Id = snapshot.Id,
        Phase = snapshot.Phase switch
        {
            SnapshotPhase.Copying => VmSnapshotStatus.Types.Phase.Copying,
            SnapshotPhase.Copied => VmSnapshotStatus.Types.Phase.Copied,
            _ => VmSnapshotStatus.Types.Phase.Failed,
        },
        BytesDone = snapshot.BytesDone,
        BytesTotal = snapshot.BytesTotal,
        Reason = snapshot.Reason,
        Message = snapshot.Cause,
    };
}
