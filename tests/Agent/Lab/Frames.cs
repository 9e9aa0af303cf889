using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Monolith.Agent.Network;
using static Monolith.Agent.Native.Raw.IfEtherConstants;

namespace Monolith.Agent.Tests.Lab;

/// <summary>Frames made by hand, with right checksums: what a guest may send, and what it should not. Pure.</summary>
internal static class Frames
{
    public const byte IcmpProtocol = 1, TcpProtocol = 6, UdpProtocol = 17, IcmpV6Protocol = 58;
    public const byte Syn = 2, SynAck = 0x12;
    public const int EthernetLength = 14;
    private const int Ipv6Length = 40;

    public static byte[] Ethernet(MacAddress to, MacAddress from, ushort type, byte[] payload) =>
        [.. to.ToBytes(), .. from.ToBytes(), .. Big(type), .. payload];

    /// <summary>A packet in a frame, of the family that its addresses have.</summary>
    public static byte[] Ethernet(MacAddress to, MacAddress from, byte[] packet) =>
        Ethernet(to, from, (packet[0] >> 4) == 4 ? ETH_P_IP : ETH_P_IPV6, packet);

    /// <summary>An IP packet of either family.</summary>
    /// <param name="protocol">The last header's; <paramref name="body"/> begins with it.</param>
    /// <param name="options">IPv4 only: a multiple of four bytes.</param>
    public static byte[] Ip(
        IPAddress from, IPAddress to, byte protocol, byte[] body, byte hops = 64, byte[]? options = null)
    {
        if (from.AddressFamily == AddressFamily.InterNetworkV6)
        {
            return
            [
                0x60, 0, 0, 0, .. Big(body.Length), protocol, hops,
                .. from.GetAddressBytes(), .. to.GetAddressBytes(), .. body,
            ];
        }

        options ??= [];
        var length = 20 + options.Length;
        byte[] header =
        [
            (byte)(0x40 | (length / 4)), 0, .. Big(length + body.Length), 0, 1, 0, 0, hops, protocol, 0, 0,
            .. from.GetAddressBytes(), .. to.GetAddressBytes(), .. options,
        ];
        Big(Checksum(header)).CopyTo(header, 10);
        return [.. header, .. body];
    }

    public static byte[] Udp(IPAddress from, IPAddress to, int source, int destination, byte[] data) => Summed(
        from, to, UdpProtocol, [.. Big(source), .. Big(destination), .. Big(8 + data.Length), 0, 0, .. data], 6);

    public static byte[] Tcp(IPAddress from, IPAddress to, int source, int destination, byte flags, byte[] data) => Summed(
        from, to, TcpProtocol,
        [
            .. Big(source), .. Big(destination), 0, 0, 0, 1, 0, 0, 0, flags == SynAck ? (byte)2 : (byte)0, 0x50, flags,
            .. Big(1024), 0, 0, 0, 0, .. data,
        ],
        16);

    /// <summary>ICMP or ICMPv6, by the family; <paramref name="rest"/> follows type, code and checksum.</summary>
    public static byte[] Icmp(IPAddress from, IPAddress to, byte type, byte[] rest) =>
        from.AddressFamily == AddressFamily.InterNetworkV6
            ? Summed(from, to, IcmpV6Protocol, [type, 0, 0, 0, .. rest], 2)
            : Summed(null, null, IcmpProtocol, [type, 0, 0, 0, .. rest], 2);

    /// <summary>ARP over Ethernet; operation 1 asks and 2 answers.</summary>
    public static byte[] Arp(
        int operation, MacAddress sender, IPAddress senderAddress, MacAddress target, IPAddress targetAddress) =>
    [
        0, 1, .. Big(ETH_P_IP), 6, 4, .. Big(operation), .. sender.ToBytes(), .. senderAddress.GetAddressBytes(),
        .. target.ToBytes(), .. targetAddress.GetAddressBytes(),
    ];

    /// <summary>A neighbour advertisement, solicited and overriding, with the target's Ethernet address.</summary>
    public static byte[] NeighbourAdvert(IPAddress from, IPAddress to, IPAddress target, MacAddress mac) => Ip(
        from, to, IcmpV6Protocol,
        Icmp(from, to, 136, [0x60, 0, 0, 0, .. target.GetAddressBytes(), 2, 1, .. mac.ToBytes()]), 255);

    /// <summary>A neighbour solicitation with the asker's Ethernet address.</summary>
    public static byte[] NeighbourSolicit(IPAddress from, IPAddress to, IPAddress target, MacAddress mac) => Ip(
        from, to, IcmpV6Protocol,
        Icmp(from, to, 135, [0, 0, 0, 0, .. target.GetAddressBytes(), 1, 1, .. mac.ToBytes()]), 255);

    /// <summary>Puts an IPv4 header's checksum right after it was changed.</summary>
    public static void Resum(byte[] packet)
    {
        Big(0).CopyTo(packet, 10);
        Big(Checksum(packet.AsSpan(0, (packet[0] & 15) * 4))).CopyTo(packet, 10);
    }

    public static byte[] Big(int value) => [(byte)(value >> 8), (byte)value];

    /// <summary>The protocol of a frame's packet and where its header begins; null for what is no plain packet.</summary>
    public static (byte Protocol, int At)? Transport(ReadOnlySpan<byte> frame)
    {
        if (frame.Length < EthernetLength + 20)
            return null;
        var packet = frame[EthernetLength..];
        return BinaryPrimitives.ReadUInt16BigEndian(frame[12..]) switch
        {
            ETH_P_IP => (packet[9], EthernetLength + ((packet[0] & 15) * 4)),
            ETH_P_IPV6 when packet.Length >= Ipv6Length => (packet[6], EthernetLength + Ipv6Length),
            _ => null,
        };
    }

    private static byte[] Summed(IPAddress? from, IPAddress? to, byte protocol, byte[] segment, int at)
    {
        byte[] pseudo = from is null || to is null
            ? []
            : [.. from.GetAddressBytes(), .. to.GetAddressBytes(), .. Big(segment.Length), 0, protocol];
        var sum = Checksum([.. pseudo, .. segment]);
        Big(sum == 0 && protocol == UdpProtocol ? 0xffff : sum).CopyTo(segment, at);
        return segment;
    }

    /// <summary>RFC 1071.</summary>
    private static int Checksum(ReadOnlySpan<byte> bytes)
    {
        uint sum = 0;
        for (var i = 0; i < bytes.Length; i += 2)
            sum += (uint)((bytes[i] << 8) | (i + 1 < bytes.Length ? bytes[i + 1] : 0));
        while (sum >> 16 != 0)
            sum = (sum & 0xffff) + (sum >> 16);
        return (ushort)~sum;
    }
}
