using Grpc.Core;
using Microsoft.Extensions.Logging;
using Monolith.Agent.L7;
using Monolith.Agent.Reconcile;
using Monolith.Agent.Routing;
using Monolith.Agent.Sync;
using Monolith.Agent.V1;

namespace Monolith.Agent;

/// <summary>Drivers of a load-balancer node.</summary>
public sealed record LoadBalancerDrivers(ILoadBalancerDriver LoadBalancers, IRouting Routing, IRoutes Routes);

/// <summary>The agent of a load-balancer node: one stream, one reconciler. See <see cref="AgentProcess"/>.</summary>
public sealed class LoadBalancerAgent(
    AgentOptions options,
    LoadBalancerDrivers drivers,
    Func<CallInvoker> connect,
    TimeProvider time,
    ILoggerFactory loggers) : IAgent
{
    private volatile Tuple<SyncClient, StatusBoard>? parts;

    public bool InSync => parts is { } open && open.Item1.State.InSync;

    public AgentHealth Health => this.parts is not { } parts
        ? new AgentHealth([], new Dictionary<string, int>())
        : new AgentHealth(
            [parts.Item1.State],
            parts.Item2.Snapshot().Cast<LoadBalancerStatus>()
                .CountBy(s => $"load-balancers/{s.State.ToString().ToUpperInvariant()}")
                .ToDictionary(c => c.Key, c => c.Value, StringComparer.Ordinal));

    /// <summary>Runs until cancelled; what is served then is served on.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        using var ledger = options.OpenLedger("load-balancers");
        using var vips = options.OpenLedger("vips");
        var desired = new DesiredSet(LoadBalancerConcern.Instance, ledger);
        var board = new StatusBoard(LoadBalancerConcern.Instance);
        await using var reconciler = new LoadBalancerReconciler(desired, board, vips, new LoadBalancerReconcilerParts(
            drivers.LoadBalancers, drivers.Routing, drivers.Routes, options.Policy, time,
            loggers.CreateLogger("Monolith.Agent.Reconcile")));
        var sync = new SyncClient(
            LoadBalancerConcern.Instance, desired, board, connect, () => new Hello { AgentVersion = options.Version },
            options.Sync, time, options.Dice, loggers.CreateLogger("Monolith.Agent.Sync"));
        sync.Changed += reconciler.OnChanged;
        parts = Tuple.Create(sync, board);
        // A ledger that is empty is a node that was never told anything: its HAProxy stays as it is until a snapshot.
        if (!desired.IsEmpty) reconciler.Start();
        else sync.BecameInSync += reconciler.Start;
        await sync.RunAsync(cancellation);
    }
}
