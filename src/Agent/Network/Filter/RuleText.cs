using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

namespace Monolith.Agent.Network.Filter;

/// <summary>Rules as nft(8) text. Pure; plans are checked before they come here.</summary>
internal static class RuleText
{
    private const int ChainDigestLength = 16;

    /// <summary>
    /// The chain that holds a port's rules of one direction. Its name is a digest of its content: ports with the same
    /// rules share it, and the name alone tells which rules the kernel has.
    /// </summary>
    /// <remarks>
    /// A match returns, so that traffic between two guests of one machine passes the sender's and then the receiver's
    /// rules. All rules allow, hence their order says nothing and is made canonical.
    /// </remarks>
    public static (string Name, string Body) Chain(RuleDirection direction, IEnumerable<RuleSpec> rules)
    {
        var lines = rules.Where(r => r.Direction == direction)
            .SelectMany(Lines)
            .Distinct()
            .Order(StringComparer.Ordinal)
            .Append("counter drop");
        var body = string.Join("; ", lines);
        var digest = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(body)))[..ChainDigestLength];
        return ((direction == RuleDirection.Ingress ? "in_" : "out_") + digest, body);
    }

    /// <summary>The nft rules of one rule: a set has one for each family.</summary>
    public static IEnumerable<string> Lines(RuleSpec rule)
    {
        var side = rule.Direction == RuleDirection.Ingress ? "saddr" : "daddr";
        var only = PlanRules.FamilyOf(rule.Protocol);
        if (rule.RemoteSetId is { } id)
        {
            if (only is null or AddressFamily.InterNetwork)
                yield return Line($"ip {side} @{SetName(id, AddressFamily.InterNetwork, rule.IsPrefixSet)}", rule);
            if (only is null or AddressFamily.InterNetworkV6)
                yield return Line($"ip6 {side} @{SetName(id, AddressFamily.InterNetworkV6, rule.IsPrefixSet)}", rule);
            yield break;
        }

        yield return Line(Remote(rule.RemotePrefix, side, only), rule);
    }

    /// <param name="ofPrefixes">The kernel keeps those as intervals.</param>
    public static string SetName(string setId, AddressFamily family, bool ofPrefixes = false) =>
        $"{(ofPrefixes ? 'p' : 's')}{(family == AddressFamily.InterNetwork ? '4' : '6')}_{setId}";

    /// <summary>All names that a set can have, of either kind.</summary>
    public static IEnumerable<string> SetNames(string setId) =>
        Kinds.Select(k => SetName(setId, k.Family, k.OfPrefixes));

    private static readonly (AddressFamily Family, bool OfPrefixes)[] Kinds =
    [
        (AddressFamily.InterNetwork, false), (AddressFamily.InterNetworkV6, false),
        (AddressFamily.InterNetwork, true), (AddressFamily.InterNetworkV6, true),
    ];

    /// <summary>The set's declaration, by its name.</summary>
    public static string SetType(string name) =>
        $"type {(name[1] == '4' ? "ipv4_addr" : "ipv6_addr")};{(name[0] == 'p' ? " flags interval;" : "")}";

    private static string Line(string remote, RuleSpec rule) =>
        string.Join(' ', new[] { remote, Service(rule), "return" }.Where(p => p.Length > 0));

    private static string Remote(IPNetwork? prefix, string side, AddressFamily? only)
    {
        if (prefix is not { } network)
            return only is { } family ? $"meta nfproto {(family == AddressFamily.InterNetwork ? "ipv4" : "ipv6")}" : "";
        var isV4 = network.BaseAddress.AddressFamily == AddressFamily.InterNetwork;
        // nft drops a match of length zero, and with it the family.
        return network.PrefixLength == 0
            ? $"meta nfproto {(isV4 ? "ipv4" : "ipv6")}"
            : $"{(isV4 ? "ip" : "ip6")} {side} {network}";
    }

    private static string Service(RuleSpec rule) => rule.Protocol switch
    {
        RuleProtocol.Tcp => Ports("tcp", rule),
        RuleProtocol.Udp => Ports("udp", rule),
        RuleProtocol.Icmp => rule.IcmpType is { } type ? $"icmp type {type}" : "meta l4proto icmp",
        RuleProtocol.IcmpV6 => rule.IcmpType is { } type ? $"icmpv6 type {type}" : "meta l4proto ipv6-icmp",
        _ => "",
    };

    private static string Ports(string protocol, RuleSpec rule)
    {
        if (rule.PortMin is not { } first)
            return $"meta l4proto {protocol}";
        var last = rule.PortMax ?? first;
        if (first == 0 && last == 65535)
            return $"meta l4proto {protocol}";
        return first == last ? $"{protocol} dport {first}" : $"{protocol} dport {first}-{last}";
    }
}
