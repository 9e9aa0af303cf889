using Microsoft.EntityFrameworkCore;
using Monolith.Network.AddressPools;
using Monolith.Network.Addresses;
using Monolith.Network.Contracts;
using Monolith.Network.Networks;
using Monolith.Network.SecurityGroups;
using Monolith.Network.V1;
using Monolith.Platform.Faults;
using Monolith.Platform.Names;

namespace Monolith.Network.Ports;

/// <summary>A port that somebody wants, by API or by claim. Immutable.</summary>
/// <param name="Name">The port's name; null to have one made.</param>
/// <param name="Groups">Names; empty for the network's.</param>
/// <param name="Addresses">Named, or a family's zero for any; a family that is not among them gets any one.</param>
internal sealed record PortWish(string Project, string? Name, string Network, IReadOnlyList<string> Groups,
    IReadOnlyList<string> Addresses, string Hostname, string Labels = "", string Owner = "", Guid? OwnerUid = null,
    int OwnerIndex = 0, string Zone = "")
{
    public IReadOnlyList<string> AllowedPrefixes { get; init; } = [];
    public long EgressRate { get; init; }
    public long IngressRate { get; init; }

    public static PortWish Of(PortClaim claim) => new(claim.Project, null,
        claim.Network.Length > 0 ? claim.Network : $"projects/{claim.Project}/networks/default", claim.SecurityGroups,
        claim.Address.Length > 0 ? [claim.Address] : [], claim.Hostname, "", claim.Owner, claim.OwnerUid, claim.Index, claim.Zone);
}

/// <summary>Where the parts of a wish stand in the request. Immutable.</summary>
internal sealed record PortFields(string Network, string Groups, Func<int, string> Address)
{
    /// <param name="path">Of a ServerNetwork.</param>
    public static PortFields Below(string path) =>
        new(path + ".network", path + ".security_groups", _ => path + ".address");

    public static PortFields OfPort { get; } =
        new("port.network", "port.security_groups", i => $"port.addresses[{i}]");
}

/// <summary>A wish with the rows that it names. Immutable.</summary>
internal sealed record PortPlan(PortWish Wish, NetworkRow Network, IReadOnlyList<SecurityGroupRow> Groups,
    IReadOnlyList<AddressPoolRow> Pools, IReadOnlyList<(Ip Address, AddressPoolRow Pool)> Chosen)
{
    /// <summary>A port gets an address of each.</summary>
    public IEnumerable<int> Families => FamiliesOf(Pools);

    public PoolWant Want(int family) => WantOf(Wish, family);

    /// <summary>Finds the rows; a violation for whatever is not there or does not fit; null when one stands in the way.</summary>
    public static async Task<PortPlan?> FindAsync(NetworkDb db, PortWish wish, PortFields fields,
        Violations violations)
    {
        if (ResourceName.Parse("projects/*/networks/*", wish.Network, fields.Network, violations) is null) return null;
        var network = await NetworkQueries.InProject(db, wish.Project, wish.Network);
        if (network is null)
        {
            violations.Add(fields.Network, $"{wish.Network} does not exist in projects/{wish.Project}; " +
                "make it with CreateNetwork, or name another");
            return null;
        }
        var groups = await SecurityGroupReferences.FindAsync(db, wish.Project,
            wish.Groups.Count > 0 ? wish.Groups : Words.Load(network.SecurityGroups),
            i => $"{fields.Groups}[{i}]", violations);
        await PortSources.CheckAsync(db, wish.Project, wish.AllowedPrefixes, violations);
        var pools = await PoolsAsync(db, network);
        foreach (var family in FamiliesOf(pools))
            if (PoolChoice.Eligible(pools, WantOf(wish, family)).Count == 0)
                violations.Add(fields.Network, $"{wish.Network} has no pool for the port's IPv{family} address: "
                    + PoolChoice.Explain(pools, WantOf(wish, family)));
        return new(wish, network, groups, pools, Choose(wish, network, pools, fields, violations));
    }

    /// <summary>The network's pools, in its order.</summary>
    public static async Task<List<AddressPoolRow>> PoolsAsync(NetworkDb db, NetworkRow network)
    {
        var names = Words.Load(network.AddressPools);
        var pools = await PoolQueries.Named(db, [.. names]);
        return [.. pools.OrderBy(p => Array.IndexOf(names, p.Name))];
    }

    static PoolWant WantOf(PortWish wish, int family) =>
        new(AddressPool.Types.Purpose.Server, wish.Project, wish.Zone, family);

    static IEnumerable<int> FamiliesOf(IReadOnlyList<AddressPoolRow> pools) =>
        Ip.Families.Where(f => pools.Any(p => p.Has(f)));

    public static List<(Ip, AddressPoolRow)> Choose(PortWish wish, NetworkRow network, List<AddressPoolRow> pools,
        PortFields fields, Violations violations)
    {
        var chosen = new List<(Ip Address, AddressPoolRow Pool)>();
        violations.Require(wish.Addresses.Count <= AddressChange.Most, fields.Address(AddressChange.Most),
            $"is one too many; a port has at most {AddressChange.Most} addresses");
        for (var i = 0; i < wish.Addresses.Count; i++)
        {
            if (!Ip.TryParse(wish.Addresses[i], out var ip))
            {
                violations.Add(fields.Address(i), "must be an IPv4 or IPv6 address");
                continue;
            }
            if (AddressChange.IsAny(ip)) continue;
            if (!violations.Require(chosen.TrueForAll(c => c.Address != ip), fields.Address(i), $"{ip} is named twice")) continue;
            if (pools.Find(p => p.Contains(ip)) is { } pool)
            {
                if (PoolChoice.Obstacle(pool, WantOf(wish, ip.Family)) is { } obstacle)
                    violations.Add(fields.Address(i), $"{ip} lies in {pool.Name}, which {obstacle}");
                else chosen.Add((ip, pool));
            }
            else violations.Add(fields.Address(i), $"{ip} lies in no pool of {network.Name}, which has " +
                string.Join(", ", pools.Select(p => $"{p.Name} ({string.Join(", ", Words.Load(p.Prefixes))})")));
        }
        return chosen;
    }
}
