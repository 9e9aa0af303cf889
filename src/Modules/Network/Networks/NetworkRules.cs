using Microsoft.EntityFrameworkCore;
using Monolith.Network.AddressPools;
using Monolith.Network.Addresses;
using Monolith.Network.SecurityGroups;
using Monolith.Network.V1;
using Monolith.Platform.Faults;
using Monolith.Platform.Names;

namespace Monolith.Network.Networks;

internal static class NetworkRules
{
    public const int DefaultMtu = 1500;

    public static readonly string[] Changeable = ["display_name", "labels", "mtu", "dns_servers", "security_groups", "nat_address_pool"];

    const int MaxPools = 16;
    const int MaxDnsServers = 8;

    /// <summary>What can be said without looking at rows.</summary>
    public static void Check(V1.Network network, Violations violations)
    {
        violations.DisplayName("network.display_name", network.DisplayName);
        violations.Labels("network.labels", network.Labels);
        violations.Require(network.Mtu is 0 or (>= 1280 and <= 9000), "network.mtu", "must be 1280 to 9000 bytes");
        violations.Require(network.DnsServers.Count <= MaxDnsServers, "network.dns_servers",
            $"must have at most {MaxDnsServers}");
        for (var i = 0; i < network.DnsServers.Count; i++)
            violations.Require(Ip.TryParse(network.DnsServers[i], out var ip) && ip.ToString() == network.DnsServers[i],
                $"network.dns_servers[{i}]", "must be an IPv4 or IPv6 address in its canonical form");
    }

    /// <summary>The pool is for floating addresses, and the project's or everybody's.</summary>
    public static async Task CheckNatPoolAsync(NetworkDb db, string project, string pool, Violations violations)
    {
        const string field = "network.nat_address_pool";
        if (pool.Length == 0 || ResourceName.Parse("addressPools/*", pool, field, violations) is null) return;
        if ((await PoolQueries.Named(db, [pool])).FirstOrDefault() is not { } found) violations.Add(field, $"{pool} does not exist");
        else if (violations.Require(found.Purpose == AddressPool.Types.Purpose.Floating, field,
            $"{pool} is for {PoolChoice.Word(found.Purpose)}; translation needs a pool of purpose FLOATING"))
            violations.Require(found.Project.Length == 0 || found.Project == project, field, $"{pool} belongs to another project");
    }

    public static void CheckPools(IReadOnlyList<string> pools, Violations violations)
    {
        violations.Require(pools.Count is >= 1 and <= MaxPools, "network.address_pools",
            $"must name 1 to {MaxPools} pools");
        for (var i = 0; i < pools.Count; i++)
        {
            var field = $"network.address_pools[{i}]";
            if (ResourceName.Parse("addressPools/*", pools[i], field, violations) is null) continue;
            violations.Require(!pools.Take(i).Contains(pools[i]), field, "is named twice");
        }
    }

    /// <summary>Pools exist, are for servers, and are the project's or everybody's.</summary>
    public static async Task CheckPoolsAsync(NetworkDb db, string project, IReadOnlyList<string> pools,
        Violations violations)
    {
        var found = await db.AddressPools.AsNoTracking().Where(p => pools.Contains(p.Name))
            .ToDictionaryAsync(p => p.Name);
        for (var i = 0; i < pools.Count; i++)
        {
            var field = $"network.address_pools[{i}]";
            if (!found.TryGetValue(pools[i], out var pool)) violations.Add(field, $"{pools[i]} does not exist");
            else if (violations.Require(pool.Purpose == AddressPool.Types.Purpose.Server, field,
                $"{pools[i]} is for {PoolChoice.Word(pool.Purpose)}; a network needs pools of purpose SERVER"))
                violations.Require(pool.Project.Length == 0 || pool.Project == project, field,
                    $"{pools[i]} belongs to another project");
        }
    }

    public static Task CheckGroupsAsync(NetworkDb db, string project, IReadOnlyList<string> groups,
        Violations violations) =>
        SecurityGroupReferences.FindAsync(db, project, groups, i => $"network.security_groups[{i}]", violations);
}
