using Monolith.Fleet.Probing;

namespace Monolith.Fleet.Load;

/// <summary>
/// Names in the order in which they came. Asked many times a second with a hundred thousand of them, so that nothing
/// copies them. Safe for concurrent use.
/// </summary>
internal sealed class Alive
{
    readonly Lock gate = new();
    readonly List<string> names = [];
    int first;
    Action<string>? follower;

    public int Count
    {
        get
        {
            lock (gate) return names.Count - first;
        }
    }

    public void Add(string name)
    {
        lock (gate)
        {
            names.Add(name);
            follower?.Invoke(ProbeLines.Came(name));
        }
    }

    /// <summary>Tells all that there are and every change from now on, in order, as lines for a prober.</summary>
    /// <param name="tell">Must neither block nor throw. Null: nobody follows any more.</param>
    public void Follow(Action<string>? tell)
    {
        lock (gate)
        {
            follower = tell;
            for (var i = first; i < names.Count; i++) tell?.Invoke(ProbeLines.Came(names[i]));
        }
    }

    /// <returns>Null when there is none.</returns>
    public string? TakeOldest()
    {
        lock (gate)
        {
            if (first == names.Count) return null;
            var name = names[first++];
            follower?.Invoke(ProbeLines.Went);
            // The front is given back when it is the larger part: each name moves once.
            if (first > 1000 && first > names.Count / 2)
            {
                names.RemoveRange(0, first);
                first = 0;
            }
            return name;
        }
    }

    /// <returns>Null when there is none.</returns>
    public string? Any(Random random)
    {
        lock (gate) return first == names.Count ? null : names[random.Next(first, names.Count)];
    }

    /// <returns>The oldest of them; null when there is none.</returns>
    public string? FirstOf(Predicate<string> which)
    {
        lock (gate)
        {
            var at = names.FindIndex(first, which);
            return at < 0 ? null : names[at];
        }
    }
}
