using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Monolith.Agent.V1;
using Monolith.Dns.Contracts;
using Monolith.Network.AddressPools;
using Monolith.Network.Addresses;
using Monolith.Network.Networks;
using Monolith.Network.SecurityGroups;
using Monolith.Network.Translation;
using Monolith.Platform.Calls;
using Monolith.Platform.Names;
using Monolith.Platform.Storage;

namespace Monolith.Network.Ports;

/// <summary>
/// What hypervisors are told of ports. A spec's generation is stored with its port and raised, in the same transaction,
/// by whatever changes the spec: bind, the port's groups, their rules, the network's resolvers, the cloud's defaults.
/// Members of a group are not in a spec but in an address set with a generation of its own.
/// </summary>
internal sealed class PortSpecs(NetworkOptions options, IServiceProvider services)
{
    /// <summary>Specs of the given ports are others from now on.</summary>
    public static async Task ChangedAsync(IQueryable<PortRow> ports, Wakes wakes)
    {
        await ports.ExecuteUpdateAsync(s => s.SetProperty(p => p.SpecGeneration, p => p.SpecGeneration + 1));
        foreach (var port in await ports.AsNoTracking().Where(p => p.Hypervisor != "").ToListAsync()) wakes.Port(port);
    }

    /// <summary>The cloud's prefixes are others: what is translated outside of them has to know.</summary>
    public static Task InsideChangedAsync(NetworkDb db, Wakes wakes) =>
        ChangedAsync(db.Ports.Where(p => p.FloatingAddresses != "" || p.NatPool != ""), wakes);

    /// <summary>A pool's prefixes stand for its addresses, or do so no more.</summary>
    public static Task PoolChangedAsync(NetworkDb db, AddressPoolRow pool, Wakes wakes) =>
        pool.Purpose == V1.AddressPool.Types.Purpose.Floating
            ? InsideChangedAsync(db, wakes)
            : ChangedAsync(db.Ports.Where(p => db.Addresses.Any(a => a.PoolUid == pool.Uid && a.HolderUid == p.Uid)), wakes);

    /// <summary>DHCP option 15 for a project's ports: what follows the server's own label in its name.</summary>
    public string Domain(string project)
    {
        if (services.GetService<INames>() is not { } names)
            return options.Domain.Length == 0 ? "" : $"{project}.{options.Domain}";
        var name = names.NameFor(project, "x");
        return name[(name.IndexOf('.', StringComparison.Ordinal) + 1)..];
    }

    /// <param name="hypervisor">Which is told.</param>
    /// <param name="inside">Prefixes of the cloud's pools, <see cref="PoolQueries.Inside"/>.</param>
    /// <param name="aggregates">Of <see cref="PoolQueries.Aggregates"/>.</param>
    public PortSpec Of(PortRow port, NetworkRow network, IEnumerable<SecurityGroupRow> groups,
        Func<string, string?> setOf, string hypervisor, IReadOnlyList<string> inside, IReadOnlyList<Cidr> aggregates)
    {
        var translations = Translations.Of(port, hypervisor);
        var known = aggregates.Count == 0 ? [] : Words.Load(port.Addresses).Concat(translations.Select(t => t.External)).Select(Ip.Parse).ToList();
        return new()
        {
            Id = port.Uid.ToString(),
            Generation = (ulong)port.SpecGeneration,
            MacAddress = port.MacAddress,
            Addresses = { Words.Load(port.Addresses) },
            Mtu = port.Mtu,
            Rules = { RuleResolution.Resolve(groups.Select(g => g.Rules), setOf) },
            DnsServers = { network.DnsServers.Length > 0 ? Words.Load(network.DnsServers) : options.DnsServers },
            Hostname = port.Hostname,
            Domain = Domain(port.Project),
            AllowedPrefixes = { Words.Load(port.AllowedPrefixes) },
            Translations = { translations },
            UntranslatedPrefixes = { translations.Count > 0 ? inside : [] },
            Aggregates = { aggregates.Where(a => known.Exists(a.Contains)).Select(a => a.ToString()) },
            EgressBitsPerSecond = port.EgressRate,
            IngressBitsPerSecond = port.IngressRate,
        };
    }

    /// <summary>All that specs take from options and from other modules.</summary>
    public string Fingerprint() => $"{string.Join(' ', options.DnsServers)}|{Domain("p")}";
}

/// <summary>Raises every spec when the host starts with other defaults than before.</summary>
internal sealed class PortDefaults(Store<NetworkDb> store, PortSpecs specs) : IStartUp
{
    public string Module => store.Module;

    public async Task StartAsync(CancellationToken cancel)
    {
        var now = specs.Fingerprint();
        if (await store.ReadAsync(db => db.PortDefaults.AnyAsync(d => d.Fingerprint == now, cancel))) return;
        await store.WriteAsync(Call.Of("network/ports"), async unit =>
        {
            var row = await unit.Db.PortDefaults.FirstOrDefaultAsync(cancel);
            if (row is null) unit.Db.PortDefaults.Add(new PortDefaultsRow { Fingerprint = now });
            else row.Fingerprint = now;
            await PortSpecs.ChangedAsync(unit.Db.Ports, new Wakes());
        }, cancel);
    }
}
