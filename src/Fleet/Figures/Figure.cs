namespace Monolith.Fleet.Figures;

/// <summary>One thing that was measured. Immutable.</summary>
/// <param name="Name"><c>step.what.which</c>.</param>
/// <param name="Unit"><c>ms</c>, <c>/s</c>, <c>MiB</c>, <c>%</c>, or empty for a count.</param>
public sealed record Figure(string Name, double Value, string Unit);

/// <summary>A value at a moment of the run.</summary>
/// <param name="At">From the run's start.</param>
public sealed record Point(TimeSpan At, double Value);

/// <summary>What a run found, for its report. Safe for concurrent use.</summary>
internal sealed class Board
{
    readonly Lock gate = new();
    readonly List<Figure> figures = [];
    readonly Dictionary<string, List<Point>> series = [];

    public IReadOnlyList<Figure> Figures
    {
        get
        {
            lock (gate) return [.. figures];
        }
    }

    public IReadOnlyDictionary<string, IReadOnlyList<Point>> Series
    {
        get
        {
            lock (gate) return series.ToDictionary(s => s.Key, s => (IReadOnlyList<Point>)[.. s.Value]);
        }
    }

    public void Add(string name, double value, string unit = "")
    {
        lock (gate) figures.Add(new Figure(name, value, unit));
    }

    public void Add(string name, Samples samples)
    {
        var all = samples.Distribute();
        if (all.Count == 0) return;
        Add(name + ".count", all.Count);
        Add(name + ".p50", all.Percentile(50), "ms");
        Add(name + ".p95", all.Percentile(95), "ms");
        Add(name + ".p99", all.Percentile(99), "ms");
        Add(name + ".max", all.Max, "ms");
    }

    public void Plot(string name, TimeSpan at, double value)
    {
        lock (gate)
        {
            if (!series.TryGetValue(name, out var points)) series[name] = points = [];
            points.Add(new Point(at, value));
        }
    }
}
