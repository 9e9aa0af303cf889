using Microsoft.EntityFrameworkCore;
using Monolith.Network.AddressPools;
using Monolith.Network.Addresses;
using Monolith.Network.Networks;
using Monolith.Platform.Faults;
using Monolith.Platform.Storage;

namespace Monolith.Network.Ports;

/// <summary>What a list of addresses asks of those that a port has. Immutable.</summary>
/// <param name="Kept">In the port's order.</param>
/// <param name="Chosen">To be claimed, as named.</param>
/// <param name="Any">Families of which one more is to be claimed each time.</param>
internal sealed record AddressChange(IReadOnlyList<Ip> Kept, IReadOnlyList<Ip> Chosen, IReadOnlyList<int> Any)
{
    public const int Most = 32;

    /// <summary>What stands for any free address of a family.</summary>
    public static bool IsAny(Ip address) => address.Value == 0;

    /// <summary>
    /// Pure. A word for any address means one that the port has and that is not named, and a new one only when there is none,
    /// so that the same list twice comes to the same addresses.
    /// </summary>
    /// <param name="held">The port's, the first of each family being the one that stays.</param>
    /// <param name="field">Where an item stands in the request.</param>
    public static AddressChange Of(IReadOnlyList<Ip> held, IReadOnlyList<string> wanted, Func<int, string> field,
        Violations violations)
    {
        violations.Require(wanted.Count <= Most, field(Most), $"is one too many; a port has at most {Most} addresses");
        var named = new List<Ip>();
        var any = new List<int>();
        for (var i = 0; i < wanted.Count; i++)
        {
            if (!Ip.TryParse(wanted[i], out var ip)) violations.Add(field(i), "must be an IPv4 or IPv6 address");
            else if (IsAny(ip)) any.Add(ip.Family);
            else if (violations.Require(!named.Contains(ip), field(i), $"{ip} is named twice")) named.Add(ip);
        }
        var kept = new HashSet<Ip>(held.Where(named.Contains));
        foreach (var address in held.Where(a => !named.Contains(a)))
            if (any.Remove(address.Family)) kept.Add(address);
        foreach (var family in Ip.Families)
            if (held.Where(a => a.Family == family).Cast<Ip?>().FirstOrDefault() is { } first)
                violations.Require(kept.Contains(first), field(0),
                    $"must have {first}: the first IPv{family} address of a port stays for as long as the port");
        return new([.. held.Where(kept.Contains)], [.. named.Where(n => !held.Contains(n))], any);
    }
}

/// <summary>Gives a port more addresses, or takes some, inside a unit.</summary>
internal static class PortAddresses
{
    /// <returns>Whether anything changed.</returns>
    public static async Task<bool> ChangeAsync(Unit<NetworkDb> unit, PortRow port, IReadOnlyList<string> wanted,
        TimeSpan quarantine, Wakes wakes)
    {
        var held = Read(port);
        var violations = new Violations();
        var change = AddressChange.Of(held, wanted, PortFields.OfPort.Address, violations);
        violations.ThrowIfAny();
        if (change.Kept.Count == held.Count && change.Chosen.Count == 0 && change.Any.Count == 0) return false;
        var network = await NetworkQueries.InProject(unit.Db, port.Project, port.Network)
            ?? throw Fault.NotFound(port.Network);
        var gone = held.Except(change.Kept).ToList();
        await AddressBook.ReleaseAsync(unit, port.Uid, gone, quarantine);
        var claimed = await ClaimAsync(unit, port, network, change);
        port.Addresses = Words.Store([.. change.Kept.Concat(claimed)
            .OrderBy(a => a.Family).Select(a => a.ToString())]);
        await PortMaking.MembersChangedAsync(unit.Db,
            await unit.Db.PortGroups.Where(g => g.PortUid == port.Uid).Select(g => g.GroupUid).ToListAsync(), wakes);
        return true;
    }

    static IReadOnlyList<Ip> Read(PortRow port) =>
        [.. Words.Load(port.Addresses).Select(Ip.Parse)];

    static async Task<List<Ip>> ClaimAsync(Unit<NetworkDb> unit, PortRow port, NetworkRow network, AddressChange change)
    {
        var wish = new PortWish(port.Project, port.Name, port.Network, [], [.. change.Chosen.Select(a => a.ToString()),
            .. change.Any.Select(f => f == 4 ? "0.0.0.0" : "::")], port.Hostname, Owner: port.Owner);
        var violations = new Violations();
        var pools = await PortPlan.PoolsAsync(unit.Db, network);
        var chosen = PortPlan.Choose(wish, network, pools, PortFields.OfPort, violations);
        violations.ThrowIfAny();
        return await PortMaking.ClaimAsync(unit, new(wish, network, [], pools, chosen), port.Uid,
            port.Owner.Length > 0 ? port.Owner : port.Name, change.Any);
    }
}
