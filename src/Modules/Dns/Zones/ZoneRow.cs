using Google.Protobuf.WellKnownTypes;
using Monolith.Dns.V1;
using Monolith.Platform.Storage;

namespace Monolith.Dns.Zones;

/// <summary>A zone. Its records are rows of their own.</summary>
internal sealed class ZoneRow : ResourceRow
{
    /// <summary>Lower case, no trailing dot; unique. Immutable.</summary>
    public required string Domain { get; init; }

    /// <summary>Seconds.</summary>
    public int DefaultTtlSeconds { get; set; }

    public required string Contact { get; set; }

    /// <summary>Rises with every change of the zone or its records, in the same transaction.</summary>
    public uint Serial { get; set; } = 1;

    /// <summary>
    /// A change of what is served. The etag stays: it is of what people write, and a server that comes and goes must
    /// not spoil their edit.
    /// </summary>
    public void Advance(DateTime now)
    {
        // Serials are a circle (RFC 1982); 0 is left out, since some secondaries take it for "none".
        Serial = Serial == uint.MaxValue ? 1 : Serial + 1;
        UpdateTime = now;
    }

    /// <summary>The full name of a record set's relative one.</summary>
    public string Absolute(string relative) => relative == "@" ? Domain : $"{relative}.{Domain}";

    /// <summary>The name relative to this zone, which it lies in.</summary>
    public string Relative(string name) => name.Length == Domain.Length ? "@" : name[..^(Domain.Length + 1)];

    public Zone ToProto()
    {
        var zone = new Zone
        {
            Name = Name,
            Uid = Uid.ToString(),
            Etag = Etag,
            Domain = Domain,
            DefaultTtlSeconds = DefaultTtlSeconds,
            Contact = Contact,
            Serial = Serial,
            CreateTime = CreateTime.ToTimestamp(),
            UpdateTime = UpdateTime.ToTimestamp(),
        };
        Platform.Names.Labels.Load(Labels, zone.Labels);
        return zone;
    }
}
