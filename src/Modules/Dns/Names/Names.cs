using System.Net;
using System.Net.Sockets;
using Microsoft.EntityFrameworkCore;
using Monolith.Dns.Contracts;
using Monolith.Dns.RecordSets;
using Monolith.Dns.Serving;
using Monolith.Dns.Zones;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Storage;

namespace Monolith.Dns.Names;

/// <summary>
/// Names of servers and load balancers. One unit makes the forward and the reverse records together or not at all:
/// <code>
///   web1.demo.cloud.internal  A     10.64.0.3     zone of the name, the longest that fits
///   3.0.64.10.in-addr.arpa    PTR   web1.demo…    zone of the /24, made when it is missing
/// </code>
/// </summary>
internal sealed class Names(Store<DnsDb> store, ServedZones served, DnsOptions options) : INames
{
    static readonly Call Self = Call.Of("dns/names");

    public string NameFor(string project, string id) => $"{id}.{project}.{options.Domain}";

    public async Task SetAsync(string owner, Guid ownerUid, string name, IReadOnlyList<string> addresses,
        CancellationToken cancel)
    {
        if (!name.Split('.').All(RecordSetRules.IsLabel) || name.Length > RecordSetRules.MaxName)
            throw Fault.Invalid("name", $"must be a lower-case domain name without a trailing dot, but is {name}");
        var parsed = addresses.Select(text => IPAddress.TryParse(text, out var address)
            ? address
            : throw Fault.Invalid("addresses", $"must be IP addresses, but has '{text}'")).Distinct().ToList();
        await store.WriteAsync(Self, async unit =>
        {
            var wanted = new List<WantedSet>();
            if (parsed.Count > 0)
            {
                var zone = await FindZoneAsync(unit.Db, name);
                wanted.AddRange(Forward(zone, zone.Relative(name), parsed));
            }
            foreach (var address in parsed)
            {
                var reverse = Reverse.Of(address);
                wanted.Add(new(await ReverseZoneAsync(unit, reverse), reverse.Domain, "PTR", [name + "."],
                    TakesOver: true));
            }
            await OwnedRecords.ReplaceAsync(unit, owner, ownerUid, wanted, cancel);
        }, cancel);
        await served.CaughtUpAsync(cancel);
    }

    public async Task RemoveAsync(Guid ownerUid, CancellationToken cancel)
    {
        await store.WriteAsync(Self, unit => OwnedRecords.ReplaceAsync(unit, "", ownerUid, [], cancel), cancel);
        await served.CaughtUpAsync(cancel);
    }

    public Task<string?> FindObstacleAsync(string owner, string name, CancellationToken cancel) =>
        store.ReadAsync(async db =>
        {
            var zone = await ZoneOrNullAsync(db, name);
            if (zone is null) return null;
            var domain = zone.Relative(name);
            var there = await RecordQueries.Holding(db, zone.Uid, domain);
            return there.Find(r => r.Owner != owner) is { } other ? OwnedRecords.Taken(zone, domain, other) : null;
        });

    static IEnumerable<WantedSet> Forward(ZoneRow zone, string domain, List<IPAddress> addresses)
    {
        foreach (var family in addresses.GroupBy(a => a.AddressFamily))
            yield return new(zone, domain, family.Key == AddressFamily.InterNetwork ? "A" : "AAAA",
                [.. family.Select(a => a.ToString())]);
    }

    static async Task<ZoneRow> FindZoneAsync(DnsDb db, string name) =>
        await ZoneOrNullAsync(db, name)
        ?? throw Fault.Precondition("ZONE_MISSING", name, $"No zone of this cloud holds {name}. Create one first.");

    /// <summary>The longest that holds the name.</summary>
    static async Task<ZoneRow?> ZoneOrNullAsync(DnsDb db, string name)
    {
        var suffixes = ZoneRules.Suffixes(name);
        return (await ZoneQueries.InDomains(db, [.. suffixes])).MaxBy(z => z.Domain.Length);
    }

    async Task<ZoneRow> ReverseZoneAsync(Unit<DnsDb> unit, Reverse reverse) =>
        unit.Db.Zones.Local.FirstOrDefault(z => z.Domain == reverse.ZoneDomain)
        ?? await ZoneQueries.ByDomain(unit.Db, reverse.ZoneDomain)
        ?? CloudZone.Make(unit, options, reverse.ZoneId, reverse.ZoneDomain);
}
