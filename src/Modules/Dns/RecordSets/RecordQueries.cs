using Monolith.Platform.Storage;

namespace Monolith.Dns.RecordSets;

/// <summary>What is asked again and again on a name's way.</summary>
internal static class RecordQueries
{
    public static readonly Func<DnsDb, Guid, Task<List<RecordSetRow>>> OfOwner =
        Query.Many((DnsDb db, Guid owner) => db.RecordSets.Where(r => r.OwnerUid == owner));

    /// <summary>
    /// What holds a name: its addresses, of either family since clients choose between them, and an alias, which stands
    /// alone (RFC 1034, 3.6.2).
    /// </summary>
    public static readonly Func<DnsDb, Guid, string, Task<List<RecordSetRow>>> Holding =
        Query.Many((DnsDb db, Guid zone, string domain) => db.RecordSets.Where(r => r.ZoneUid == zone
            && r.Domain == domain && (r.Type == "A" || r.Type == "AAAA" || r.Type == "CNAME")).OrderBy(r => r.Type));

    public static readonly Func<DnsDb, Guid, string, Task<List<RecordSetRow>>> At =
        Query.Many((DnsDb db, Guid zone, string domain) =>
            db.RecordSets.Where(r => r.ZoneUid == zone && r.Domain == domain));

    public static readonly Func<DnsDb, Guid, List<string>, Task<List<RecordSetRow>>> AtAny =
        Query.Many((DnsDb db, Guid zone, List<string> domains) =>
            db.RecordSets.Where(r => r.ZoneUid == zone && domains.Contains(r.Domain)));
}
