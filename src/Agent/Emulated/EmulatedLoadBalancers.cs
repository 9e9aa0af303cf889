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
        Drivers = new LoadBalancerDrivers(LoadBalancers, Routing, new EmulatedRoutes(emulation.Peers, Routing.IsAnnounced));
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
    private static readonly IPAddress[] Own = [IPAddress.Loopback, IPAddress.IPv6Loopback];

    public Task<IReadOnlyList<BgpSession>> ListSessionsAsync(CancellationToken cancellation) =>
        Task.FromResult<IReadOnlyList<BgpSession>>(
            [.. Names().Select(n => new BgpSession(n, "Established", "", "", BfdState.Up, ""))]);

    public Task<IReadOnlyList<string>> ListExportsAsync(IPNetwork prefix, CancellationToken cancellation)
    {
        var whole = prefix.PrefixLength == prefix.BaseAddress.GetAddressBytes().Length * 8;
        return Task.FromResult<IReadOnlyList<string>>(whole && IsAnnounced(prefix.BaseAddress) ? [.. Names()] : []);
    }

    internal bool IsAnnounced(IPAddress address)
    {
        lock (gate) return vips.Contains(address);
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
        lock (gate) return Task.FromResult<IReadOnlyList<IPAddress>>([.. Own, .. vips]);
    }

    private IEnumerable<string> Names() => Enumerable.Range(1, peers).Select(n => $"tor{n}");
}

/// <summary>Load balancers whose members are all well.</summary>
public sealed class EmulatedLoadBalancers(IRouting routing) : ILoadBalancerDriver
{
    private sealed record Result(LoadBalancerId Id, long Generation, string Cause);

    private readonly Lock gate = new();
    private Dictionary<LoadBalancerId, LoadBalancerPlan> inForce = [];
    private List<Result> results = [];
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
        var here = await routing.ListLoopbackAsync(cancellation);
        lock (gate)
        {
            var choice = new LoadBalancerChoice(plans, inForce, here.Contains);
            inForce = choice.Accepted;
            results = [.. plans.DistinctBy(p => p.Id).Select(
                p => new Result(p.Id, p.Generation, choice.Causes.GetValueOrDefault(p.Id, "")))];
            crashed = false;
            Applies++;
        }
    }

    public Task<IReadOnlyList<LoadBalancerObservation>> ObserveAsync(CancellationToken cancellation)
    {
        lock (gate) return Task.FromResult<IReadOnlyList<LoadBalancerObservation>>([.. results.Select(Observe)]);
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private LoadBalancerObservation Observe(Result result)
    {
        var plan = inForce.GetValueOrDefault(result.Id);
        var trouble = crashed && plan is not null ? "It is not running; it is started again." : "";
        var cause = result.Cause.Length > 0 ? result.Cause : trouble;
        var members =
            from pool in plan?.Listeners.Select(l => (l.Pool, l.Protocol)).Distinct().Select(l => l.Pool) ?? []
            let known = plan!.Pools.First(p => p.Id == pool)
            from member in known.Members
            select new MemberObservation(
                pool, member.Id, crashed ? MemberHealth.Unknown : HealthOf(known, member), trouble, 0, 0);
        return new LoadBalancerObservation(result.Id, result.Generation, cause.Length == 0, cause, [.. members]);
    }

    private static MemberHealth HealthOf(PoolPlan pool, MemberPlan member) => member switch
    {
        { State: MemberState.Disabled } => MemberHealth.Disabled,
        { State: MemberState.Drain } or { Weight: 0 } => MemberHealth.Draining,
        _ => pool.Check is null ? MemberHealth.Unchecked : MemberHealth.Up,
    };
}
