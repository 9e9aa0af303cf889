using Monolith.Agent;
using Monolith.Agent.Emulated;
using Monolith.Agent.Join;
using Monolith.Identity.Contracts;

namespace Monolith.Host;

/// <summary>
/// Emulated hypervisors and one emulated load-balancer node in this process: the agent's own code, joined by tokens and
/// speaking mutual TLS like any other, over drivers that only keep books.
/// </summary>
internal sealed partial class Fleet(HostOptions options, IJoinTokens tokens, IHostApplicationLifetime lifetime,
    TimeProvider time, ILoggerFactory loggers, ILogger<Fleet> log) : BackgroundService
{
    static readonly TimeSpan JoinPause = TimeSpan.FromSeconds(1);

    const int Cpus = 16;
    const int MemoryMib = 65_536;
    const int DiskGib = 1_000;

    protected override async Task ExecuteAsync(CancellationToken stop)
    {
        if (options.Tls.Count == 0)
            throw new InvalidOperationException("--fleet needs a --tls endpoint: its agents connect like real ones.");
        // Nobody answers before that, and the processors are wanted elsewhere.
        await StartedAsync(stop);
        var nodes = Enumerable.Range(1, options.Fleet).Select(i => RunAsync($"emulated{i}", NodeKind.Hypervisor, i, stop))
            .Append(RunAsync("emulated-lb1", NodeKind.LoadBalancer, options.Fleet + 1, stop));
        await Task.WhenAll(nodes);
    }

    async Task StartedAsync(CancellationToken stop)
    {
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = lifetime.ApplicationStarted.Register(started.SetResult);
        await started.Task.WaitAsync(stop);
    }

    async Task RunAsync(string node, NodeKind kind, int seed, CancellationToken stop)
    {
        // Comes back with the agent's own pauses, 200 ms to 2 s.
        using var channel = new HostChannel(await JoinAsync(node, kind, stop));
        var emulation = new Emulation { Seed = seed };
        var agentOptions = new AgentOptions
        {
            Node = node,
            Inventory = EmulatedNode.Inventory(Cpus, MemoryMib, DiskGib, "zone1"),
        };
        IAgent agent = kind == NodeKind.Hypervisor
            ? new AgentProcess(agentOptions, new EmulatedNode(emulation, time).Drivers, () => channel.Invoker, time, loggers)
            : new LoadBalancerAgent(agentOptions, new EmulatedLoadBalancerNode(emulation).Drivers, () => channel.Invoker,
                time, loggers);
        try
        {
            var renewal = new Renewal(channel, StateOf(node), time, loggers.CreateLogger<Renewal>());
            await renewal.RunBesideAsync(agent, stop);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
        }
    }

    async Task<NodeIdentity> JoinAsync(string node, NodeKind kind, CancellationToken stop)
    {
        while (true)
        {
            try
            {
                return await IdentityAsync(node, kind, stop);
            }
            catch (Exception e) when (!stop.IsCancellationRequested)
            {
                LogNotJoined(e, node);
                await Task.Delay(JoinPause, time, stop);
            }
        }
    }

    /// <summary>Joined once; a later start finds the identity on disk.</summary>
    async Task<NodeIdentity> IdentityAsync(string node, NodeKind kind, CancellationToken stop)
    {
        var state = StateOf(node);
        if (File.Exists(Path.Combine(state, NodeIdentity.FileName)))
            return NodeIdentity.Load(state);
        var token = await tokens.CreateAsync(node, kind, stop);
        return await Enrollment.JoinAsync(options.Tls[0].ToString(), token, state, stop);
    }

    string StateOf(string node) => Path.Combine(options.Data, "fleet", node);

    [LoggerMessage(LogLevel.Warning, "{Node} could not join; it tries again")]
    partial void LogNotJoined(Exception e, string node);
}

internal static class FleetServices
{
    public static void AddFleet(this IServiceCollection services, HostOptions options)
    {
        if (options.Fleet > 0) services.AddHostedService<Fleet>();
    }
}
