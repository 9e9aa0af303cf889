using System.Collections.Immutable;
using System.Net;

namespace Monolith.Agent.Network.Filter;

/// <summary>
/// Which addresses stand for which towards the outside. Texts are .NET's canonical ones, of both families. Immutable.
/// </summary>
/// <remarks>
/// A connection keeps the translation that it began with for as long as the kernel remembers it. Hence the pairs: what is
/// translated otherwise than these say is dropped, from the same transaction on that took the address away.
/// </remarks>
internal sealed record NatState
{
    // Before what is made of it.
    private static readonly ImmutableSortedDictionary<string, string> Nothing =
        ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal);

    public static NatState Empty { get; } = new();

    /// <summary>External address to internal: what comes in.</summary>
    public ImmutableSortedDictionary<string, string> Inbound { get; init; } = Nothing;

    /// <summary>Internal address to the external one that is its alone: what goes out of the cloud.</summary>
    public ImmutableSortedDictionary<string, string> Outbound { get; init; } = Nothing;

    /// <summary>Internal address to the external one that it shares: connections that it begins to the outside.</summary>
    public ImmutableSortedDictionary<string, string> Shared { get; init; } = Nothing;

    /// <summary>Every pair of external and internal address that a connection may be translated by.</summary>
    public ImmutableSortedSet<(string External, string Internal)> Pairs { get; init; } = [];

    /// <summary>Prefixes towards which nothing is translated: the cloud's own.</summary>
    public ImmutableSortedSet<string> Inside { get; init; } = [];

    /// <summary>What the plans come to.</summary>
    public static NatState Of(IReadOnlyCollection<PortPlan> plans)
    {
        var (inbound, outbound, shared) = (Nothing.ToBuilder(), Nothing.ToBuilder(), Nothing.ToBuilder());
        // Of several addresses of a port, the first one that is its alone is what it goes out with.
        foreach (var translation in plans.SelectMany(p => p.Translations.OrderBy(t => !t.Inbound)))
        {
            var (external, @internal) = (translation.External.ToString(), translation.Internal.ToString());
            if (translation.Inbound)
            {
                inbound.TryAdd(external, @internal);
                outbound.TryAdd(@internal, external);
            }
            else if (!outbound.ContainsKey(@internal))
            {
                shared.TryAdd(@internal, external);
            }
        }

        return new NatState
        {
            Inbound = inbound.ToImmutable(),
            Outbound = outbound.ToImmutable(),
            Shared = shared.ToImmutable(),
            Pairs = [.. inbound.Select(p => (p.Key, p.Value)), .. outbound.Concat(shared).Select(p => (p.Value, p.Key))],
            Inside = Prefixes.Canonical(plans.SelectMany(p => p.UntranslatedPrefixes)),
        };
    }

    /// <summary>Whether all of a port's translations are there.</summary>
    public bool Has(PortPlan plan)
    {
        var wanted = Of([plan]);
        return wanted.Inbound.All(p => Inbound.GetValueOrDefault(p.Key) == p.Value)
            && wanted.Outbound.All(p => Outbound.GetValueOrDefault(p.Key) == p.Value)
            && wanted.Shared.All(p => Shared.GetValueOrDefault(p.Key) == p.Value) && wanted.Pairs.IsSubsetOf(Pairs);
    }

    /// <summary>With what the kernel has of addresses of ports that nobody has spoken of yet.</summary>
    /// <param name="kept">Internal addresses.</param>
    public NatState Keeping(NatState actual, IReadOnlySet<string> kept)
    {
        static ImmutableSortedDictionary<string, string> With(
            ImmutableSortedDictionary<string, string> map, IEnumerable<KeyValuePair<string, string>> more) =>
            map.AddRange(more.Where(p => !map.ContainsKey(p.Key)));

        return this with
        {
            Inbound = With(Inbound, actual.Inbound.Where(p => kept.Contains(p.Value))),
            Outbound = With(Outbound, actual.Outbound.Where(p => kept.Contains(p.Key))),
            Shared = With(Shared, actual.Shared.Where(p => kept.Contains(p.Key))),
            Pairs = Pairs.Union(actual.Pairs.Where(p => kept.Contains(p.Internal))),
            // Nobody who is known has an outside: what is there was somebody's who is not known yet.
            Inside = Inside.IsEmpty ? actual.Inside : Inside,
        };
    }
}

/// <summary>Prefixes as intervals of a set, which must not overlap. Pure.</summary>
internal static class Prefixes
{
    /// <summary>Without those that lie in another, as nft lists them: a prefix of one address is the address.</summary>
    public static ImmutableSortedSet<string> Canonical(IEnumerable<IPNetwork> prefixes)
    {
        var kept = new List<IPNetwork>();
        foreach (var prefix in prefixes.Distinct().OrderBy(p => p.PrefixLength))
        {
            if (!kept.Exists(k => k.Contains(prefix.BaseAddress)))
                kept.Add(prefix);
        }

        return [.. kept.Select(Text)];
    }

    public static string Text(IPNetwork prefix) =>
        prefix.PrefixLength == prefix.BaseAddress.GetAddressBytes().Length * 8 ? prefix.BaseAddress.ToString() : prefix.ToString();
}
