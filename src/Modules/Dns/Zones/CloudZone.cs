using System.Net.Sockets;
using Microsoft.EntityFrameworkCore;
using Monolith.Dns.RecordSets;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Storage;

namespace Monolith.Dns.Zones;

/// <summary>Sees that the cloud's own zone exists, and that its name server has an address there.</summary>
internal sealed class CloudZone(Store<DnsDb> store, DnsOptions options) : IStartUp
{
    const string Owner = "dns/nameServer";

    // The name server's records are the module's own; this stands for their owner.
    static readonly Guid OwnerUid = new("00000000-0000-0000-0000-000000000053");

    public string Module => store.Module;

    public Task StartAsync(CancellationToken cancel) => store.WriteAsync(Call.Of("dns/zones"), async unit =>
    {
        var zone = await unit.Db.Zones.FirstOrDefaultAsync(z => z.Domain == options.Domain, cancel)
            ?? Make(unit, options, IdOf(options.Domain), options.Domain);
        var server = options.NameServerOrDefault;
        var wanted = new List<WantedSet>();
        if (ZoneRules.IsIn(server, zone.Domain) && server != zone.Domain)
            foreach (var family in options.NameServerAddresses.GroupBy(a => a.AddressFamily))
                wanted.Add(new(zone, zone.Relative(server), family.Key == AddressFamily.InterNetwork ? "A" : "AAAA",
                    [.. family.Select(a => a.ToString()).Order(StringComparer.Ordinal)]));
        await OwnedRecords.ReplaceAsync(unit, Owner, OwnerUid, wanted, cancel);
    }, cancel);

    /// <summary>A zone that the system keeps.</summary>
    public static ZoneRow Make(Unit<DnsDb> unit, DnsOptions options, string id, string domain)
    {
        var zone = new ZoneRow
        {
            Name = $"projects/{ZoneRules.SystemProject}/zones/{id}",
            Project = ZoneRules.SystemProject,
            Domain = domain,
            DefaultTtlSeconds = options.DefaultTtlSeconds,
            Contact = "hostmaster@" + options.Domain,
            CreateTime = unit.Now,
            UpdateTime = unit.Now,
        };
        unit.Db.Zones.Add(zone);
        unit.Emit(Change.Created, zone);
        return zone;
    }

    static string IdOf(string domain)
    {
        var id = domain.Replace('.', '-').Replace('_', '-');
        return Violations.IsId(id) ? id : "cloud";
    }
}
