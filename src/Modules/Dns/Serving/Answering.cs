namespace Monolith.Dns.Serving;

/// <summary>
/// The answer to a question, from snapshots alone (RFC 1034, 4.3.2, with RFC 2308, 4592, 8020 and 8482).
/// <code>
///   zone of the name? ─no─▶ REFUSED
///        │ yes
///   cut above the name? ─yes─▶ referral
///        │ no
///   name exists? ─no─▶ wildcard at the closest encloser? ─no─▶ NXDOMAIN + SOA
///        │ yes               │ yes, as if it were the name
///   CNAME? ─yes─▶ again with its target, when that is ours too
///        │ no
///   type there? ─no─▶ NODATA + SOA
///        │ yes
///      answer
/// </code>
/// </summary>
internal static class Answering
{
    const int MaxChain = 16;
    const ushort ClassInternet = 1;
    const ushort ClassAny = 255;
    static readonly ServedSet Minimal = new(RecordType.HINFO, 3600, [[7, .. "RFC8482"u8, 0]]);

    /// <param name="name">Lower case, wire form.</param>
    public static Reply Answer(ReadOnlySpan<byte> name, ushort type, ushort @class, NameTable<ZoneSnapshot> zones)
    {
        if (@class is not (ClassInternet or ClassAny)) return Reply.Of(ResponseCode.Refused);
        if (FindZone(name, zones) is not { } zone) return Reply.Of(ResponseCode.Refused);
        if (type is RecordType.AXFR or RecordType.IXFR) return Reply.Of(ResponseCode.Refused);
        if (RecordType.IsMeta(type) && type != RecordType.ANY) return Reply.Of(ResponseCode.NotImplemented);
        var reply = new Reply { Authoritative = true };
        // Only needed where a wildcard or the root of a chain gives a record a name that no snapshot holds.
        byte[]? owner = null;
        for (var hops = 0; ; hops++)
        {
            if (zone.Cuts > 0 && FindCut(name, type, zone) is { } cut)
            {
                Refer(reply, cut, zone, first: hops == 0);
                return reply;
            }
            var found = zone.Names.Find(name);
            if (found is null)
            {
                found = FindWildcard(name, zone);
                if (found is null)
                {
                    reply.Code = ResponseCode.NameError;
                    reply.Authority.Add(new(zone.Origin, zone.Soa));
                    return reply;
                }
                owner = name.ToArray();
            }
            else owner = found.Name;
            if (type is not (RecordType.CNAME or RecordType.ANY) && found.Find(RecordType.CNAME) is { } alias)
            {
                // A loop shows a second time what was said already.
                if (hops >= MaxChain || reply.Answer.Any(a => a.Owner.AsSpan().SequenceEqual(owner))) return reply;
                reply.Answer.Add(new(owner, alias));
                name = alias.Target;
                if (FindZone(name, zones) is not { } next) return reply;
                zone = next;
                continue;
            }
            var set = type == RecordType.ANY ? AnyOf(found) : found.Find(type);
            if (set is null) reply.Authority.Add(new(zone.Origin, zone.Soa));
            else
            {
                reply.Answer.Add(new(owner, set));
                AddAddresses(reply, set, zones);
            }
            return reply;
        }
    }

    static ZoneSnapshot? FindZone(ReadOnlySpan<byte> name, NameTable<ZoneSnapshot> zones)
    {
        while (true)
        {
            if (zones.Find(name) is { } zone) return zone;
            if (DnsName.IsRoot(name)) return null;
            name = DnsName.Parent(name);
        }
    }

    /// <summary>The highest delegation at or above the name; DS belongs to the side above the cut (RFC 4035).</summary>
    static ServedName? FindCut(ReadOnlySpan<byte> name, ushort type, ZoneSnapshot zone)
    {
        ServedName? cut = null;
        for (var at = name; at.Length > zone.Origin.Length; at = DnsName.Parent(at))
            if (!(type == RecordType.DS && at.Length == name.Length)
                && zone.Names.Find(at) is { } node && node.Find(RecordType.NS) is not null) cut = node;
        return cut;
    }

    static void Refer(Reply reply, ServedName cut, ZoneSnapshot zone, bool first)
    {
        if (first) reply.Authoritative = false;
        reply.IsReferral = true;
        var servers = cut.Find(RecordType.NS)!;
        reply.Authority.Add(new(cut.Name, servers));
        foreach (var server in servers.Data) AddGlue(reply, server, zone);
    }

    static ServedName? FindWildcard(ReadOnlySpan<byte> name, ZoneSnapshot zone)
    {
        Span<byte> wildcard = stackalloc byte[DnsName.MaxWire + 2];
        for (var encloser = DnsName.Parent(name); encloser.Length >= zone.Origin.Length; encloser = DnsName.Parent(encloser))
            if (zone.Names.Find(encloser) is not null)
                return zone.Names.Find(wildcard[..DnsName.Wildcard(encloser, wildcard)]);
        return null;
    }

    /// <summary>One record set instead of all (RFC 8482, 4.1); a word to those who ask for ANY of an alias (4.2).</summary>
    static ServedSet? AnyOf(ServedName found) => found.Sets.Length == 0 ? null
        : found.Find(RecordType.A) ?? found.Find(RecordType.AAAA) ?? found.Find(RecordType.CNAME) ?? Minimal;

    static void AddAddresses(Reply reply, ServedSet set, NameTable<ZoneSnapshot> zones)
    {
        var skip = set.Type switch { RecordType.MX => 2, RecordType.SRV => 6, RecordType.NS => 0, _ => -1 };
        if (skip < 0) return;
        foreach (var data in set.Data)
            if (FindZone(data.AsSpan(skip), zones) is { } zone) AddGlue(reply, data[skip..], zone);
    }

    static void AddGlue(Reply reply, byte[] target, ZoneSnapshot zone)
    {
        if (!DnsName.IsIn(target, zone.Origin) || zone.Names.Find(target) is not { } node) return;
        if (node.Find(RecordType.A) is { } a) reply.Additional.Add(new(node.Name, a));
        if (node.Find(RecordType.AAAA) is { } aaaa) reply.Additional.Add(new(node.Name, aaaa));
    }
}
