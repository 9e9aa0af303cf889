using Google.Protobuf.WellKnownTypes;
using Monolith.Dns.Serving;
using Monolith.Dns.V1;
using Monolith.Dns.Zones;
using Monolith.Platform.Storage;

namespace Monolith.Dns.RecordSets;

/// <summary>The records of one name and type.</summary>
internal sealed class RecordSetRow : ResourceRow
{
    /// <summary>Immutable.</summary>
    public Guid ZoneUid { get; init; }

    /// <summary>Relative to the zone, <c>@</c> for its apex, lower case. Immutable.</summary>
    public required string Domain { get; init; }

    /// <summary>Immutable.</summary>
    public required string Type { get; init; }

    /// <summary>0: the zone's default.</summary>
    public int TtlSeconds { get; set; }

    /// <summary>Canonical, one a line: no value has a line break in it.</summary>
    public required string Values { get; set; }

    /// <summary>The resource that keeps it, by name; empty: people do.</summary>
    public string Owner { get; set; } = "";

    /// <summary>The incarnation of the owner.</summary>
    public Guid? OwnerUid { get; set; }

    public string[] ValueList => Values.Split('\n');

    public static string NameOf(ZoneRow zone, string domain, string type) => $"{zone.Name}/recordSets/{domain}.{type}";

    public ServedSet ToServed(ZoneRow zone)
    {
        var data = ValueList.Select(v => RecordData.Parse(Type, v).Data
            ?? throw new InvalidDataException($"{Name} holds a value that is none: {v}")).ToList();
        return new(RecordType.Known[Type], (uint)(TtlSeconds > 0 ? TtlSeconds : zone.DefaultTtlSeconds), data,
            Type == "CNAME" ? data[0] : null);
    }

    public RecordSet ToProto() => new()
    {
        Name = Name,
        Uid = Uid.ToString(),
        Etag = Etag,
        Domain = Domain,
        Type = Type,
        TtlSeconds = TtlSeconds,
        Values = { ValueList },
        Owner = Owner,
        CreateTime = CreateTime.ToTimestamp(),
        UpdateTime = UpdateTime.ToTimestamp(),
    };
}

internal static class DnsEvents
{
    public static Zone Emit(this Unit<DnsDb> unit, Change change, ZoneRow row)
    {
        var zone = row.ToProto();
        unit.Emit("zone", change, row.Name, row.Project, zone);
        return zone;
    }

    public static RecordSet Emit(this Unit<DnsDb> unit, Change change, RecordSetRow row)
    {
        var set = row.ToProto();
        unit.Emit("recordSet", change, row.Name, row.Project, set);
        return set;
    }
}
