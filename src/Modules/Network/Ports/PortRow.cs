using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Monolith.Network.V1;
using Monolith.Platform.Storage;

namespace Monolith.Network.Ports;

/// <summary>An interface with its addresses. Who holds an address is said by the book of addresses alone.</summary>
internal sealed class PortRow : ResourceRow
{
    /// <summary>The network's name. Immutable.</summary>
    public required string Network { get; init; }

    /// <summary>Canonical, as <see cref="Words"/>, IPv4 first. The first of each family is immutable.</summary>
    public required string Addresses { get; set; }

    /// <summary>Unique in the cloud. Immutable.</summary>
    public required string MacAddress { get; init; }

    /// <summary>Bytes. Immutable.</summary>
    public int Mtu { get; init; }

    /// <summary>For DHCP. Immutable.</summary>
    public required string Hostname { get; init; }

    /// <summary>Names, as <see cref="Words"/>; <c>PortGroupRow</c> has the same by uid.</summary>
    public string SecurityGroups { get; set; } = "";

    /// <summary>CIDRs that may be sent from as well, as <see cref="Words"/>.</summary>
    public string AllowedPrefixes { get; set; } = "";

    /// <summary>Bits per second; 0: no limit.</summary>
    public long EgressRate { get; set; }

    public long IngressRate { get; set; }

    /// <summary>Addresses, as <see cref="Words"/>, of those that are attached.</summary>
    public string FloatingAddresses { get; set; } = "";

    /// <summary>The network's.</summary>
    public string NatPool { get; set; } = "";

    /// <summary>Addresses, as <see cref="Words"/>, of <see cref="Hypervisor"/>.</summary>
    public string NatAddresses { get; set; } = "";

    /// <summary>As above, of <see cref="SharedWith"/>.</summary>
    public string SharedNatAddresses { get; set; } = "";

    /// <summary>The owner's name; empty for a port made by hand. Immutable.</summary>
    public string Owner { get; init; } = "";

    /// <summary>With <see cref="OwnerIndex"/> unique. Immutable.</summary>
    public Guid? OwnerUid { get; init; }

    public int OwnerIndex { get; init; }

    /// <summary><c>hypervisors/{hypervisor}</c>; empty while unbound.</summary>
    public string Hypervisor { get; set; } = "";

    /// <summary>As <see cref="Hypervisor"/>: makes the port too, for a server that is about to come; else empty.</summary>
    public string SharedWith { get; set; } = "";

    /// <summary>Generation of what the hypervisor is told; rises whenever any of that changes.</summary>
    public long SpecGeneration { get; set; } = 1;

    /// <summary><see cref="SpecGeneration"/> at the last bind: reports on an earlier one are of the past.</summary>
    public long BoundGeneration { get; set; }

    public Port.Types.State State { get; set; } = Port.Types.State.Unbound;

    /// <summary>A serialised Port with nothing but conditions.</summary>
    public byte[] ConditionBytes { get; set; } = [];

    /// <summary>Of the hypervisor's last report; empty when there is none.</summary>
    public string ReportDigest { get; set; } = "";

    public string Node => Platform.Names.ResourceName.LastId(Hypervisor);

    public IReadOnlyList<Api.V1.Condition> Conditions => Port.Parser.ParseFrom(ConditionBytes).Conditions;

    public void SetConditions(IEnumerable<Api.V1.Condition> conditions) =>
        ConditionBytes = new Port { Conditions = { conditions } }.ToByteArray();

    public Port ToProto()
    {
        var port = Port.Parser.ParseFrom(ConditionBytes);
        port.Name = Name;
        port.Uid = Uid.ToString();
        port.Etag = Etag;
        port.Network = Network;
        port.Addresses.Add(Words.Load(Addresses));
        port.MacAddress = MacAddress;
        port.SecurityGroups.Add(Words.Load(SecurityGroups));
        port.Owner = Owner;
        port.Hypervisor = Hypervisor;
        port.State = State;
        port.Mtu = Mtu;
        port.AllowedPrefixes.Add(Words.Load(AllowedPrefixes));
        port.EgressBitsPerSecond = EgressRate;
        port.IngressBitsPerSecond = IngressRate;
        port.FloatingAddresses.Add(Words.Load(FloatingAddresses));
        port.NatAddresses.Add(Words.Load(NatAddresses));
        port.CreateTime = CreateTime.ToTimestamp();
        port.UpdateTime = UpdateTime.ToTimestamp();
        Platform.Names.Labels.Load(Labels, port.Labels);
        return port;
    }
}

/// <summary>What every port's spec takes from options, so that a start with others is noticed. One row.</summary>
internal sealed class PortDefaultsRow
{
    public int Id { get; init; } = 1;
    public required string Fingerprint { get; set; }
}
