using Monolith.Network.Addresses;
using Protocol = Monolith.Network.V1.SecurityRule.Types.Protocol;

namespace Monolith.Network.Reachability;

/// <summary>The first packet of a connection. Immutable.</summary>
/// <param name="Protocol">TCP, UDP or ICMP.</param>
/// <param name="Port">The destination's; 0 for ICMP.</param>
/// <param name="IcmpType">For ICMP.</param>
internal sealed record Packet(Ip Source, Ip Destination, Protocol Protocol, int Port, int IcmpType)
{
    public override string ToString() => Protocol == Protocol.Icmp
        ? $"ICMP type {IcmpType}"
        : $"{(Protocol == Protocol.Tcp ? "TCP" : "UDP")} port {Port}";
}
