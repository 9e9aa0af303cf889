using System.Net;
using Monolith.Agent.Network;
using Monolith.Agent.Tests.Lab;
using static Monolith.Agent.Tests.Lab.Frames;

namespace Monolith.Agent.Tests.Network.Spoof;

/// <summary>The table of attacks, by what they lie about.</summary>
internal static partial class Attacks
{
    private const string Own4 = "10.64.0.1", Open4 = "10.64.0.2", Far4 = "10.64.0.3", Shut4 = "10.64.0.4";
    private const string Own6 = "fd64::1", Open6 = "fd64::2", Far6 = "fd64::3", Shut6 = "fd64::4", Local6 = "fe80::5054:ff:fe00:1";
    private static readonly MacAddress Own = DataPlaneLab.Plan(1).Mac, Open = DataPlaneLab.Plan(2).Mac;

    public static IReadOnlyList<Attack> All { get; } =
        [.. Sources, .. Arps, .. Neighbours, .. Servers, .. Hidden, .. Framings, .. Targets];

    private static IEnumerable<Attack> Sources =>
    [
        One("another guest's Ethernet source", _ => Ethernet(Gateway.Mac, Open, Datagram(Own4, Far4))),
        One("another guest's Ethernet source, IPv6", _ => Ethernet(Gateway.Mac, Open, Datagram(Own6, Far6))),
        One("the gateway's Ethernet source", _ => Ethernet(Gateway.Mac, Gateway.Mac, Datagram(Own4, Far4))),
        One("a broadcast Ethernet source", _ => Ethernet(Gateway.Mac, MacAddress.Broadcast, Datagram(Own4, Open4))),
        One("a multicast Ethernet source", _ => Ethernet(
            Gateway.Mac, MacAddress.Parse("01:00:5e:00:00:01"), Datagram(Own4, Open4))),
        .. new[]
        {
            Open4, Far4, "10.64.0.99", "10.70.0.1", "10.200.0.1", "10.255.1.1", "169.254.1.1", "169.254.169.254",
            "169.254.7.7", "127.0.0.1", "0.0.0.0", "255.255.255.255", "224.0.0.1", "240.0.0.1",
        }.SelectMany(s => new[] { From(s, Open4), From(s, Far4) }),
        .. new[]
        {
            Open6, Far6, "fd64::99", "fd70::1", "fd20::1", "fd25::1", "fe80::1", Local6, "::", "::1", "ff02::1", "ff0e::1",
            "::ffff:10.64.0.1", "::10.64.0.1", "64:ff9b::a40:1", "2002:a40:1::1",
        }.SelectMany(s => new[] { From(s, Open6), From(s, Far6) }),
        One("another guest's source and Ethernet address", _ => Ethernet(Gateway.Mac, Open, Datagram(Open4, Far4))),
        One("another guest's source and Ethernet address, IPv6", _ => Ethernet(Gateway.Mac, Open, Datagram(Open6, Far6))),
        One("another guest's source, TCP", _ => Plain(Ip(
            At(Open4), At(Far4), TcpProtocol, Tcp(At(Open4), At(Far4), 1, 22, Syn, [])))),
        One("another guest's source, an answer", _ => Plain(Ip(
            At(Open4), At(Far4), TcpProtocol, Tcp(At(Open4), At(Far4), 22, 1, SynAck, [])))),
    ];

    private static IEnumerable<Attack> Arps =>
    [
        Arp("an ARP answer for another guest's address", 2, Own, Open4, Gateway.Mac, "169.254.1.1"),
        Arp("an ARP answer for the gateway's address", 2, Own, "169.254.1.1", Gateway.Mac, "169.254.1.1"),
        Arp("an ARP answer for the metadata address", 2, Own, "169.254.169.254", Gateway.Mac, "169.254.1.1"),
        Arp("an ARP answer for the fabric's address", 2, Own, "10.200.0.2", Gateway.Mac, "169.254.1.1"),
        Arp("an ARP question from another guest's address", 1, Own, Open4, default, "169.254.1.1"),
        Arp("an ARP answer with another's Ethernet address", 2, Open, Own4, Gateway.Mac, "169.254.1.1"),
        Arp("an ARP question with another's Ethernet address", 1, Open, Own4, default, "169.254.1.1"),
        Arp("an ARP answer with a broadcast Ethernet address", 2, MacAddress.Broadcast, Own4, Gateway.Mac, "169.254.1.1"),
        Arp("ARP for its own address to everybody, another guest's", 1, Own, Open4, default, Open4),
        Arp("ARP for its own address to everybody, the gateway's", 1, Own, "169.254.1.1", default, "169.254.1.1"),
        Arp("ARP for its own address to everybody, as an answer", 2, Own, Open4, MacAddress.Broadcast, Open4),
        Arp("an ARP question for another guest", 1, Own, Own4, default, Open4),
        Arp("an ARP question for the hypervisor's uplink", 1, Own, Own4, default, "10.200.0.1"),
        Arp("an ARP probe for another guest's address", 1, Own, "0.0.0.0", default, Open4),
        One("ARP in a frame from another", _ => Ethernet(
            Gateway.Mac, Open, 0x0806, Frames.Arp(2, Own, At(Open4), Gateway.Mac, Gateway.Ipv4))),
        One("reverse ARP", _ => Ethernet(
            MacAddress.Broadcast, Own, 0x8035, Frames.Arp(3, Own, At("0.0.0.0"), Open, At("0.0.0.0")))),
    ];

    /// <summary>Whatever family.</summary>
    private static Attack From(string source, string target) => One(
        $"the source {source} to {(target is Far4 or Far6 ? "another hypervisor" : "a neighbour")}",
        _ => Plain(Datagram(source, target)));

    private static Attack Arp(
        string name, int operation, MacAddress sender, string senderAddress, MacAddress target, string targetAddress) => One(
            name,
            _ => Ethernet(
                operation == 1 ? MacAddress.Broadcast : Gateway.Mac, Own, 0x0806,
                Frames.Arp(operation, sender, At(senderAddress), target, At(targetAddress))));

    private static Attack One(string name, Func<RawGuest, byte[]> frame) => new(name, g => [frame(g)]);

    private static Attack Answered(string name, Func<RawGuest, byte[]> frame) => new(name, g => [frame(g)], IsAnswered: true);

    private static byte[] Plain(byte[] packet) => Ethernet(Gateway.Mac, Own, packet);

    private static byte[] Datagram(string from, string to, int port = 53, int source = 9999) =>
        Ip(At(from), At(to), UdpProtocol, Udp(At(from), At(to), source, port, "lie"u8.ToArray()));

    private static IPAddress At(string address) => IPAddress.Parse(address);
}
