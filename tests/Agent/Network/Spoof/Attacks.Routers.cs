using Monolith.Agent.Network;
using Monolith.Agent.Tests.Lab;
using static Monolith.Agent.Tests.Lab.Frames;

namespace Monolith.Agent.Tests.Network.Spoof;

/// <summary>Who says that he is another's neighbour, a router, or a server that configures others.</summary>
internal static partial class Attacks
{
    private const byte RouterAdvert = 134, NeighbourSolicitType = 135, NeighbourAdvertType = 136, Redirect6 = 137;
    private static readonly MacAddress AllNodes = MacAddress.Parse("33:33:00:00:00:01");

    private static IEnumerable<Attack> Neighbours =>
    [
        .. from source in new[] { Own6, Local6, Open6, "fe80::1" }
           from target in new[] { Open6, Far6, "fe80::1", "fd20::2", "fe80::12" }
           select One(
               $"a neighbour advertisement of {source} for {target}",
               _ => Plain(NeighbourAdvert(At(source), At("fe80::1"), At(target), Own))),
        One("a neighbour advertisement to all nodes", _ => Ethernet(
            AllNodes, Own, NeighbourAdvert(At(Local6), At("ff02::1"), At(Open6), Own))),
        One("a neighbour advertisement to a neighbour", _ => Plain(NeighbourAdvert(At(Own6), At(Open6), At(Own6), Own))),
        One("its own address at another's Ethernet address", _ => Plain(
            NeighbourAdvert(At(Own6), At("fe80::1"), At(Own6), Open))),
        One("its own address at another's Ethernet address, from its link-local one", _ => Plain(
            NeighbourAdvert(At(Local6), At("fe80::1"), At(Own6), Open))),
        One("a neighbour solicitation from another guest's address", _ => Plain(
            NeighbourSolicit(At(Open6), At("fe80::1"), At("fe80::1"), Own))),
        One("a neighbour solicitation from the gateway's address", _ => Plain(
            NeighbourSolicit(At("fe80::1"), At("fe80::1"), At("fe80::1"), Own))),
        One("a neighbour solicitation for another guest", _ => Ethernet(
            MacAddress.Parse("33:33:ff:00:00:02"), Own, NeighbourSolicit(At(Own6), At("ff02::1:ff00:2"), At(Open6), Own))),
        One("a neighbour solicitation to a neighbour", _ => Plain(NeighbourSolicit(At(Own6), At(Open6), At(Open6), Own))),
        Answered("a neighbour solicitation with another's Ethernet address", _ => Plain(
            NeighbourSolicit(At(Own6), At("fe80::1"), At("fe80::1"), Open))),
        One("a neighbour solicitation that was routed", _ => Plain(Ip(
            At(Local6), At("fe80::1"), IcmpV6Protocol,
            Icmp(At(Local6), At("fe80::1"), NeighbourSolicitType, [0, 0, 0, 0, .. At("fe80::1").GetAddressBytes()]), 254))),
        Answered("the gateway's address, as if it were to be one's own", _ => Ethernet(
            MacAddress.Parse("33:33:ff:00:00:01"), Own, Ip(
                At("::"), At("ff02::1:ff00:1"), IcmpV6Protocol,
                Icmp(At("::"), At("ff02::1:ff00:1"), NeighbourSolicitType, [0, 0, 0, 0, .. At("fe80::1").GetAddressBytes()]),
                255))),
        .. from source in new[] { Local6, "fe80::1", Own6, Open6 }
           from target in new[] { "ff02::1", "fe80::1", Open6, Far6 }
           select One($"a router advertisement of {source} to {target}", _ => Advert(source, target)),
        One("a redirect of the gateway", _ => Plain(Redirect("fe80::1", Open6))),
        One("a redirect of its own", _ => Plain(Redirect(Own6, Open6))),
        One("a redirect to the hypervisor", _ => Plain(Redirect(Local6, "fe80::1"))),
        One("an IPv4 redirect of the gateway", _ => Plain(Redirect4("169.254.1.1", Open4))),
        One("an IPv4 redirect to a neighbour", _ => Plain(Redirect4(Own4, Open4))),
        One("an IPv4 redirect to the hypervisor", _ => Plain(Redirect4(Own4, "169.254.1.1"))),
    ];

