using Google.Protobuf.WellKnownTypes;
using Monolith.Network.Addresses;
using Monolith.Network.V1;
using Monolith.Platform.Storage;

namespace Monolith.Network.AddressPools;

/// <summary>Prefixes for one purpose. What is free of them is in <see cref="FreeRangeRow"/>.</summary>
internal sealed class AddressPoolRow : ResourceRow
{
    public AddressPool.Types.Purpose Purpose { get; init; }

    /// <summary>CIDRs, as <see cref="Words"/>.</summary>
    public string Prefixes { get; set; } = "";

    /// <summary>Addresses and CIDRs, as <see cref="Words"/>.</summary>
    public string Exclusions { get; set; } = "";

    public long AddressCount { get; set; }

    public IEnumerable<Cidr> Cidrs => Words.Load(Prefixes).Select(AddressPoolRules.ReadPrefix);

    public bool Has(int family) => Cidrs.Any(c => c.First.Family == family);

    public bool Contains(Ip ip) => Cidrs.Any(c => c.Contains(ip));

    /// <summary>The addresses to give.</summary>
    public List<IpRange> Space => AddressPoolRules.Space(Words.Load(Prefixes), Words.Load(Exclusions));

    public AddressPool ToProto(long used)
    {
        var pool = new AddressPool
        {
            Name = Name,
            Uid = Uid.ToString(),
            Etag = Etag,
            DisplayName = DisplayName,
            Purpose = Purpose,
            Prefixes = { Words.Load(Prefixes) },
            Exclusions = { Words.Load(Exclusions) },
            AddressCount = AddressCount,
            UsedCount = used,
            CreateTime = CreateTime.ToTimestamp(),
            UpdateTime = UpdateTime.ToTimestamp(),
        };
        Platform.Names.Labels.Load(Labels, pool.Labels);
        return pool;
    }
}
