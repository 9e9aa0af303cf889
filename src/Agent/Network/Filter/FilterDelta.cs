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
        foreach (var limit in target.Limits.Except(actual.Limits))
            text.Append($"add limit {Skeleton.Table} {limit} {{ {LimitText.Body(limit)}; }}\n");
        foreach (var chain in target.Chains.Values.Where(c => !actual.Chains.ContainsKey(c.Name)))
            text.Append($"add chain {Skeleton.Table} {chain.Name} {{ {chain.Body}; }}\n");
        Elements(text, $"{Skeleton.Table} {Skeleton.MacSet}", Macs(actual), Macs(target));
        Elements(
            text, $"{Skeleton.Table} {Skeleton.BindSet4}", Bindings(actual, v6: false), Bindings(target, v6: false));
        Elements(text, $"{Skeleton.Table} {Skeleton.BindSet6}", Bindings(actual, v6: true), Bindings(target, v6: true));
        Elements(text, $"{Skeleton.Table} {Skeleton.RangeSet4}", Ranges(actual, v6: false), Ranges(target, v6: false));
        Elements(text, $"{Skeleton.Table} {Skeleton.RangeSet6}", Ranges(actual, v6: true), Ranges(target, v6: true));
        Elements(text, $"{Skeleton.ArpTable} {Skeleton.ArpSet}", actual.Arp, target.Arp);
        Elements(text, $"{Skeleton.ArpTable} {Skeleton.ArpRangeSet}", actual.ArpRanges, target.ArpRanges);
        Mapped(text, Skeleton.EgressMap, actual, target, p => p.EgressChain, "goto ");
        Mapped(text, Skeleton.IngressMap, actual, target, p => p.IngressChain, "goto ");
        Mapped(text, Skeleton.EgressLimitMap, actual, target, p => p.EgressLimit);
        Mapped(text, Skeleton.IngressLimitMap, actual, target, p => p.IngressLimit);
        NatDelta.Append(text, actual.Nat, target.Nat);
        foreach (var name in actual.Chains.Keys.Where(n => !target.Chains.ContainsKey(n)))
            text.Append($"delete chain {Skeleton.Table} {name}\n");
        foreach (var name in actual.Sets.Keys.Where(n => !target.Sets.ContainsKey(n)))
            text.Append($"delete set {Skeleton.Table} {name}\n");
        foreach (var limit in actual.Limits.Except(target.Limits))
            text.Append($"delete limit {Skeleton.Table} {limit}\n");
        return text.ToString();
    }

    private static void AddSets(StringBuilder text, FilterState actual, FilterState target)
    {
        foreach (var (name, members) in target.Sets)
        {
            if (!actual.Sets.TryGetValue(name, out var now))
            {
                text.Append($"add set {Skeleton.Table} {name} {{ {RuleText.SetType(name)} }}\n");
                now = [];
            }

            Elements(text, $"{Skeleton.Table} {name}", now, members);
        }
    }

    internal static void Elements(
        StringBuilder text, string set, ImmutableSortedSet<string> actual, ImmutableSortedSet<string> target)
    {
        var gone = actual.Except(target);
        var added = target.Except(actual);
        if (gone.Count > 0)
            text.Append($"delete element {set} {{ {string.Join(", ", gone)} }}\n");
        if (added.Count > 0)
            text.Append($"add element {set} {{ {string.Join(", ", added)} }}\n");
    }

    /// <param name="nameOf">The chain or the limit of a port; empty: none.</param>
    private static void Mapped(
        StringBuilder text,
        string map,
        FilterState actual,
        FilterState target,
        Func<PortFilter, string> nameOf,
        string verdict = "")
    {
        string? Name(FilterState state, string tap) =>
            state.Ports.TryGetValue(tap, out var port) && nameOf(port).Length > 0 ? nameOf(port) : null;
        string Element(string tap, string name) =>
            $"{Skeleton.Table} {map} {{ \"{tap}\" : {(verdict.Length > 0 ? verdict + name : $"\"{name}\"")} }}\n";

        foreach (var tap in actual.Ports.Keys.Union(target.Ports.Keys).Order(StringComparer.Ordinal))
        {
            var now = Name(actual, tap);
            var then = Name(target, tap);
            if (now == then)
                continue;
            if (now is not null)
                text.Append("delete element ").Append(Element(tap, now));
            if (then is not null)
                text.Append("add element ").Append(Element(tap, then));
        }
    }

    private static ImmutableSortedSet<string> Macs(FilterState state) =>
        [.. state.Ports.Values.SelectMany(p => p.Macs.Select(m => $"\"{p.Tap}\" . {m}"))];

    internal static ImmutableSortedSet<string> Bindings(FilterState state, bool v6) => Bound(state, v6, p => p.Sources);

    internal static ImmutableSortedSet<string> Ranges(FilterState state, bool v6) => Bound(state, v6, p => p.Ranges);

    private static ImmutableSortedSet<string> Bound(
        FilterState state, bool v6, Func<PortFilter, IEnumerable<(string Mac, string Address)>> sources) =>
        [.. state.Ports.Values.SelectMany(p => sources(p)
            .Where(s => s.Address.Contains(':', StringComparison.Ordinal) == v6)
            .Select(s => $"\"{p.Tap}\" . {s.Mac} . {s.Address}"))];
}
