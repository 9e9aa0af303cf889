namespace Monolith.Network.Ports;

/// <summary>
/// Which sets a node was told of, or is about to be. Too many cost a read; one too few would cost a lost change, hence a
/// set is noted before it is read. Looked up from either side: a set has few nodes, whatever the fleet. Safe for
/// concurrent use.
/// </summary>
internal sealed class SetInterest
{
    readonly Lock gate = new();
    readonly Dictionary<string, HashSet<Guid>> sets = new(StringComparer.Ordinal);
    readonly Dictionary<Guid, HashSet<string>> nodes = [];

    public void Note(string node, IEnumerable<Guid> noted)
    {
        lock (gate)
        {
            foreach (var set in noted)
            {
                if (!sets.TryGetValue(node, out var its)) its = sets[node] = [];
                if (!its.Add(set)) continue;
                if (!nodes.TryGetValue(set, out var holders)) holders = nodes[set] = new(StringComparer.Ordinal);
                holders.Add(node);
            }
        }
    }

    public void Drop(string node, IEnumerable<Guid> dropped)
    {
        lock (gate)
        {
            if (!sets.TryGetValue(node, out var its)) return;
            foreach (var set in dropped)
            {
                if (!its.Remove(set)) continue;
                var holders = nodes[set];
                holders.Remove(node);
                if (holders.Count == 0) nodes.Remove(set);
            }
            if (its.Count == 0) sets.Remove(node);
        }
    }

    public IReadOnlyList<Guid> HeldBy(string node)
    {
        lock (gate) return sets.TryGetValue(node, out var its) ? [.. its] : [];
    }

    public IReadOnlyList<string> HoldersOf(Guid set)
    {
        lock (gate) return nodes.TryGetValue(set, out var holders) ? [.. holders] : [];
    }
}
