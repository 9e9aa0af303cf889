using System.Collections.Immutable;
using System.Text;

namespace Monolith.Agent.Network.Filter;

/// <summary>
/// Commands that turn one state into another, as one transaction. Pure. Additions come before what refers to them,
/// removals after: sets, chains, elements, then old elements, chains, sets.
/// </summary>
internal static class FilterDelta
{
    /// <returns>nft(8) text; empty when there is nothing to do.</returns>
    public static string Commands(FilterState actual, FilterState target)
    {
        var text = new StringBuilder();
        AddSets(text, actual, target);
        foreach (var chain in target.Chains.Values.Where(c => !actual.Chains.ContainsKey(c.Name)))
            text.Append($"add chain {Skeleton.Table} {chain.Name} {{ {chain.Body}; }}\n");
        Elements(text, $"{Skeleton.Table} {Skeleton.MacSet}", Macs(actual), Macs(target));
        Elements(
            text, $"{Skeleton.Table} {Skeleton.BindSet4}", Bindings(actual, v6: false), Bindings(target, v6: false));
        Elements(text, $"{Skeleton.Table} {Skeleton.BindSet6}", Bindings(actual, v6: true), Bindings(target, v6: true));
        Elements(text, $"{Skeleton.ArpTable} {Skeleton.ArpSet}", actual.Arp, target.Arp);
        Verdicts(text, Skeleton.EgressMap, actual, target, p => p.EgressChain);
        Verdicts(text, Skeleton.IngressMap, actual, target, p => p.IngressChain);
        foreach (var name in actual.Chains.Keys.Where(n => !target.Chains.ContainsKey(n)))
            text.Append($"delete chain {Skeleton.Table} {name}\n");
        foreach (var name in actual.Sets.Keys.Where(n => !target.Sets.ContainsKey(n)))
            text.Append($"delete set {Skeleton.Table} {name}\n");
        return text.ToString();
    }

    private static void AddSets(StringBuilder text, FilterState actual, FilterState target)
    {
        foreach (var (name, members) in target.Sets)
        {
            if (!actual.Sets.TryGetValue(name, out var now))
            {
                var type = name.StartsWith("s4_", StringComparison.Ordinal) ? "ipv4_addr" : "ipv6_addr";
                text.Append($"add set {Skeleton.Table} {name} {{ type {type}; }}\n");
                now = [];
            }

            Elements(text, $"{Skeleton.Table} {name}", now, members);
        }
    }

    private static void Elements(
        StringBuilder text, string set, ImmutableSortedSet<string> actual, ImmutableSortedSet<string> target)
    {
        var gone = actual.Except(target);
        var added = target.Except(actual);
        if (gone.Count > 0)
            text.Append($"delete element {set} {{ {string.Join(", ", gone)} }}\n");
        if (added.Count > 0)
            text.Append($"add element {set} {{ {string.Join(", ", added)} }}\n");
    }

    private static void Verdicts(
        StringBuilder text, string map, FilterState actual, FilterState target, Func<PortFilter, string> chainOf)
    {
        static string? Chain(FilterState state, string tap, Func<PortFilter, string> chainOf) =>
            state.Ports.TryGetValue(tap, out var port) && chainOf(port).Length > 0 ? chainOf(port) : null;

        foreach (var tap in actual.Ports.Keys.Union(target.Ports.Keys).Order(StringComparer.Ordinal))
        {
            var now = Chain(actual, tap, chainOf);
            var then = Chain(target, tap, chainOf);
            if (now == then)
                continue;
            if (now is not null)
                text.Append($"delete element {Skeleton.Table} {map} {{ \"{tap}\" : goto {now} }}\n");
            if (then is not null)
                text.Append($"add element {Skeleton.Table} {map} {{ \"{tap}\" : goto {then} }}\n");
        }
    }

    private static ImmutableSortedSet<string> Macs(FilterState state) =>
        [.. state.Ports.Values.SelectMany(p => p.Macs.Select(m => $"\"{p.Tap}\" . {m}"))];

    internal static ImmutableSortedSet<string> Bindings(FilterState state, bool v6) =>
        [.. state.Ports.Values.SelectMany(p => p.Sources
            .Where(s => s.Address.Contains(':', StringComparison.Ordinal) == v6)
            .Select(s => $"\"{p.Tap}\" . {s.Mac} . {s.Address}"))];
}
