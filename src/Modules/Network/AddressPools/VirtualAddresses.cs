using Microsoft.EntityFrameworkCore;
using Monolith.Network.Addresses;
using Monolith.Network.Contracts;
using Monolith.Network.V1;
using Monolith.Platform.Calls;
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
            var row = await PurposePools.FindAsync(unit.Db, AddressPool.Types.Purpose.LoadBalancer, project, pool,
                "load_balancer.address_pool");
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
}
