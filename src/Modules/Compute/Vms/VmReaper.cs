using Microsoft.EntityFrameworkCore;
using Monolith.Compute.Hypervisors;
using Monolith.Network.Contracts;
using Monolith.Platform.Calls;
using Monolith.Platform.Reconciling;
using Monolith.Platform.Storage;

namespace Monolith.Compute.Vms;

/// <summary>
/// Buries vms of which nothing is left: gives the ports back when the server is going or gone, and in one transaction
/// frees the capacity and forgets the vm. Until then its row is the tombstone that keeps both from being given away
/// twice. Of two vms that go together, the last one gives the ports back.
/// </summary>
internal sealed class VmReaper(Store<ComputeDb> store, IPorts ports, VmStreams streams, Reconciler<ServerName> servers)
{
    public async Task<Outcome> ReconcileAsync(Guid uid, CancellationToken cancel)
    {
        var (vm, server, last) = await store.ReadAsync(async db =>
        {
            var row = await db.Vms.FirstOrDefaultAsync(v => v.Uid == uid, cancel);
            return (row, row is null ? null : await db.Servers.FirstOrDefaultAsync(s => s.Uid == row.ServerUid, cancel),
                row is not null && await IsLastAsync(db, row));
        });
        if (vm is not { Power: VmPower.Absent, State: VmState.Gone }) return Outcome.Settled;
        // As long as there is another vm of the server, the addresses may be there.
        if (last && (server is null || server.Deleting))
        {
            await ports.UnbindAsync(vm.ServerUid, cancel);
            await ports.ReleaseAsync(vm.ServerUid, cancel);
        }
        var buried = await store.WriteAsync(Call.Of("compute/vms"), async unit =>
        {
            // Who has become the last one meanwhile has something to give back first.
            if (!last && await IsLastAsync(unit.Db, vm)) return false;
            if (await unit.Db.Vms.Where(v => v.Uid == uid).ExecuteDeleteAsync(cancel) == 0) return true;
            await Room.GiveBackAsync(unit.Db, vm, cancel);
            return true;
        }, cancel);
        if (!buried) return Outcome.Again();
        streams.Wake(vm.Hypervisor, vm.Uid);
        servers.Wake(new(vm.ServerName));
        return Outcome.Settled;
    }

    static async Task<bool> IsLastAsync(ComputeDb db, VmRow vm) =>
        !await db.Vms.AnyAsync(v => v.ServerUid == vm.ServerUid && v.Uid != vm.Uid && v.Role != VmRole.Fenced);

    public Task<IReadOnlyList<VmId>> UnsettledAsync(CancellationToken cancel) =>
        store.ReadAsync<IReadOnlyList<VmId>>(async db => (await db.Vms
            .Where(v => v.Power == VmPower.Absent && v.State == VmState.Gone).Select(v => v.Uid).ToListAsync(cancel))
            .ConvertAll(vm => new VmId(vm)));
}
