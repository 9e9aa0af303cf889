using Monolith.Agent.Network;
using Monolith.Agent.Tests.Lab;
using static Monolith.Agent.Tests.Lab.Frames;

namespace Monolith.Agent.Tests.Network.Spoof;

/// <summary>Lies that are wrapped up: in extension headers, fragments, tags, tunnels and options; and where nobody may go.</summary>
internal static partial class Attacks
{
    private const byte HopByHop = 0, RoutingHeader = 43, FragmentHeader = 44, DestinationOptions = 60;

    private static IEnumerable<Attack> Hidden =>
    [
        .. from header in new[] { HopByHop, DestinationOptions }
           from source in new[] { Local6, "fe80::1", Own6 }
           from target in new[] { "ff02::1", Open6 }
           select One(
               $"a router advertisement of {source} to {target} behind extension header {header}",
               _ => Plain(Ip(At(source), At(target), header,
                   [IcmpV6Protocol, 0, 1, 4, 0, 0, 0, 0, .. AdvertBody(source, target)], 255))),
        .. from source in new[] { Local6, "fe80::1", Own6 }
           from target in new[] { "ff02::1", Open6 }
           select new Attack(
               $"a router advertisement of {source} to {target} in fragments",
               _ => Fragments6(source, target, IcmpV6Protocol, AdvertBody(source, target), 8)),
        .. from source in new[] { Local6, Own6 }
           select new Attack(
               $"a router advertisement of {source} in the one fragment",
               _ => Fragments6(source, "ff02::1", IcmpV6Protocol, AdvertBody(source, "ff02::1"), 4000)),
        new("a neighbour advertisement for another guest in fragments", _ => Fragments6(
            Own6, "fe80::1", IcmpV6Protocol, NeighbourAdvert(At(Own6), At("fe80::1"), At(Open6), Own)[40..], 8)),
        new("a router advertisement whose header is behind an extension header of another fragment", _ => Fragments6(
            Local6, "ff02::1", DestinationOptions,
            [IcmpV6Protocol, 0, 1, 4, 0, 0, 0, 0, .. AdvertBody(Local6, "ff02::1")], 8)),
        new("a closed port in fragments, IPv6", _ => Fragments6(
            Own6, Shut6, UdpProtocol, Udp(At(Own6), At(Shut6), 1, 22, new byte[40]), 8)),
        new("a closed port behind an extension header, IPv6", _ => [Plain(Ip(
            At(Own6), At(Shut6), DestinationOptions,
            [UdpProtocol, 0, 1, 4, 0, 0, 0, 0, .. Udp(At(Own6), At(Shut6), 1, 22, new byte[8])]))]),
        new("a closed port in fragments", _ => Fragments4(
            Own4, Shut4, 0x4001, (0, true, ClosedPort[..8]), (8, false, ClosedPort[8..]))),
        new("a closed port under an open one: fragments that overlap", _ => Fragments4(
            Own4, Shut4, 0x4002, (0, true, OpenPort[..24]), (0, false, ClosedPort[..16]))),
        new("a closed port under an open one: the last fragment first", _ => Fragments4(
            Own4, Shut4, 0x4003, (16, false, ClosedPort[16..]), (0, true, OpenPort[..24]), (0, true, ClosedPort[..16]))),
        new("another guest's source in fragments", _ => Fragments4(
            Open4, Far4, 0x4004, (0, true, ClosedPort[..8]), (8, false, ClosedPort[8..]))),
        One("a fragment with no first one", _ => Fragments4(Own4, Open4, 0x4005, (8, false, ClosedPort[8..])).Single()),
        One("a routing header by the gateway", _ => Plain(Ip(
            At(Own6), At("fe80::1"), RoutingHeader,
            [UdpProtocol, 2, 0, 1, 0, 0, 0, 0, .. At("fd25::2").GetAddressBytes(), .. Udp(At(Own6), At("fd25::2"), 1, 22, [])]))),
        .. from kind in new byte[] { 131, 137 }
           from hop in new[] { "169.254.1.1", "10.200.0.1" }
           from to in new[] { "10.255.2.1", "10.255.1.1", Far4 }
           select One(
               $"a source route ({kind}) by {hop} to {to}",
               _ => Plain(Ip(At(Own4), At(hop), UdpProtocol, Udp(At(Own4), At(hop), 1, Scene.HypervisorPort, []), 64,
                   [kind, 7, 4, .. At(to).GetAddressBytes(), 0]))),
        One("another guest's source in an IPv4 tunnel", _ => Plain(Ip(At(Own4), At("169.254.1.1"), 4, Datagram(Open4, Far4)))),
        One("another guest's source in an IPv6 tunnel", _ => Plain(Ip(At(Own6), At("fe80::1"), 41, Datagram(Open6, Far6)))),
        One("another guest's source in a VXLAN tunnel", _ => Plain(Ip(
            At(Own4), At("10.200.0.1"), UdpProtocol,
            Udp(At(Own4), At("10.200.0.1"), 1, 4789, [8, 0, 0, 0, 0, 0, 1, 0, .. Plain(Datagram(Open4, Far4))])))),
    ];