    private static IEnumerable<Attack> Servers =>
    [
        .. from source in new[] { Own4, "169.254.1.1", "0.0.0.0" }
           from target in new[] { Open4, Far4, "255.255.255.255" }
           select One($"a DHCP answer of {source} to {target}", _ => Dhcp(source, target)),
        .. from source in new[] { Own6, Local6, "fe80::1" }
           from target in new[] { Open6, Far6, "ff02::1" }
           select One($"a DHCPv6 answer of {source} to {target}", _ => Plain(Datagram(source, target, 546, 547))),
        One("a DHCP question with another's Ethernet address", _ => Ethernet(
            MacAddress.Broadcast, Open, Datagram("0.0.0.0", "255.255.255.255", 67, 68))),
        One("an announcement of a router by OSPF", _ => Ethernet(
            MacAddress.Parse("01:00:5e:00:00:05"), Own, Ip(At(Own4), At("224.0.0.5"), 89, new byte[44], 1))),
        One("VRRP for the gateway", _ => Ethernet(
            MacAddress.Parse("01:00:5e:00:00:12"), Own, Ip(At(Own4), At("224.0.0.18"), 112, new byte[20], 255))),
        One("a membership of a group", _ => Ethernet(
            MacAddress.Parse("01:00:5e:00:00:16"), Own,
            Ip(At(Own4), At("224.0.0.22"), 2, new byte[16], 1, [0x94, 4, 0, 0]))),
        One("a name by multicast", _ => Ethernet(
            MacAddress.Parse("01:00:5e:00:00:fb"), Own, Datagram(Own4, "224.0.0.251", 5353))),
        One("a name by multicast, IPv6", _ => Ethernet(
            MacAddress.Parse("33:33:00:00:00:fb"), Own, Datagram(Own6, "ff02::fb", 5353))),
    ];

    private static byte[] Advert(string source, string target)
    {
        var packet = Ip(At(source), At(target), IcmpV6Protocol, AdvertBody(source, target), 255);
        return target == "ff02::1" ? Ethernet(AllNodes, Own, packet) : Plain(packet);
    }

    /// <summary>The attacker as the default router, and a prefix on the link.</summary>
    private static byte[] AdvertBody(string source, string target) => Icmp(At(source), At(target), RouterAdvert,
    [
        64, 0, 0x07, 0x08, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, .. Own.ToBytes(),
        3, 4, 64, 0xc0, 0, 0, 0x0e, 0x10, 0, 0, 0x0e, 0x10, 0, 0, 0, 0, .. At("fd66::").GetAddressBytes(),
    ]);

    private static byte[] Redirect(string source, string target) => Ip(At(source), At(target), IcmpV6Protocol,
        Icmp(At(source), At(target), Redirect6,
            [0, 0, 0, 0, .. At(Local6).GetAddressBytes(), .. At(Far6).GetAddressBytes(), 2, 1, .. Own.ToBytes()]), 255);

    private static byte[] Redirect4(string source, string target) => Ip(At(source), At(target), IcmpProtocol,
        Icmp(At(source), At(target), 5, [.. At(Own4).GetAddressBytes(), .. Datagram(target, Far4)]));

    /// <summary>An offer of an address, from one who gives none.</summary>
    private static byte[] Dhcp(string source, string target)
    {
        byte[] offer =
        [
            2, 1, 6, 0, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0, .. At("10.66.0.1").GetAddressBytes(), .. new byte[8],
            .. Open.ToBytes(), .. new byte[202], 99, 130, 83, 99, 53, 1, 2, 255,
        ];
        var packet = Ip(At(source), At(target), UdpProtocol, Udp(At(source), At(target), 67, 68, offer));
        return target == "255.255.255.255" ? Ethernet(MacAddress.Broadcast, Own, packet) : Plain(packet);
    }
}
