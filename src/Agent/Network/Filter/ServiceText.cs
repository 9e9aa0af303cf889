namespace Monolith.Agent.Network.Filter;

/// <summary>Protocols, ports and types as nft(8) text. Pure.</summary>
internal static class ServiceText
{
    private const int LastPort = 65535;

    /// <summary>What a rule lets through, whoever the other side is.</summary>
    /// <returns>The match of the whole protocol, empty for every protocol; and of it the ports or types, null for all.</returns>
    public static (string Whole, (int First, int Last)? Values) Of(RuleSpec rule) => rule.Protocol switch
    {
        RuleProtocol.Tcp => ("meta l4proto tcp", Ports(rule)),
        RuleProtocol.Udp => ("meta l4proto udp", Ports(rule)),
        RuleProtocol.Icmp => ("meta l4proto icmp", Type(rule)),
        RuleProtocol.IcmpV6 => ("meta l4proto ipv6-icmp", Type(rule)),
        _ => ("", null),
    };

    /// <summary>One match for several of one protocol.</summary>
    public static string Join(string whole, IEnumerable<(int First, int Last)?> values)
    {
        var all = new List<(int First, int Last)>();
        foreach (var value in values.Distinct().OrderBy(v => v?.First ?? -1))
        {
            if (value is not { } next)
                return whole;
            // What overlaps would be refused, and what touches is one.
            if (all.Count > 0 && next.First <= all[^1].Last + 1)
                all[^1] = (all[^1].First, Math.Max(all[^1].Last, next.Last));
            else
                all.Add(next);
        }

        var word = Word(whole);
        return all is [(0, LastPort)] ? whole
            : all.Count == 1 ? $"{word} {Text(all[0])}"
            : $"{word} {{ {string.Join(", ", all.Select(Text))} }}";
    }

    private static string Word(string whole) => whole switch
    {
        "meta l4proto tcp" => "tcp dport",
        "meta l4proto udp" => "udp dport",
        "meta l4proto icmp" => "icmp type",
        _ => "icmpv6 type",
    };

    private static string Text((int First, int Last) value) =>
        value.First == value.Last ? $"{value.First}" : $"{value.First}-{value.Last}";

    private static (int, int)? Ports(RuleSpec rule) => rule.PortMin is { } first ? (first, rule.PortMax ?? first) : null;

    private static (int, int)? Type(RuleSpec rule) => rule.IcmpType is { } type ? (type, type) : null;
}
