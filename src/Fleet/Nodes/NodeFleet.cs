using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Monolith.Agent.Join;

namespace Monolith.Fleet.Nodes;

/// <summary>All emulated nodes.</summary>
internal sealed class NodeFleet : IAsyncDisposable
{
    const int MaxJoins = 5;
    static readonly TimeSpan JoinPause = TimeSpan.FromMilliseconds(500);
    static readonly TimeSpan Look = TimeSpan.FromMilliseconds(50);
    readonly FleetShape shape;
    readonly TimeProvider time;
    readonly List<FleetNode> nodes = [];
    readonly CancellationTokenSource stop = new();
    Task breaking = Task.CompletedTask;

    public NodeFleet(FleetShape shape, ILoggerFactory loggers)
    {
        this.shape = shape;
        time = shape.Clock is { Speed: 1, Offset.Ticks: 0 }
            ? TimeProvider.System
            : new FleetClock(shape.Clock.Speed, shape.Clock.Offset);
        var random = new Random(shape.Seed);
        for (var i = 0; i < shape.Hypervisors; i++)
            nodes.Add(new FleetNode(shape, i, false, random.NextDouble() < shape.Slow.Part, time, loggers));
        for (var i = 0; i < shape.LoadBalancers; i++)
            nodes.Add(new FleetNode(shape, i, true, random.NextDouble() < shape.Slow.Part, time, loggers));
    }

    public IReadOnlyList<FleetNode> Nodes => nodes;

    public int InSync => nodes.Count(n => n.InSync);

    /// <summary>Streams of all agents.</summary>
    public int Streams => nodes.Sum(n => n.Streams);

    /// <summary>How often each node has asked for connections until now: <see cref="ConvergeAsync"/> takes it.</summary>
    public IReadOnlyDictionary<FleetNode, int> Connects => nodes.ToDictionary(n => n, n => n.Connects);

    /// <summary>Joins all nodes and starts their agents.</summary>
    /// <param name="token">Makes a join token for a node.</param>
    /// <param name="endpoint">The host's TLS endpoint.</param>
    /// <param name="directory">Where identities are kept.</param>
    public async Task JoinAsync(Func<FleetNode, CancellationToken, Task<string>> token, string endpoint, string directory,
        CancellationToken cancel)
    {
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = shape.JoinsAtOnce, CancellationToken = cancel };
        await Parallel.ForEachAsync(nodes, parallel, async (node, stop) =>
        {
            var state = Path.Combine(directory, node.Name);
            if (!File.Exists(Path.Combine(state, NodeIdentity.FileName))) await JoinOneAsync(endpoint, await token(node, stop), state, stop);
            node.Start(state);
        });
        if (shape.Disconnects.Every > TimeSpan.Zero) breaking = BreakAsync(stop.Token);
    }

    // A join may be repeated with the same token, and people would: a busy host lets a handshake lapse.
    static async Task JoinOneAsync(string endpoint, string token, string state, CancellationToken cancel)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await Enrollment.JoinAsync(endpoint, token, state, cancel);
                return;
            }
            catch (JoinException e) when (e.Reason is "HOST_UNREACHABLE" or "HOST_SILENT" && attempt < MaxJoins)
            {
                await Task.Delay(JoinPause * attempt, cancel);
            }
        }
    }

    /// <summary>Waits until every agent is in step with the host.</summary>
    /// <param name="since">
    /// Of nodes whose streams all have to connect anew, how often they had before; others only have to be in step.
    /// Without it an agent that has not yet noticed that its connection is gone would count.
    /// </param>
    /// <returns>When each was, from now, in order.</returns>
    public async Task<IReadOnlyList<TimeSpan>> ConvergeAsync(TimeSpan patience, CancellationToken cancel,
        IReadOnlyDictionary<FleetNode, int>? since = null)
    {
        var began = Stopwatch.GetTimestamp();
        var waiting = nodes.ToList();
        var seen = new List<TimeSpan>(waiting.Count);
        while (waiting.Count > 0)
        {
            var elapsed = Stopwatch.GetElapsedTime(began);
            var there = waiting.RemoveAll(Arrived);
            for (var i = 0; i < there; i++) seen.Add(elapsed);
            if (waiting.Count == 0) break;
            if (elapsed > patience)
                throw new TimeoutException(
                    $"{waiting.Count} of {nodes.Count} agents are not in step after {patience.TotalSeconds:0} s, "
                    + $"{waiting[0].Name} among them.");
            await Task.Delay(Look, cancel);
        }
        return seen;

        bool Arrived(FleetNode node) => node.InSync
            && (since is null || !since.TryGetValue(node, out var before) || node.Connects >= before + node.Streams);
    }

    /// <summary>A part of the nodes, the same for the same seed.</summary>
    public IReadOnlyList<FleetNode> Sample(double part)
    {
        if (part >= 1) return nodes;
        var random = new Random(shape.Seed + 1);
        return [.. nodes.Where(_ => random.NextDouble() < part)];
    }

    // Poisson: which node is next and when depends on nothing.
    async Task BreakAsync(CancellationToken stop)
    {
        var random = new Random(shape.Seed + 2);
        var mean = shape.Disconnects.Every / nodes.Count;
        try
        {
            while (true)
            {
                await Task.Delay(mean * -Math.Log(1 - random.NextDouble()), time, stop);
                nodes[random.Next(nodes.Count)].Disconnect();
            }
        }
        catch (OperationCanceledException)
        {
            // The run is over.
        }
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await breaking;
        await Task.WhenAll(nodes.Select(n => n.DisposeAsync().AsTask()));
        stop.Dispose();
    }
}
