using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Monolith.Agent.Network.Advertise;

/// <summary>
/// A router advertisement (RFC 4861 section 4.2, RDNSS of RFC 8106). Pure. It makes the hypervisor the default router
/// and claims no prefix to be on the link: a neighbour of the same /64 is behind the router like everybody else.
/// </summary>
internal static class RouterAdvertisement
{
    public const byte SolicitationType = 133, AdvertisementType = 134;
    private const int HopLimit = 64, RouterLifetimeSeconds = 1800, PrefixLifetimeSeconds = 3600, Prefix = 64;
    private const byte AutonomousFlag = 0x40;

    /// <summary>Whether bytes are a router solicitation: type, code and the least length.</summary>
    public static bool IsSolicitation(ReadOnlySpan<byte> icmp) =>
        icmp.Length >= 8 && icmp[0] == SolicitationType && icmp[1] == 0;

    /// <summary>The ICMPv6 message; its checksum is the kernel's work.</summary>
    public static byte[] Of(PortPlan port)
    {
        var bytes = new List<byte> { AdvertisementType, 0, 0, 0, HopLimit, 0 };
        Add16(bytes, RouterLifetimeSeconds);
        Add32(bytes, 0);
        Add32(bytes, 0);
        bytes.AddRange([1, 1, .. Gateway.Mac.ToBytes()]);
        bytes.AddRange([5, 1, 0, 0]);
        Add32(bytes, (uint)port.Mtu);
        foreach (var address in port.Addresses.Where(a => a.AddressFamily == AddressFamily.InterNetworkV6))
            AddPrefix(bytes, address.GetAddressBytes(), port.Mac);
        AddResolvers(bytes, port);
        return [.. bytes];
    }

    /// <summary>
    /// A guest may form its address from the prefix only where that gives the address it was assigned; with any other
    /// it would be dropped as a spoofer.
    /// </summary>
    private static void AddPrefix(List<byte> bytes, byte[] address, MacAddress mac)
    {
        var autonomous = address.AsSpan(8).SequenceEqual(InterfaceId(mac));
        bytes.AddRange([3, 4, Prefix, autonomous ? AutonomousFlag : (byte)0]);
        Add32(bytes, PrefixLifetimeSeconds);
        Add32(bytes, PrefixLifetimeSeconds);
        Add32(bytes, 0);
        bytes.AddRange(address[..8]);
        bytes.AddRange(new byte[8]);
    }

    /// <summary>Modified EUI-64 (RFC 4291 appendix A).</summary>
    internal static byte[] InterfaceId(MacAddress mac)
    {
        var m = mac.ToBytes();
        return [(byte)(m[0] ^ 2), m[1], m[2], 0xff, 0xfe, m[3], m[4], m[5]];
    }

    private static void AddResolvers(List<byte> bytes, PortPlan port)
    {
        var servers = port.DnsServers.Where(s => s.AddressFamily == AddressFamily.InterNetworkV6).Take(3).ToList();
        if (servers.Count == 0)
            return;
        bytes.AddRange([25, (byte)(1 + (2 * servers.Count)), 0, 0]);
        Add32(bytes, RouterLifetimeSeconds);
        foreach (var server in servers)
            bytes.AddRange(server.GetAddressBytes());
    }

    private static void Add16(List<byte> bytes, ushort value) => bytes.AddRange([(byte)(value >> 8), (byte)value]);

    private static void Add32(List<byte> bytes, uint value)
    {
        Span<byte> four = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(four, value);
        bytes.AddRange(four);
    }
}
