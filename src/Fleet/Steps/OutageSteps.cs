using System.Diagnostics;
using Monolith.Fleet.Figures;
using Monolith.Fleet.Nodes;

namespace Monolith.Fleet.Steps;

/// <summary>kill -9 of the host; then it is started again, on the same data.</summary>
public sealed record RestartHostStep : Step
{
    /// <summary>How long there is no host.</summary>
    public TimeSpan Down { get; init; }

    /// <summary>How long all agents together may take to be in step, from when the host is ready.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromMinutes(3);

    internal override async Task RunAsync(Stage stage, CancellationToken cancel)
    {
        var host = stage.Host;
        var since = stage.Nodes.Connects;
        await Clock.Of(stage, Name).WhileAsync(RestartAsync());

        async Task RestartAsync()
        {
            await host.KillAsync();
            await Task.Delay(Down, cancel);
            var messages = stage.Messages.Value;
            var start = await host.StartAsync(cancel);
            stage.Board.Add(Name + ".start", start.TotalMilliseconds, "ms");
            var seen = await stage.Nodes.ConvergeAsync(Patience, cancel, since);
            Converged.Add(stage, Name, seen, stage.Messages.Value - messages, stage.Nodes.Nodes);
        }
    }
}

/// <summary>Agents lose their connections in one moment.</summary>
public sealed record ReconnectStep : Step
{
    static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    /// <summary>Of all nodes, more than 0 and at most 1.</summary>
    public double Part { get; init; } = 1;

    internal override IEnumerable<string> Violations
    {
        get
        {
            if (Part is not (> 0 and <= 1)) yield return $"part must be more than 0 and at most 1, and is {Part}";
        }
    }

    internal override Task RunAsync(Stage stage, CancellationToken cancel) =>
        Clock.Of(stage, Name).WhileAsync(ReconnectAsync(stage, cancel));

    async Task ReconnectAsync(Stage stage, CancellationToken cancel)
    {
        var all = stage.Nodes.Connects;
        var chosen = stage.Nodes.Sample(Part);
        var messages = stage.Messages.Value;
        Parallel.ForEach(chosen, node => node.Disconnect());
        stage.Board.Add(Name + ".nodes", chosen.Count);
        var seen = await stage.Nodes.ConvergeAsync(Patience, cancel, chosen.ToDictionary(n => n, n => all[n]));
        Converged.Add(stage, Name, seen, stage.Messages.Value - messages, chosen);
    }
}

/// <summary>Racks lose power, or only their network, and come back.</summary>
public sealed record LoseRacksStep : Step
{
    static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    public int Racks { get; init; } = 1;

    public TimeSpan Down { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>False: VMs and agents run on and cannot reach the host.</summary>
    public bool Power { get; init; } = true;

    internal override IEnumerable<string> Violations
    {
        get
        {
            if (Racks < 1) yield return $"racks must be at least 1, and is {Racks}";
        }
    }

    internal override Task RunAsync(Stage stage, CancellationToken cancel) =>
        Clock.Of(stage, Name).WhileAsync(LoseAsync(stage, cancel));

    async Task LoseAsync(Stage stage, CancellationToken cancel)
    {
        var racks = stage.Nodes.Nodes.Select(n => n.Rack).Distinct().ToArray();
        new Random(stage.Seed).Shuffle(racks);
        var dark = racks.Take(Racks).ToHashSet();
        var lost = stage.Nodes.Nodes.Where(n => dark.Contains(n.Rack)).ToList();
        stage.Say($"        {Name}: {string.Join(", ", dark)}, {lost.Count} nodes");
        stage.Board.Add(Name + ".nodes", lost.Count);
        if (Power) await Task.WhenAll(lost.Select(n => n.LosePowerAsync()));
        else lost.ForEach(n => n.Cut());
        await Task.Delay(Down, cancel);
        var since = lost.ToDictionary(n => n, n => n.Connects);
        var messages = stage.Messages.Value;
        foreach (var node in lost)
            if (Power) node.Start();
            else node.Mend();
        var seen = await stage.Nodes.ConvergeAsync(Patience, cancel, since);
        Converged.Add(stage, Name, seen, stage.Messages.Value - messages, lost);
    }
}

/// <summary>Agents are replaced a few at a time; their VMs run on.</summary>
public sealed record UpgradeStep : Step
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(60), Look = TimeSpan.FromMilliseconds(20);

    public int AtOnce { get; init; } = 50;

    internal override IEnumerable<string> Violations
    {
        get
        {
            if (AtOnce < 1) yield return $"at_once must be at least 1, and is {AtOnce}";
        }
    }

    internal override async Task RunAsync(Stage stage, CancellationToken cancel)
    {
        var (back, failures, messages) = (new Samples(), 0, stage.Messages.Value);
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancel };
        var began = Stopwatch.GetTimestamp();
        await Clock.Of(stage, Name, back, stage.Nodes.Nodes.Count).WhileAsync(
            Parallel.ForEachAsync(stage.Nodes.Nodes, parallel, async (node, stop) =>
            {
                if (await ReplaceAsync(node, stop) is { } took) back.Add(took);
                else
                {
                    Interlocked.Increment(ref failures);
                    stage.Failings.Add($"{node.Name} is not in step {Patience.TotalSeconds:0} s after its upgrade");
                }
            }));
        stage.Board.Add(Name + ".total", Stopwatch.GetElapsedTime(began).TotalMilliseconds, "ms");
        stage.Board.Add(Name + ".back", back);
        stage.Board.Add(Name + ".failures", failures);
        stage.Board.Add(
            Name + ".messages_per_agent", (stage.Messages.Value - messages) / (double)stage.Nodes.Nodes.Count);
    }

    /// <returns>From the old agent's end until the new one is in step; null when it never was.</returns>
    static async Task<TimeSpan?> ReplaceAsync(FleetNode node, CancellationToken cancel)
    {
        await node.StopAsync();
        var began = Stopwatch.GetTimestamp();
        node.Start();
        while (!node.InSync)
        {
            if (Stopwatch.GetElapsedTime(began) > Patience) return null;
            await Task.Delay(Look, cancel);
        }
        return Stopwatch.GetElapsedTime(began);
    }
}

/// <summary>The figures of agents that came back.</summary>
internal static class Converged
{
    /// <param name="seen">When each agent was in step, in order.</param>
    /// <param name="messages">Between all agents and the host meanwhile.</param>
    /// <param name="lost">The nodes that had to come back; each hypervisor has two streams.</param>
    public static void Add(Stage stage, string step, IReadOnlyList<TimeSpan> seen, long messages,
        IReadOnlyCollection<FleetNode> lost)
    {
        stage.Board.Add(step + ".converged", seen.Count == 0 ? 0 : seen[^1].TotalMilliseconds, "ms");
        if (lost.Count == 0) return;
        // Those that were not lost are in step from the beginning and come first.
        var half = seen[Math.Min(seen.Count - 1, seen.Count - lost.Count + (lost.Count / 2))];
        stage.Board.Add(step + ".half_converged", half.TotalMilliseconds, "ms");
        stage.Board.Add(step + ".messages_per_agent", messages / (double)lost.Count);
        stage.Board.Add(step + ".messages_per_stream", messages / (double)lost.Sum(n => n.Streams));
    }
}
