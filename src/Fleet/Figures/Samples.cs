namespace Monolith.Fleet.Figures;

/// <summary>Durations of one kind of thing; adding is safe from everywhere.</summary>
internal sealed class Samples
{
    readonly Lock gate = new();
    readonly List<float> milliseconds = [];

    public int Count
    {
        get
        {
            lock (gate) return milliseconds.Count;
        }
    }

    /// <summary>All of them so far, in milliseconds.</summary>
    public IReadOnlyList<float> Milliseconds
    {
        get
        {
            lock (gate) return [.. milliseconds];
        }
    }

    public static Samples Of(IEnumerable<float> milliseconds)
    {
        var samples = new Samples();
        samples.milliseconds.AddRange(milliseconds);
        return samples;
    }

    public void Add(TimeSpan duration)
    {
        lock (gate) milliseconds.Add((float)duration.TotalMilliseconds);
    }

    public Distribution Distribute()
    {
        float[] sorted;
        lock (gate) sorted = [.. milliseconds];
        Array.Sort(sorted);
        return new Distribution(sorted);
    }
}

/// <summary>Sorted durations, in milliseconds. Immutable.</summary>
internal sealed class Distribution(float[] sorted)
{
    public int Count => sorted.Length;

    /// <summary>The least value that at least this part of the samples does not exceed (nearest rank); 0 of none.</summary>
    public double Percentile(double percent) => sorted.Length == 0
        ? 0
        : sorted[Math.Clamp((int)Math.Ceiling(percent / 100 * sorted.Length) - 1, 0, sorted.Length - 1)];

    public double Max => sorted.Length == 0 ? 0 : sorted[^1];
}
