using System.Net;
using System.Net.Sockets;

namespace Monolith.Platform.Calls;

/// <summary>Where a call comes from.</summary>
public static class Peer
{
    public static string Text(IPAddress? address) => Own(address)?.ToString() ?? "";

    /// <summary>An address, or the network of one customer: 64 bits of IPv6 are one machine's to choose from.</summary>
    public static string Neighbourhood(IPAddress? address)
    {
        if (Own(address) is not { AddressFamily: AddressFamily.InterNetworkV6 } six) return Text(address);
        var bytes = six.GetAddressBytes();
        bytes.AsSpan(8).Clear();
        return new IPAddress(bytes).ToString();
    }

    // IPv4 over a socket of IPv6 is still IPv4.
    static IPAddress? Own(IPAddress? address) => address is { IsIPv4MappedToIPv6: true } ? address.MapToIPv4() : address;
}
