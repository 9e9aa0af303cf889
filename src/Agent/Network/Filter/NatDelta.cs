using System.Collections.Immutable;
using System.Text;

namespace Monolith.Agent.Network.Filter;

/// <summary>Commands that turn one table of translations into another, as part of a transaction. Pure.</summary>
internal static class NatDelta
{
    private static readonly bool[] Families = [false, true];

    public static void Append(StringBuilder text, NatState actual, NatState target)
    {
        foreach (var v6 in Families)
        {
            var family = v6 ? '6' : '4';
            Elements("inside", s => s.Inside.Where(p => IsV6(p) == v6));
            Elements("pair", s => s.Pairs.Where(p => IsV6(p.Internal) == v6).Select(p => $"{p.External} . {p.Internal}"));
            Elements("dnat", s => s.Inbound.Where(p => IsV6(p.Key) == v6).Select(p => $"{p.Key} : {p.Value}"));
            Elements("snat", s => s.Outbound.Where(p => IsV6(p.Key) == v6).Select(p => $"{p.Key} : {p.Value}"));
            Elements("share", s => s.Shared.Where(p => IsV6(p.Key) == v6).Select(p => $"{p.Key} : {p.Value}"));

            void Elements(string set, Func<NatState, IEnumerable<string>> of) => FilterDelta.Elements(
                text, $"{Skeleton.Table} {set}{family}", of(actual).ToImmutableSortedSet(), of(target).ToImmutableSortedSet());
        }
    }

    private static bool IsV6(string address) => address.Contains(':', StringComparison.Ordinal);
}
