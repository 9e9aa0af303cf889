using Google.Protobuf.WellKnownTypes;
using Monolith.Platform.Storage;

namespace Monolith.Network.Networks;

/// <summary>A policy for new ports.</summary>
internal sealed class NetworkRow : ResourceRow
{
    /// <summary>Names, as <see cref="Words"/>, in the order in which they are tried. Immutable.</summary>
    public required string AddressPools { get; init; }

    /// <summary>Bytes.</summary>
    public int Mtu { get; set; }

    /// <summary>Addresses, as <see cref="Words"/>; empty for the cloud's, which may change.</summary>
    public string DnsServers { get; set; } = "";

    /// <summary>Names, as <see cref="Words"/>.</summary>
    public string SecurityGroups { get; set; } = "";

    /// <summary>A pool's name; empty: nobody is translated.</summary>
    public string NatAddressPool { get; set; } = "";

    public V1.Network ToProto()
    {
        var network = new V1.Network
        {
            Name = Name,
            Uid = Uid.ToString(),
            Etag = Etag,
            DisplayName = DisplayName,
            AddressPools = { Words.Load(AddressPools) },
            Mtu = Mtu,
            DnsServers = { Words.Load(DnsServers) },
            SecurityGroups = { Words.Load(SecurityGroups) },
            NatAddressPool = NatAddressPool,
            CreateTime = CreateTime.ToTimestamp(),
            UpdateTime = UpdateTime.ToTimestamp(),
        };
        Platform.Names.Labels.Load(Labels, network.Labels);
        return network;
    }
}
