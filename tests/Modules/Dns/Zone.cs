using Monolith.Dns.RecordSets;
using Monolith.Dns.Serving;
using Monolith.Dns.Zones;

namespace Monolith.Modules.Tests.Dns;

/// <summary>Zones for tests, written as <c>name type value</c>.</summary>
internal static class Zone
{
    public static ZoneSnapshot Of(string domain, params string[] records)
    {
        var zone = new ZoneRow
        {
            Name = "projects/demo/zones/z",
            Domain = domain,
            Contact = "hostmaster@" + domain,
            DefaultTtlSeconds = 60,
            Serial = 7,
        };
        var sets = records.Select(r => r.Split(' ', 3)).GroupBy(r => (Domain: r[0], Type: r[1]))
            .Select(g => new RecordSetRow
            {
                Name = $"{zone.Name}/recordSets/{g.Key.Domain}.{g.Key.Type}",
                Domain = g.Key.Domain,
                Type = g.Key.Type,
                Values = string.Join('\n', g.Select(r => r[2])),
            });
        return ZoneSnapshot.Of(zone, "ns1.cloud.internal").With(zone, "ns1.cloud.internal", sets.GroupBy(s => s.Domain)
            .Select(g => (DnsName.Encode(zone.Absolute(g.Key)), g.Select(s => s.ToServed(zone)).ToArray())));
    }

    public static NameTable<ZoneSnapshot> Table(params ZoneSnapshot[] zones)
    {
        var editor = NameTable<ZoneSnapshot>.Empty.Edit();
        foreach (var zone in zones) editor.Set(zone.Origin, zone);
        return editor.ToTable();
    }
}
