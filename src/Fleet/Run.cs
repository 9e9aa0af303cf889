using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Monolith.Fleet.Figures;
using Monolith.Fleet.Hosts;
using Monolith.Fleet.Load;
using Monolith.Fleet.Nodes;
using Monolith.Fleet.Probing;
using Monolith.Fleet.Scenarios;
using Monolith.Fleet.Steps;
using Monolith.Identity.V1;

namespace Monolith.Fleet;

/// <summary>What a run found. Immutable.</summary>
internal sealed record Findings(
    Scenario Scenario, DateTimeOffset Began, TimeSpan Took, IReadOnlyList<Figure> Figures,
    IReadOnlyDictionary<string, IReadOnlyList<Point>> Series, IReadOnlyList<(string Step, TimeSpan From)> Steps,
    IReadOnlyList<string> Failings, string? Ended)
{
    /// <summary>What it ran on.</summary>
    public Machine? Machine { get; init; }

    /// <summary>Every threshold holds, and the run came to its end.</summary>
    public bool Passed => Ended is null && Scenario.Thresholds.All(t => t.Holds(Figures) == true);
}

/// <summary>Plays a scenario: joins the fleet, then step after step.</summary>
internal sealed class Run(Scenario scenario, HostProcess host, string directory, ILoggerFactory loggers, Action<string> say)
{
    static readonly TimeSpan JoinPatience = TimeSpan.FromMinutes(3);
    readonly Board board = new();
    readonly List<(string, TimeSpan)> steps = [];

    public async Task<Findings> PlayAsync(CancellationToken cancel)
    {
        var (began, at, machine) = (TimeProvider.System.GetUtcNow(), Stopwatch.GetTimestamp(), Machine.Now());
        using var cloud = new Cloud(host);
        using var messages = new MessageCount();
        using var images = new ImageCount();
        await using var nodes = new NodeFleet(scenario.Fleet, loggers);
        await using var watch = new ServerWatch(cloud);
        var population = new Population(cloud, watch, scenario.Projects);
        var stage = new Stage(host, cloud, population, nodes, messages, images, board, say)
        {
            Seed = scenario.Fleet.Seed,
        };
        string? ended = null;
        try
        {
            say($"joining {nodes.Nodes.Count:N0} nodes, making {scenario.Projects:N0} projects");
            await PrepareAsync(stage, cancel);
            await watch.Open.WaitAsync(JoinPatience, cancel);
            await using var probes = scenario.Probes.Asks
                ? await Probes.StartAsync(
                    new ProbeOrder(host.Endpoint, host.Token, scenario.Probes), population.Names, cancel)
                : null;
            foreach (var step in scenario.Steps)
            {
                steps.Add((step.Name, stage.Elapsed));
                if (probes is null) await PlayAsync(step, stage, null, cancel);
                else await probes.BesideAsync(stop => PlayAsync(step, stage, probes, stop), cancel);
            }
        }
        catch (Exception e) when (e is TimeoutException or InvalidOperationException or Grpc.Core.RpcException
            or IOException or FormatException or Agent.Join.JoinException or OperationCanceledException)
        {
            ended = e is OperationCanceledException ? "It was interrupted." : e.Message;
        }
        board.Add("failed", stage.Failings.Count);
        return new Findings(scenario, began, Stopwatch.GetElapsedTime(at), board.Figures, board.Series, steps,
            stage.Failings.First, ended)
        {
            Machine = machine,
        };
    }

    async Task PrepareAsync(Stage stage, CancellationToken cancel)
    {
        var (cloud, nodes) = (stage.Cloud, stage.Nodes);
        var before = ProcessUse.Of(Environment.ProcessId);
        var at = Stopwatch.GetTimestamp();
        await nodes.JoinAsync(
            (node, stop) => cloud.JoinTokenAsync(
                node.Name, node.IsBalancer ? NodeRole.LoadBalancer : NodeRole.Hypervisor, stop),
            host.TlsEndpoint, Path.Combine(directory, "nodes"), cancel);
        await nodes.ConvergeAsync(JoinPatience, cancel);
        board.Add("join.rate", nodes.Nodes.Count / Stopwatch.GetElapsedTime(at).TotalSeconds, "/s");
        GC.Collect();
        var after = ProcessUse.Of(Environment.ProcessId);
        board.Add("join.node_memory", (after.Bytes - before.Bytes) / 1024.0 / nodes.Nodes.Count, "KiB");
        say($"{nodes.Nodes.Count:N0} agents in step");
        await cloud.PrepareAsync(scenario.Projects, cancel);
    }

    async Task PlayAsync(Step step, Stage stage, Probes? probes, CancellationToken cancel)
    {
        probes?.Begin(step.IsProbed);
        var before = await Spent.NowAsync(host, probes?.Pid, stage.Messages, stage.Images, cancel);
        await step.RunAsync(stage, cancel);
        // Before the round's end, which waits for calls that are no longer the step's.
        var after = await Spent.NowAsync(host, probes?.Pid, stage.Messages, stage.Images, cancel);
        if (probes is not null) await probes.EndAsync(step.Name, board, cancel);
        var servers = board.Figures.LastOrDefault(f => f.Name == step.Name + ".ready.count")?.Value ?? 0;
        after.Add(board, step.Name, before, servers);
    }
}
