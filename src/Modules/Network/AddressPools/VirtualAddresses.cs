using Microsoft.EntityFrameworkCore;
using Monolith.Network.Addresses;
using Monolith.Network.Contracts;
using Monolith.Network.V1;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Quotas;
using Monolith.Platform.Storage;

namespace Monolith.Network.AddressPools;

/// <summary>Virtual addresses of load balancers, from pools of that purpose.</summary>
internal sealed class VirtualAddresses(Store<NetworkDb> store, NetworkOptions options, Quotas quotas) : IVirtualAddresses
{
    static Call Caller => Call.Of("network/virtualAddresses");

    public Task<string> ClaimAsync(string project, string owner, Guid ownerUid, string pool, CancellationToken cancel) =>
        store.WriteAsync(Caller, async unit =>
        {
            if (await unit.Db.Addresses.Where(a => a.HolderUid == ownerUid).Select(a => a.Address)
                .FirstOrDefaultAsync(cancel) is { } held) return Ip.OfKey(held).ToString();
            var row = await FindPoolAsync(unit.Db, project, pool, cancel);
            foreach (var family in Ip.Families)
                if (row.Has(family)
                    && await AddressBook.ClaimAsync(unit, row.Uid, family, ownerUid, owner) is Claimed.Yes yes)
                    return yes.Address.ToString();
            throw await PoolFaults.ExhaustedAsync(unit.Db, [row], row.Has(4) ? 4 : 6, unit.Now);
        }, cancel);

    public Task<IReadOnlyList<ExceededQuota>> ExceededAsync(string project, CancellationToken cancel) =>
        quotas.ExceededAsync(project, _ => Task.FromResult((0, 1)));

    public Task ReleaseAsync(Guid ownerUid, CancellationToken cancel) => store.WriteAsync(Caller,
        unit => AddressBook.ReleaseAsync(unit, [ownerUid], options.Quarantine), cancel);

    static async Task<AddressPoolRow> FindPoolAsync(NetworkDb db, string project, string pool, CancellationToken cancel)
    {
        const string field = "load_balancer.address_pool";
        var pools = await db.AddressPools.AsNoTracking()
            .Where(p => p.Purpose == AddressPool.Types.Purpose.LoadBalancer).OrderBy(p => p.Name).ToListAsync(cancel);
        // A virtual address is announced from everywhere, so it has no zone.
        string? Obstacle(AddressPoolRow row) =>
            PoolChoice.Obstacle(row, new(row.Purpose, project, "", row.Has(4) ? 4 : 6));
        if (pool.Length > 0)
        {
            var name = pool.StartsWith("addressPools/", StringComparison.Ordinal) ? pool : "addressPools/" + pool;
            var named = pools.Find(p => p.Name == name)
                ?? throw Fault.Invalid(field, $"{name} is no pool of purpose LOAD_BALANCER");
            return Obstacle(named) is { } obstacle ? throw Fault.Invalid(field, $"{name} {obstacle}") : named;
        }
        var eligible = pools.FindAll(p => Obstacle(p) is null);
        return eligible.Count switch
        {
            1 => eligible[0],
            0 when pools.Count > 0 => throw Fault.Precondition("NO_ADDRESS_POOL", "addressPools/-",
                "No address pool of purpose LOAD_BALANCER is for it: "
                + string.Join("; ", pools.Select(p => $"{p.Name} {Obstacle(p)}")) + ". Have the operators make one."),
            0 => throw Fault.Precondition("NO_ADDRESS_POOL", "addressPools/-",
                "There is no address pool of purpose LOAD_BALANCER. Have the operators make one."),
            _ => throw Fault.Invalid(field,
                $"is needed, since there are {eligible.Count}: {string.Join(", ", eligible.Select(p => p.Name))}"),
        };
    }
}
