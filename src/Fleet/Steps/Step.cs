using System.Diagnostics;
using Monolith.Fleet.Figures;
using Monolith.Fleet.Hosts;
using Monolith.Fleet.Load;
using Monolith.Fleet.Nodes;

namespace Monolith.Fleet.Steps;

/// <summary>What steps act on.</summary>
internal sealed record Stage(HostProcess Host, Cloud Cloud, Population Population, NodeFleet Nodes, MessageCount Messages,
    ImageCount Images, Board Board, Action<string> Say)
{
    readonly long began = Stopwatch.GetTimestamp();

    /// <summary>The scenario's: the same seed throws the same dice.</summary>
    public int Seed { get; init; }

    public TimeSpan Elapsed => Stopwatch.GetElapsedTime(began);

    /// <summary>Servers and calls that did not become what they should; each is a line of the report.</summary>
    public Failings Failings { get; } = new();
}

/// <summary>What went wrong, counted; the first few in words.</summary>
internal sealed class Failings
{
    const int Kept = 20;
    readonly Lock gate = new();
    readonly List<string> first = [];
    int count;

    public int Count => Volatile.Read(ref count);

    public IReadOnlyList<string> First
    {
        get
        {
            lock (gate) return [.. first];
        }
    }

    public void Add(string what)
    {
        Interlocked.Increment(ref count);
        lock (gate)
            if (first.Count < Kept) first.Add(what);
    }
}

/// <summary>One thing that a scenario does, with its parameters. Immutable.</summary>
public abstract record Step
{
    /// <summary>How figures of this step begin. Default: its kind.</summary>
    public string Name { get; init; } = "";

    /// <summary>Which of the scenario's steps it is, from 0.</summary>
    internal int Index { get; init; }

    /// <summary>Whether probes ask beside it.</summary>
    internal virtual bool IsProbed => true;

    /// <summary>What its parameters must be and are not, each in words that begin with the parameter.</summary>
    internal virtual IEnumerable<string> Violations => [];

    internal abstract Task RunAsync(Stage stage, CancellationToken cancel);
}
