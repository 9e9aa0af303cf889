using Google.Protobuf.WellKnownTypes;
using Monolith.Network.Addresses;
using Monolith.Network.V1;
using Monolith.Platform.Storage;

namespace Monolith.Network.AddressPools;

/// <summary>Prefixes for one purpose. What is free of them is in <see cref="FreeRangeRow"/>. The project is the one that
/// alone may use it.</summary>
internal sealed class AddressPoolRow : ResourceRow
{
    public AddressPool.Types.Purpose Purpose { get; init; }

    /// <summary>Whose servers alone get its addresses; empty: everybody's. Immutable.</summary>
    public string AvailabilityZone { get; init; } = "";

    /// <summary>CIDRs, as <see cref="Words"/>.</summary>
    public string Prefixes { get; set; } = "";

    /// <summary>Addresses, CIDRs and ranges, as <see cref="Words"/>.</summary>
    public string Exclusions { get; set; } = "";

    public long AddressCount { get; set; }

    /// <summary>Of released addresses; null: the host's.</summary>
    public int? QuarantineSeconds { get; set; }

    public AddressPool.Types.Announcement Announcement { get; set; } = AddressPool.Types.Announcement.HostRoutes;

    public IEnumerable<Cidr> Cidrs => Words.Load(Prefixes).Select(AddressPoolRules.ReadPrefix);

    public bool Has(int family) => Cidrs.Any(c => c.First.Family == family);

    public bool Contains(Ip ip) => Cidrs.Any(c => c.Contains(ip));

    /// <summary>The addresses to give.</summary>
    public List<IpRange> Space => AddressPoolRules.Space(Purpose, Words.Load(Prefixes), Words.Load(Exclusions));

    /// <summary>Those that are never given.</summary>
    public IEnumerable<IpRange> Excluded =>
        AddressPoolRules.Excluded(Purpose, Words.Load(Prefixes), Words.Load(Exclusions));

    public AddressPool ToProto(PoolFigures figures)
    {
        var pool = new AddressPool
        {
            Name = Name,
            Uid = Uid.ToString(),
            Etag = Etag,
            DisplayName = DisplayName,
            Purpose = Purpose,
            AvailabilityZone = AvailabilityZone,
            Owner = Project.Length > 0 ? "projects/" + Project : "",
            Prefixes = { Words.Load(Prefixes) },
            Exclusions = { Words.Load(Exclusions) },
            AddressCount = AddressCount,
            UsedCount = figures.Used,
            ReservedCount = figures.ReservedFree,
            QuarantinedCount = figures.Quarantined,
            FreeCount = figures.FreeOf(AddressCount),
            ExcludedCount = AddressSpace.Count(AddressSpace.Subtract(Cidrs.Select(c => c.Range), Space)),
            Quarantine = QuarantineSeconds is { } seconds ? new Duration { Seconds = seconds } : null,
            Announcement = Announcement,
            Forecast = Forecast.Of(figures.First, figures.Now, figures.Used, figures.FreeOf(AddressCount)).ToProto(),
            CreateTime = CreateTime.ToTimestamp(),
            UpdateTime = UpdateTime.ToTimestamp(),
        };
        Platform.Names.Labels.Load(Labels, pool.Labels);
        return pool;
    }
}
