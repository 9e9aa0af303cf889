using System.Buffers.Binary;
using Monolith.Dns.Zones;

namespace Monolith.Dns.Serving;

/// <summary>Records of one name and type, ready for the wire. Immutable.</summary>
/// <param name="Ttl">Seconds.</param>
/// <param name="Data">RDATA of each record, names uncompressed.</param>
/// <param name="Target">The name that a CNAME points to, else null.</param>
internal sealed record ServedSet(ushort Type, uint Ttl, IReadOnlyList<byte[]> Data, byte[]? Target = null);

/// <summary>
/// A name that exists in a zone: it has records, or names below it (an empty non-terminal, RFC 8020), or both.
/// Immutable.
/// </summary>
/// <param name="Children">Existing names one label below.</param>
internal sealed record ServedName(byte[] Name, ServedSet[] Sets, int Children)
{
    public ServedSet? Find(ushort type)
    {
        foreach (var set in Sets)
            if (set.Type == type) return set;
        return null;
    }
}

/// <summary>One zone as it is served. Immutable; a change makes a new one that shares what is unchanged.</summary>
/// <param name="Domain">Text form.</param>
/// <param name="Cuts">Names other than the origin that have NS records: the zone may end there.</param>
internal sealed record ZoneSnapshot(Guid Uid, string Domain, byte[] Origin, uint Serial, ServedSet Soa,
    NameTable<ServedName> Names, int Cuts)
{
    // Times of RFC 1912, 2.2, shortened for a network whose secondaries are told of each change.
    const uint Refresh = 3600;
    const uint Retry = 300;
    const uint Expire = 1_209_600;

    /// <summary>A zone with nothing but its apex.</summary>
    public static ZoneSnapshot Of(ZoneRow zone, string nameServer)
    {
        var origin = DnsName.Encode(zone.Domain);
        var (soa, ns) = Apex(zone, nameServer);
        var names = NameTable<ServedName>.Empty.Edit();
        names.Set(origin, new(origin, [soa, ns], 0));
        return new(zone.Uid, zone.Domain, origin, zone.Serial, soa, names.ToTable(), 0);
    }

    /// <summary>The zone after changes.</summary>
    /// <param name="zone">Serial, default TTL and contact as they are now.</param>
    /// <param name="changed">The records of each name that changed; none: the name lost them all.</param>
    public ZoneSnapshot With(ZoneRow zone, string nameServer, IEnumerable<(byte[] Name, ServedSet[] Sets)> changed)
    {
        var (soa, ns) = Apex(zone, nameServer);
        var editor = new ZoneEditor(Origin, Names.Edit(), Cuts);
        editor.SetApex(soa, ns);
        foreach (var (name, sets) in changed) editor.Replace(name, sets);
        return this with { Serial = zone.Serial, Soa = soa, Names = editor.Names.ToTable(), Cuts = editor.Cuts };
    }

    static (ServedSet Soa, ServedSet Ns) Apex(ZoneRow zone, string nameServer)
    {
        var master = DnsName.Encode(nameServer);
        var contact = Contact(zone);
        var soa = new byte[master.Length + contact.Length + 20];
        master.CopyTo(soa, 0);
        contact.CopyTo(soa, master.Length);
        var numbers = soa.AsSpan(master.Length + contact.Length);
        var ttl = (uint)zone.DefaultTtlSeconds;
        BinaryPrimitives.WriteUInt32BigEndian(numbers, zone.Serial);
        BinaryPrimitives.WriteUInt32BigEndian(numbers[4..], Refresh);
        BinaryPrimitives.WriteUInt32BigEndian(numbers[8..], Retry);
        BinaryPrimitives.WriteUInt32BigEndian(numbers[12..], Expire);
        BinaryPrimitives.WriteUInt32BigEndian(numbers[16..], ttl);
        return (new(RecordType.SOA, ttl, [soa]), new(RecordType.NS, ttl, [master]));
    }

    // The mailbox as a name (RFC 1035, 8): the local part is one label, dots and all.
    static byte[] Contact(ZoneRow zone)
    {
        var at = zone.Contact.LastIndexOf('@');
        if (at < 0) return DnsName.Encode("hostmaster." + zone.Domain);
        var local = System.Text.Encoding.ASCII.GetBytes(zone.Contact[..at]);
        return [(byte)local.Length, .. local, .. DnsName.Encode(zone.Contact[(at + 1)..].ToLowerInvariant())];
    }
}

/// <summary>Keeps the tree of names whole while records come and go.</summary>
internal sealed class ZoneEditor(byte[] origin, NameTable<ServedName>.Editor names, int cuts)
{
    public NameTable<ServedName>.Editor Names => names;

    public int Cuts { get; private set; } = cuts;

    public void SetApex(ServedSet soa, ServedSet ns)
    {
        var apex = names.Find(origin)!;
        names.Set(origin, apex with { Sets = [soa, ns, .. Own(apex)] });
    }

    public void Replace(byte[] name, ServedSet[] sets)
    {
        if (name.AsSpan().SequenceEqual(origin))
        {
            var apex = names.Find(origin)!;
            names.Set(origin, apex with { Sets = [.. apex.Sets.Where(IsKept), .. sets] });
            return;
        }
        var before = names.Find(name);
        Cuts += Count(sets) - Count(before?.Sets ?? []);
        if (sets.Length > 0)
        {
            if (before is null) AddChild(DnsName.Parent(name).ToArray());
            names.Set(name, new(name, sets, before?.Children ?? 0));
        }
        else if (before is { Children: > 0 }) names.Set(name, before with { Sets = [] });
        else if (before is not null) Remove(name);
    }

    void AddChild(byte[] parent)
    {
        if (names.Find(parent) is { } known)
        {
            names.Set(parent, known with { Children = known.Children + 1 });
            return;
        }
        AddChild(DnsName.Parent(parent).ToArray());
        names.Set(parent, new(parent, [], 1));
    }

    void Remove(byte[] name)
    {
        names.Set(name, null);
        var parent = names.Find(DnsName.Parent(name))!;
        var left = parent with { Children = parent.Children - 1 };
        if (left.Children > 0 || left.Sets.Length > 0) names.Set(parent.Name, left);
        else Remove(parent.Name);
    }

    static bool IsKept(ServedSet set) => set.Type is RecordType.SOA or RecordType.NS;

    static IEnumerable<ServedSet> Own(ServedName apex) => apex.Sets.Where(s => !IsKept(s));

    static int Count(ServedSet[] sets) => sets.Any(s => s.Type == RecordType.NS) ? 1 : 0;
}
