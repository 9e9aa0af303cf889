using Microsoft.EntityFrameworkCore;
using Monolith.Compute.Hypervisors;
using Monolith.Compute.Vms;
using Monolith.Image.Contracts;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Reconciling;
using Monolith.Platform.Storage;

namespace Monolith.Compute.Servers.Snapshots;

/// <summary>Does what <see cref="SnapshotLifecycle"/> decides, one act at a time.</summary>
internal sealed class SnapshotReconciler(Store<ComputeDb> store, IImageMaking images, Presence presence, VmStreams streams,
    TimeProvider time)
{
    static readonly Call Self = Call.Of("compute/snapshots");

    static readonly Func<ComputeDb, Guid, Task<SnapshotRow?>> ByUid =
        Query.One((ComputeDb db, Guid uid) => db.Snapshots.FirstOrDefault(s => s.Uid == uid));

    public async Task<Outcome> ReconcileAsync(Guid uid, CancellationToken cancel)
    {
        var (snapshot, server, vm) = await store.ReadAsync(async db =>
        {
            var row = await ByUid(db, uid);
            return (row, row is null ? null : await ServerQueries.ByUid(db, row.ServerUid),
                row is null ? null : await VmQueries.OfServer(db, row.ServerUid));
        });
        if (snapshot is null) return Outcome.Settled;
        var image = snapshot.Reserved ? await images.FindAsync(uid, cancel) : null;
        var facts = new SnapshotFacts(server, vm, image, vm is not null && presence.IsUp(vm.Hypervisor),
            time.GetUtcNow().UtcDateTime);
        switch (SnapshotLifecycle.Decide(snapshot, facts))
        {
            case SnapshotNext.Reserve:
                await ReserveAsync(snapshot, cancel);
                break;
            case SnapshotNext.Copy:
                await WantAsync(snapshot, cancel);
                break;
            case SnapshotNext.Tell tell:
                await images.TellAsync(uid, tell.Done, tell.Total, cancel);
                break;
            case SnapshotNext.Fail fail:
                await images.FailAsync(uid, fail.Reason, fail.Message, cancel);
                break;
            case SnapshotNext.Finish:
                await FinishAsync(snapshot, cancel);
                return Outcome.Settled;
            case SnapshotNext.Wait wait:
                return Outcome.Again(wait.AtMost);
        }
        return Outcome.Again();
    }

    public Task<IReadOnlyList<SnapshotId>> UnsettledAsync(CancellationToken cancel) =>
        store.ReadAsync<IReadOnlyList<SnapshotId>>(async db =>
            (await db.Snapshots.Select(s => s.Uid).ToListAsync(cancel)).ConvertAll(uid => new SnapshotId(uid)));

    /// <summary>The request said that it could be had; who was faster since has the name, or the rest of the quota.</summary>
    async Task ReserveAsync(SnapshotRow snapshot, CancellationToken cancel)
    {
        try
        {
            await ReserveAsync(Self, snapshot, cancel);
        }
        catch (Fault)
        {
            // There is no image to say so on; the server says that none is being made.
        }
    }

    /// <exception cref="Fault">It cannot be had. The snapshot is over then.</exception>
    public async Task ReserveAsync(Call call, SnapshotRow snapshot, CancellationToken cancel)
    {
        try
        {
            await images.ReserveAsync(call, snapshot.Order, cancel);
        }
        catch (Fault)
        {
            await FinishAsync(snapshot, CancellationToken.None);
            throw;
        }
        await store.WriteAsync(Self, async unit =>
        {
            if (await ByUid(unit.Db, snapshot.Uid) is { } row) row.Reserved = true;
        }, cancel);
    }

    async Task WantAsync(SnapshotRow snapshot, CancellationToken cancel)
    {
        var vm = await store.WriteAsync(Self, async unit =>
        {
            var row = await VmQueries.OfServer(unit.Db, snapshot.ServerUid);
            if (row is null || row.Uid != snapshot.VmUid || row.Power == VmPower.Absent) return null;
            row.WantSnapshot(snapshot.Uid);
            return row;
        }, cancel);
        if (vm is not null) streams.Wake(vm.Hypervisor, vm.Uid);
    }

    async Task FinishAsync(SnapshotRow snapshot, CancellationToken cancel)
    {
        var vm = await store.WriteAsync(Self, async unit =>
        {
            if (await ByUid(unit.Db, snapshot.Uid) is not { } row) return null;
            unit.Db.Snapshots.Remove(row);
            if (await ServerQueries.ByUid(unit.Db, row.ServerUid) is { } server && server.SnapshotImage == row.Image)
            {
                server.SnapshotImage = "";
                server.Touch("", unit.Now);
                unit.Emit(Change.Updated, server);
            }
            var vm = await unit.Db.Vms.FirstOrDefaultAsync(v => v.Uid == row.VmUid, cancel);
            if (vm?.Snapshot == row.Uid) vm.WantSnapshot(null);
            return vm;
        }, cancel);
        if (vm is not null) streams.Wake(vm.Hypervisor, vm.Uid);
    }
}
