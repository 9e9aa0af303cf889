using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

namespace Monolith.Agent.Network.Filter;

/// <summary>
/// The part of the rule set that is the same for every port.
/// <code>
/// guest ─► raw: spoof ──► input: guest_input          (DHCP, ND, echo, metadata; nothing else of the hypervisor)
///                    └──► inbound ─► forward ─► from_guest ─(iifname: verdict)─► out_x ─┐ a match returns
///                         (dnat)            └► to_guest ───(oifname: verdict)─► in_x ──┴► accept ─► outbound (snat)
/// </code>
/// Taps are recognised by their prefix, so that a tap that nobody described yet is closed rather than open. What belongs to
/// one link (link-local addresses, neighbour discovery) is routed to no other, whatever the rules of a port let through; over
/// IPv6 it is dropped before it is routed, since the kernel would look for that neighbour before anybody is asked. Link-local
/// names are a guest's to choose, and each that is heard takes a place in the kernel's table of neighbours, which is the whole
/// machine's: so many a second are heard from each tap. A guest that
/// came from another machine goes on with connections that this kernel sees in their middle, and takes for the guest's own:
/// an address that is shared is for those alone that begin here.
/// </summary>
internal sealed class Skeleton
{
    public const string Table = "inet monolith";
    public const string ArpTable = "arp monolith";
    public const string MacSet = "mac";
    public const string BindSet4 = "bind4", BindSet6 = "bind6", ArpSet = "bind";
    public const string RangeSet4 = "range4", RangeSet6 = "range6", ArpRangeSet = "range";
    public const string EgressLimitMap = "limit_from", IngressLimitMap = "limit_to";
    public const string EgressMap = "egress", IngressMap = "ingress";
    public const string MarkerPrefix = "skeleton_";

    private static readonly string[] BaseChains =
        ["spoof", "input", "guest_input", "forward", "from_guest", "to_guest", "inbound", "outbound"];

    private readonly string text;

