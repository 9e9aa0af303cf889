namespace Monolith.Agent.Network.Filter;

internal enum FilterChange
{
    /// <summary>The agent made it, and the kernel has it no more.</summary>
    Missing,

    /// <summary>It is not as the agent made it.</summary>
    Altered,

    /// <summary>The agent did not make it.</summary>
    Foreign,
}

/// <summary>Where the kernel's rule set is not the agent's.</summary>
/// <param name="Object"><c>chain inet spoof</c>.</param>
/// <param name="Element">Of a set or map; empty when it is the object itself.</param>
/// <param name="Word">The element's first word, which is a tap's name in sets about taps.</param>
internal readonly record struct FilterDifference(FilterChange Change, string Object, string Element = "", string Word = "")
{
    /// <param name="opaque">Objects whose content the agent does not know.</param>
    public static IReadOnlyList<FilterDifference> Between(Ruleset wanted, Ruleset actual, IReadOnlySet<string> opaque)
    {
        var found = new List<FilterDifference>();
        foreach (var (name, want) in wanted.Objects.OrderBy(o => o.Key, StringComparer.Ordinal))
        {
            if (!actual.Objects.TryGetValue(name, out var has))
            {
                found.Add(new(FilterChange.Missing, name));
                continue;
            }

            if (want.Text != has.Text && !opaque.Contains(name))
                found.Add(new(FilterChange.Altered, name));
            found.AddRange(want.Elements.Where(e => !has.Elements.ContainsKey(e.Key))
                .Select(e => new FilterDifference(FilterChange.Missing, name, e.Key, e.Value)));
            found.AddRange(has.Elements.Where(e => !want.Elements.ContainsKey(e.Key))
                .Select(e => new FilterDifference(FilterChange.Foreign, name, e.Key, e.Value)));
        }

        found.AddRange(actual.Objects.Keys.Where(n => !wanted.Objects.ContainsKey(n)).Order(StringComparer.Ordinal)
            .Select(n => new FilterDifference(FilterChange.Foreign, n)));
        return found;
    }
}
