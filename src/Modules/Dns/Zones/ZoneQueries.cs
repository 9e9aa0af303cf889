using Monolith.Platform.Storage;

namespace Monolith.Dns.Zones;

/// <summary>What is asked of zones for every name.</summary>
internal static class ZoneQueries
{
    public static readonly Func<DnsDb, List<string>, Task<List<ZoneRow>>> InDomains =
        Query.Many((DnsDb db, List<string> domains) => db.Zones.Where(z => domains.Contains(z.Domain)));

    public static readonly Func<DnsDb, string, Task<ZoneRow?>> ByName =
        Query.One((DnsDb db, string name) => db.Zones.FirstOrDefault(z => z.Name == name));

    public static readonly Func<DnsDb, string, Task<ZoneRow?>> ByDomain =
        Query.One((DnsDb db, string domain) => db.Zones.FirstOrDefault(z => z.Domain == domain));
}
