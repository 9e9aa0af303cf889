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
            var row = await FindPoolAsync(unit.Db, pool, cancel);
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

    static async Task<AddressPoolRow> FindPoolAsync(NetworkDb db, string pool, CancellationToken cancel)
    {
        const string field = "load_balancer.address_pool";
        var pools = await db.AddressPools.AsNoTracking()
            .Where(p => p.Purpose == AddressPool.Types.Purpose.LoadBalancer).OrderBy(p => p.Name).ToListAsync(cancel);
        if (pool.Length > 0)
        {
            var name = pool.StartsWith("addressPools/", StringComparison.Ordinal) ? pool : "addressPools/" + pool;
            return pools.Find(p => p.Name == name)
                ?? throw Fault.Invalid(field, $"{name} is no pool of purpose LOAD_BALANCER");
        }
        return pools.Count switch
        {
            1 => pools[0],
            0 => throw Fault.Precondition("NO_ADDRESS_POOL", "addressPools/-",
                "There is no address pool of purpose LOAD_BALANCER. Have the operators make one."),
            _ => throw Fault.Invalid(field,
                $"is needed, since there are {pools.Count}: {string.Join(", ", pools.Select(p => p.Name))}"),
        };
    }
}