    private static IEnumerable<Attack> Framings =>
    [
        .. from tags in new[] { [1], [0], [100], [0, 0], [1, 2], new[] { 100, 0 } }
           from outer in new[] { 0x8100, 0x88a8 }
           from source in new[] { Open4, Open6 }
           select One(
               $"{source} behind tags {string.Join(' ', tags)} ({outer:x})",
               _ => Tagged(outer, tags, Datagram(source, source == Open4 ? Far4 : Far6))),
        One("its own source behind a tag", _ => Tagged(0x8100, [100], Datagram(Own4, Open4))),
        One("its own source behind two tags", _ => Tagged(0x88a8, [100, 200], Datagram(Own4, Open4))),
        One("straight to another guest's Ethernet address", _ => Ethernet(Open, Own, Datagram(Own4, Open4))),
        One("straight to another guest's Ethernet address, IPv6", _ => Ethernet(Open, Own, Datagram(Own6, Open6))),
        One("to everybody on the wire", _ => Ethernet(MacAddress.Broadcast, Own, Datagram(Open4, Far4))),
        One("an MPLS label", _ => Ethernet(Gateway.Mac, Own, 0x8847, [0, 0, 0x11, 64, .. Datagram(Own4, Open4)])),
        One("a PPPoE discovery", _ => Ethernet(MacAddress.Broadcast, Own, 0x8863, [0x11, 9, 0, 0, 0, 0])),
        One("LLDP", _ => Ethernet(MacAddress.Parse("01:80:c2:00:00:0e"), Own, 0x88cc, [2, 7, 4, .. Own.ToBytes(), 0, 0])),
        One("a spanning tree", _ => Ethernet(
            MacAddress.Parse("01:80:c2:00:00:00"), Own, 38, [0x42, 0x42, 3, .. new byte[35]])),
        One("IPv6 in a frame that says IPv4", _ => Ethernet(Gateway.Mac, Own, 0x0800, Datagram(Open6, Far6))),
        One("IPv4 in a frame that says IPv6", _ => Ethernet(Gateway.Mac, Own, 0x86dd, Datagram(Open4, Far4))),
        One("oversized, another guest's source", _ => Plain(Ip(
            At(Open4), At(Far4), UdpProtocol, Udp(At(Open4), At(Far4), 1, 53, new byte[9000])))),
        Answered("oversized, not to be fragmented", _ => Plain(Ip(
            At(Own6), At(Far6), UdpProtocol, Udp(At(Own6), At(Far6), 1, 53, new byte[9000])))),
        One("as long as a frame can be, another guest's source", _ => Plain(Ip(
            At(Open6), At(Far6), UdpProtocol, Udp(At(Open6), At(Far6), 1, 53, new byte[65000])))),
        One("shorter than it says", _ => Plain(Datagram(Own4, Open4)[..30])),
        One("shorter than it says, IPv6", _ => Plain(Datagram(Own6, Open6)[..50])),
        One("a frame of nothing", _ => Plain(Datagram(Own4, Open4))[..14]),
    ];

    private static IEnumerable<Attack> Targets =>
    [
        .. new[]
        {
            "169.254.1.1", "169.254.169.254", "10.200.0.1", "10.255.1.1", "10.255.2.1", "127.0.0.1", "255.255.255.255",
            "169.254.7.7", "0.0.0.0",
        }.Select(t => One($"to {t}", _ => Plain(Datagram(Own4, t, Scene.HypervisorPort)))),
        .. new[] { "fe80::1", "fd20::1", "fd25::1", "fd25::2", "::1", "fe80::11", "ff02::1", "ff02::2", "ff05::2" }
            .Select(t => One($"to {t}", _ => Plain(Datagram(Own6, t, Scene.HypervisorPort)))),
        One("to fe80::1 from a link-local source", _ => Plain(Datagram(Local6, "fe80::1", Scene.HypervisorPort))),
        One("an echo to all nodes of the link", _ => Ethernet(AllNodes, Own, Ip(
            At(Local6), At("ff02::1"), IcmpV6Protocol, Icmp(At(Local6), At("ff02::1"), 128, [0, 1, 0, 1]), 255))),
        One("an echo to everybody", _ => Ethernet(MacAddress.Broadcast, Own, Ip(
            At(Own4), At("255.255.255.255"), IcmpProtocol, Icmp(At(Own4), At("255.255.255.255"), 8, [0, 1, 0, 1])))),
    ];

    private static byte[] OpenPort => Udp(At(Own4), At(Shut4), 1, Scene.SentinelPort, new byte[40]);

    private static byte[] ClosedPort => Udp(At(Own4), At(Shut4), 1, 22, new byte[40]);

    private static byte[] Tagged(int outer, int[] tags, byte[] packet)
    {
        var inner = tags.Skip(1).SelectMany(t => (byte[])[.. Big(0x8100), .. Big(t)]);
        return Ethernet(
            Gateway.Mac, Own, (ushort)outer,
            [.. Big(tags[0]), .. inner, .. Big((packet[0] >> 4) == 4 ? 0x0800 : 0x86dd), .. packet]);
    }

    private static IEnumerable<byte[]> Fragments6(string source, string target, byte protocol, byte[] body, int size)
    {
        for (var at = 0; at < body.Length; at += size)
        {
            var last = at + size >= body.Length;
            yield return Plain(Ip(At(source), At(target), FragmentHeader,
            [
                protocol, 0, .. Big(at | (last ? 0 : 1)), 0, 0, 0x60, (byte)size, .. body[at..Math.Min(body.Length, at + size)],
            ], 255));
        }
    }

    private static IEnumerable<byte[]> Fragments4(
        string source, string target, int identity, params (int At, bool More, byte[] Body)[] pieces)
    {
        foreach (var (at, more, body) in pieces)
        {
            var packet = Ip(At(source), At(target), UdpProtocol, body);
            Big(identity).CopyTo(packet, 4);
            Big((at / 8) | (more ? 0x2000 : 0)).CopyTo(packet, 6);
            Resum(packet);
            yield return Plain(packet);
        }
    }
}