    public Skeleton(DataPlaneOptions options)
    {
        text = Text(options);
        Marker = MarkerPrefix + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..16];
    }

    /// <summary>Name of an empty chain that tells which version of this text the kernel has.</summary>
    public string Marker { get; }

    /// <summary>Commands that bring this version in and leave ports, sets and connections alone.</summary>
    /// <param name="oldMarkers">Markers that the kernel has.</param>
    public string Commands(IEnumerable<string> oldMarkers)
    {
        var commands = new StringBuilder(text);
        foreach (var old in oldMarkers.Where(m => m != Marker))
            commands.Append("delete chain ").Append(Table).Append(' ').Append(old).Append('\n');
        return commands.Append("add chain ").Append(Table).Append(' ').Append(Marker).Append('\n').ToString();
    }

    private static string Text(DataPlaneOptions options)
    {
        var tap = $"\"{options.TapPrefix}*\"";
        var up = $"\"{options.UplinkPrefix}*\"";
        var flush = string.Concat(BaseChains.Select(c => $"flush chain {Table} {c}\n"));
        return $$"""
            add table {{Table}}
            add set {{Table}} {{MacSet}} { type ifname . ether_addr; }
            add set {{Table}} {{BindSet4}} { type ifname . ether_addr . ipv4_addr; }
            add set {{Table}} {{BindSet6}} { type ifname . ether_addr . ipv6_addr; }
            add set {{Table}} {{RangeSet4}} { type ifname . ether_addr . ipv4_addr; flags interval; }
            add set {{Table}} {{RangeSet6}} { type ifname . ether_addr . ipv6_addr; flags interval; }
            add set {{Table}} inside4 { type ipv4_addr; flags interval; }
            add set {{Table}} inside6 { type ipv6_addr; flags interval; }
            add set {{Table}} pair4 { type ipv4_addr . ipv4_addr; }
            add set {{Table}} pair6 { type ipv6_addr . ipv6_addr; }
            add map {{Table}} dnat4 { type ipv4_addr : ipv4_addr; }
            add map {{Table}} dnat6 { type ipv6_addr : ipv6_addr; }
            add map {{Table}} snat4 { type ipv4_addr : ipv4_addr; }
            add map {{Table}} snat6 { type ipv6_addr : ipv6_addr; }
            add map {{Table}} share4 { type ipv4_addr : ipv4_addr; }
            add map {{Table}} share6 { type ipv6_addr : ipv6_addr; }
            add set {{Table}} strangers { type ifname; size 65535; flags dynamic,timeout; timeout 1m; }
            add map {{Table}} {{EgressLimitMap}} { type ifname : limit; }
            add map {{Table}} {{IngressLimitMap}} { type ifname : limit; }
            add map {{Table}} {{EgressMap}} { type ifname : verdict; }
            add map {{Table}} {{IngressMap}} { type ifname : verdict; }
            add chain {{Table}} spoof { type filter hook prerouting priority raw; policy accept; }
            add chain {{Table}} input { type filter hook input priority filter; policy accept; }
            add chain {{Table}} forward { type filter hook forward priority filter; policy drop; }
            add chain {{Table}} inbound { type nat hook prerouting priority dstnat; policy accept; }
            add chain {{Table}} outbound { type nat hook postrouting priority srcnat; policy accept; }
            add chain {{Table}} guest_input
            add chain {{Table}} from_guest
            add chain {{Table}} to_guest
            {{flush}}
            table {{Table}} {
              chain spoof {
                iifname != {{tap}} accept
                ip6 daddr fe80::/10 ip6 daddr != {{Gateway.Ipv6}} counter drop
                meta nfproto ipv4 iifname . ether saddr . ip saddr @{{BindSet4}} accept
                meta nfproto ipv6 iifname . ether saddr . ip6 saddr @{{BindSet6}} accept
                iifname . ether saddr != @{{MacSet}} counter drop
                {{Protected(options.ProtectedPrefixes, "saddr")}}
                meta nfproto ipv4 iifname . ether saddr . ip saddr @{{RangeSet4}} accept
                meta nfproto ipv6 iifname . ether saddr . ip6 saddr @{{RangeSet6}} accept
                ip saddr 0.0.0.0 ip daddr 255.255.255.255 udp sport 68 udp dport 67 accept
                ip6 saddr {{Gateway.Ipv6}} counter drop
                ip6 saddr :: icmpv6 type { nd-neighbor-solicit, nd-router-solicit } ip6 hoplimit 255 accept
                ip6 saddr fe80::/10 update @strangers { iifname limit rate over 20/second burst 60 packets } counter drop
                ip6 saddr fe80::/10 icmpv6 type {
                    nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit, echo-request, echo-reply } accept
                counter drop
              }
              chain input {
                iifname {{tap}} jump guest_input
                iifname {{up}} ip daddr 169.254.0.0/16 counter drop
              }
              chain guest_input {
                ct state invalid drop
                ct state established,related accept
                udp sport 68 udp dport 67 meta nfproto ipv4 accept
                icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit } ip6 hoplimit 255 accept
                ip6 daddr {{Gateway.Ipv6}} icmpv6 type echo-request accept
                ip daddr {{Gateway.Ipv4}} icmp type echo-request accept
                ip daddr {{Gateway.Metadata}} tcp dport 80 accept
                counter drop
              }
              chain inbound {
                dnat ip to ip daddr map @dnat4
                dnat ip6 to ip6 daddr map @dnat6
              }
              chain outbound {
                oifname != {{up}} accept
                ip daddr @inside4 accept
                ip6 daddr @inside6 accept
                snat ip to ip saddr map @snat4
                snat ip6 to ip6 saddr map @snat6
                tcp flags & (fin | syn | rst | ack) != syn accept
                snat ip to ip saddr map @share4
                snat ip6 to ip6 saddr map @share6
              }
              chain forward {
                iifname {{tap}} limit name iifname map @{{EgressLimitMap}} counter drop
                oifname {{tap}} limit name oifname map @{{IngressLimitMap}} counter drop
                iifname != {{tap}} iifname != {{up}} counter drop
                oifname != {{tap}} oifname != {{up}} counter drop
                iifname {{up}} oifname {{up}} counter drop
                ip daddr 169.254.0.0/16 counter drop
                icmpv6 type {
                    nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert, nd-redirect } counter drop
                ct state invalid counter drop
                ct status dnat ct direction original ct original ip daddr . ip daddr != @pair4 counter drop
                ct status dnat ct direction original ct original ip6 daddr . ip6 daddr != @pair6 counter drop
                ct status snat ct direction original ct reply ip daddr . ip saddr != @pair4 counter drop
                ct status snat ct direction original ct reply ip6 daddr . ip6 saddr != @pair6 counter drop
                ct state established,related accept
                {{Protected(options.ProtectedPrefixes, "daddr", $"iifname {tap} ")}}
                iifname {{tap}} jump from_guest
                oifname {{tap}} jump to_guest
                accept
              }
              chain from_guest {
                udp sport 67 udp dport 68 counter drop
                udp sport 547 udp dport 546 counter drop
                iifname vmap @{{EgressMap}}
                counter drop
              }
              chain to_guest {
                oifname vmap @{{IngressMap}}
                counter drop
              }
            }
            add table {{ArpTable}}
            add set {{ArpTable}} {{ArpSet}} { type ifname . ether_addr . ipv4_addr; }
            add set {{ArpTable}} {{ArpRangeSet}} { type ifname . ether_addr . ipv4_addr; flags interval; }
            add chain {{ArpTable}} input { type filter hook input priority filter; policy accept; }
            flush chain {{ArpTable}} input
            table {{ArpTable}} {
              chain input {
                iifname != {{tap}} accept
                arp daddr ip != { {{Gateway.Ipv4}}, {{Gateway.Metadata}} } counter drop
                iifname . arp saddr ether . arp saddr ip @{{ArpSet}} accept
                iifname . arp saddr ether . arp saddr ip @{{ArpRangeSet}} accept
                counter drop
              }
            }

            """;
    }

    private static string Protected(IEnumerable<IPNetwork> prefixes, string side, string from = "")
    {
        var lines = prefixes.OrderBy(p => p.ToString(), StringComparer.Ordinal).Select(
            p => $"{from}{Family(p)} {side} {p} counter drop");
        return string.Join("\n    ", lines);
    }

    private static string Family(IPNetwork prefix) =>
        prefix.BaseAddress.AddressFamily == AddressFamily.InterNetwork ? "ip" : "ip6";
}
