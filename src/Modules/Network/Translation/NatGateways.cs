using Microsoft.EntityFrameworkCore;
using Monolith.Network.AddressPools;
using Monolith.Network.Addresses;
using Monolith.Network.Networks;
using Monolith.Network.Ports;
using Monolith.Platform;
using Monolith.Platform.Storage;

namespace Monolith.Network.Translation;

/// <summary>
/// The way out for servers without a floating address: one address of the network's pool for each hypervisor, which translates
/// by itself. There is no machine to fail in between, and no limit but the hypervisor's own.
/// <para>
/// A hypervisor keeps its address when its last such server leaves, so that firewalls elsewhere can rely on it. It gives it
/// back when it goes itself, or when no network names the pool any more.
/// </para>
/// </summary>
internal static class NatGateways
{
    /// <summary>Gives the port the addresses of its hypervisors; none where the pool has none left: a server that is not known
    /// outside is better than one that cannot be moved.</summary>
    public static async Task AssignAsync(Unit<NetworkDb> unit, PortRow port)
    {
        if (port.NatPool.Length == 0)
        {
            (port.NatAddresses, port.SharedNatAddresses) = ("", "");
            return;
        }
        port.NatAddresses = Words.Store(await OfAsync(unit, port.NatPool, port.Hypervisor));
        port.SharedNatAddresses = Words.Store(await OfAsync(unit, port.NatPool, port.SharedWith));
    }

    /// <summary>The network has another pool, or none: so have its ports.</summary>
    public static async Task ChangedAsync(Unit<NetworkDb> unit, NetworkRow network, string before, TimeSpan quarantine,
        Wakes wakes)
    {
        foreach (var port in await unit.Db.Ports.Where(p => p.Network == network.Name).ToListAsync())
        {
            port.NatPool = network.NatAddressPool;
            await AssignAsync(unit, port);
            port.SpecGeneration++;
            port.Touch("", unit.Now);
            wakes.Port(port);
            PortMaking.Emit(unit, Change.Updated, port);
        }
        await RetireAsync(unit, before, network, quarantine);
    }

    /// <summary>Gives back all of a pool that no other network names.</summary>
    public static async Task RetireAsync(Unit<NetworkDb> unit, string pool, NetworkRow but, TimeSpan quarantine)
    {
        if (pool.Length == 0 || await unit.Db.Networks.AnyAsync(n => n.NatAddressPool == pool && n.Uid != but.Uid)) return;
        await GiveBackAsync(unit, unit.Db.NatAddresses
            .Where(a => unit.Db.AddressPools.Any(p => p.Name == pool && p.Uid == a.PoolUid)), quarantine);
    }

    /// <summary>The hypervisor is no more.</summary>
    public static Task ForgetAsync(Unit<NetworkDb> unit, string hypervisor, TimeSpan quarantine) =>
        GiveBackAsync(unit, unit.Db.NatAddresses.Where(a => a.Hypervisor == hypervisor), quarantine);

    static async Task GiveBackAsync(Unit<NetworkDb> unit, IQueryable<NatAddressRow> which, TimeSpan quarantine)
    {
        var rows = await which.ToListAsync();
        unit.Db.NatAddresses.RemoveRange(rows);
        if (rows.Count > 0) await AddressBook.ReleaseAsync(unit, [.. rows.Select(r => r.Uid)], quarantine);
    }

    static async Task<IEnumerable<string>> OfAsync(Unit<NetworkDb> unit, string poolName, string hypervisor)
    {
        if (hypervisor.Length == 0) return [];
        if ((await PoolQueries.Named(unit.Db, [poolName])).FirstOrDefault() is not { } pool) return [];
        // Those of this unit are not in the database yet.
        var held = unit.Db.NatAddresses.Local.Where(a => a.Hypervisor == hypervisor && a.PoolUid == pool.Uid)
            .UnionBy(await unit.Db.NatAddresses.Where(a => a.Hypervisor == hypervisor && a.PoolUid == pool.Uid).ToListAsync(),
                a => a.Family).ToList();
        foreach (var family in Ip.Families.Where(f => pool.Has(f) && held.TrueForAll(h => h.Family != f)))
        {
            var uid = Chance.NewUid();
            if (await AddressBook.ClaimAsync(unit, pool.Uid, family, uid, hypervisor) is not Claimed.Yes yes) continue;
            var row = new NatAddressRow
            {
                Hypervisor = hypervisor,
                PoolUid = pool.Uid,
                Family = family,
                Uid = uid,
                Address = yes.Address.ToString(),
            };
            unit.Db.NatAddresses.Add(row);
            held.Add(row);
        }
        return held.OrderBy(h => h.Family).Select(h => h.Address);
    }
}
