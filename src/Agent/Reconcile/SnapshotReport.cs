using Monolith.Agent.V1;
using Monolith.Agent.Vms;

namespace Monolith.Agent.Reconcile;

/// <summary>A copy of a disk, as the host is told. Pure.</summary>
internal static class SnapshotReport
{
    public static VmSnapshotStatus Of(Vms.VmSnapshot snapshot) => new()
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
