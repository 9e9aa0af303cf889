using System.Net;
using Monolith.Agent.L7;
using Monolith.Agent.Reconcile;
using Monolith.Agent.Routing;

namespace Monolith.Agent.Emulated;

/// <summary>A load-balancer node in memory.</summary>
public sealed class EmulatedLoadBalancerNode
{
    public EmulatedLoadBalancerNode(Emulation emulation)
    {
        Routing = new EmulatedRouting(emulation.Peers);
        LoadBalancers = new EmulatedLoadBalancers(Routing);
        Drivers = new LoadBalancerDrivers(LoadBalancers, Routing, new EmulatedRoutes(emulation.Peers));
    }

    public EmulatedLoadBalancers LoadBalancers { get; }

    public EmulatedRouting Routing { get; }

    public LoadBalancerDrivers Drivers { get; }
}

/// <summary>Loopback addresses and sessions, in memory.</summary>
public sealed class EmulatedRouting(int peers) : IRouting
{
    private readonly Lock gate = new();
    private readonly HashSet<IPAddress> vips = [];

    public Task<IReadOnlyList<BgpSession>> ListSessionsAsync(CancellationToken cancellation) =>
        Task.FromResult<IReadOnlyList<BgpSession>>(
            [.. Names().Select(n => new BgpSession(n, "Established", "", "", BfdState.Up, ""))]);

    public Task<IReadOnlyList<string>> ListExportsAsync(IPNetwork prefix, CancellationToken cancellation)
    {
        lock (gate)
            return Task.FromResult<IReadOnlyList<string>>(vips.Contains(prefix.BaseAddress) ? [.. Names()] : []);
    }

    public Task AnnounceVipAsync(IPAddress address, CancellationToken cancellation)
    {
        lock (gate) vips.Add(address);
        return Task.CompletedTask;
    }

    public Task WithdrawVipAsync(IPAddress address, CancellationToken cancellation)
    {
        lock (gate) vips.Remove(address);
        return Task.CompletedTask;
    }

    public Task<IReadOnlyList<IPAddress>> ListLoopbackAsync(CancellationToken cancellation)
    {
        lock (gate) return Task.FromResult<IReadOnlyList<IPAddress>>([.. vips]);
    }

    private IEnumerable<string> Names() => Enumerable.Range(1, peers).Select(n => $"tor{n}");
}

/// <summary>Load balancers whose members are all well.</summary>
public sealed class EmulatedLoadBalancers(IRouting routing) : ILoadBalancerDriver
{
    private readonly Lock gate = new();
    private Dictionary<LoadBalancerId, LoadBalancerObservation> observed = [];
    private volatile bool crashed;

    public event Action? Ended;

    public string Version => "emulated";

    public bool InForce => !crashed;

    /// <summary>How often something was applied.</summary>
    public int Applies { get; private set; }

    /// <summary>Why the data plane does not start; null when it does.</summary>
    public string? Broken { get; set; }

    /// <summary>The data plane ends by itself.</summary>
    public void Crash()
    {
        crashed = true;
        Ended?.Invoke();
    }

    public async Task ApplyAsync(IReadOnlyList<LoadBalancerPlan> plans, CancellationToken cancellation)
    {
        if (Broken is { } cause) throw new LoadBalancerException(LoadBalancerFailure.StartFailed, cause);
        var vips = await routing.ListLoopbackAsync(cancellation);
        lock (gate)
        {
            observed = plans.ToDictionary(p => p.Id, p => Observe(p, vips));
            crashed = false;
            Applies++;
        }
    }

    public Task<IReadOnlyList<LoadBalancerObservation>> ObserveAsync(CancellationToken cancellation)
    {
        lock (gate)
        {
            return Task.FromResult<IReadOnlyList<LoadBalancerObservation>>([.. observed.Values.Select(
                o => crashed ? o with { Applied = false, Cause = "It ended; it is being started again." } : o)]);
        }
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static LoadBalancerObservation Observe(LoadBalancerPlan plan, IReadOnlyList<IPAddress> vips)
    {
        var violations = LoadBalancerRules.Violations(plan);
        violations.AddRange(
            plan.Vips.Where(v => !vips.Contains(v)).Select(v => $"the address {v} is not on this node"));
        if (violations.Count > 0)
            return new LoadBalancerObservation(
                plan.Id, plan.Generation, false, string.Join("; ", violations) + ".", []);
        var used = plan.Listeners.Select(l => l.Pool).ToHashSet();
        return new LoadBalancerObservation(
            plan.Id, plan.Generation, true, "", [.. plan.Pools.Where(p => used.Contains(p.Id))
            .SelectMany(p => p.Members.Select(m => new MemberObservation(
                p.Id, m.Id, m.State == MemberState.Drain ? MemberHealth.Draining : MemberHealth.Up, "", 0, 0)))]);
    }
}
