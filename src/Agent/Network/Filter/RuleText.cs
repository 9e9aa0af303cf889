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
        var lines = Lines(direction, rules).Order(StringComparer.Ordinal).Append("counter drop");
        var body = string.Join("; ", lines);
        var digest = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(body)))[..ChainDigestLength];
        return ((direction == RuleDirection.Ingress ? "in_" : "out_") + digest, body);
    }

    /// <summary>
    /// The nft rules of a direction. The kernel tries one after the other for each new connection, and finds one of many in a
    /// set at once: rules that differ in nothing but their ports, or then in nothing but their prefixes, are one.
    /// </summary>
    public static IEnumerable<string> Lines(RuleDirection direction, IEnumerable<RuleSpec> rules) =>
        rules.Where(r => r.Direction == direction)
            .SelectMany(r => Remotes(r).Select(remote => (Remote: remote, Service: ServiceText.Of(r))))
            .GroupBy(m => (m.Remote, m.Service.Whole), m => m.Service.Values)
            .Select(g => (g.Key.Remote, Service: ServiceText.Join(g.Key.Whole, g)))
            .GroupBy(m => (m.Remote.Match, m.Service), m => m.Remote.Prefix)
            .Select(g => string.Join(' ', new[] { Joined(g.Key.Match, g), g.Key.Service, "return" }.Where(p => p.Length > 0)));

    /// <summary>What comes after the match is a prefix, or nothing.</summary>
    private static string Joined(string match, IEnumerable<IPNetwork?> prefixes)
    {
        var all = Prefixes.Canonical(prefixes.OfType<IPNetwork>());
        return all.Count switch { 0 => match, 1 => $"{match} {all[0]}", _ => $"{match} {{ {string.Join(", ", all)} }}" };
    }

    /// <summary>The peers of a rule: a set has one kind for each family.</summary>
    private static IEnumerable<(string Match, IPNetwork? Prefix)> Remotes(RuleSpec rule)
    {
        var side = rule.Direction == RuleDirection.Ingress ? "saddr" : "daddr";
        var only = PlanRules.FamilyOf(rule.Protocol);
        if (rule.RemoteSetId is { } id)
        {
            if (only is null or AddressFamily.InterNetwork)
                yield return ($"ip {side} @{SetName(id, AddressFamily.InterNetwork, rule.IsPrefixSet)}", null);
            if (only is null or AddressFamily.InterNetworkV6)
                yield return ($"ip6 {side} @{SetName(id, AddressFamily.InterNetworkV6, rule.IsPrefixSet)}", null);
        }
        else if (rule.RemotePrefix is not { } prefix)
        {
            yield return (only is { } family ? OfFamily(family) : "", null);
        }
        else
        {
            // nft drops a match of length zero, and with it the family.
            var of = prefix.BaseAddress.AddressFamily;
            yield return prefix.PrefixLength == 0
                ? (OfFamily(of), null)
                : ($"{(of == AddressFamily.InterNetwork ? "ip" : "ip6")} {side}", prefix);
        }
    }

    private static string OfFamily(AddressFamily family) =>
        $"meta nfproto {(family == AddressFamily.InterNetwork ? "ipv4" : "ipv6")}";

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
}
