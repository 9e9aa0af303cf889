namespace Monolith.Agent.L7;

public enum MemberHealth
{
    Unknown,
    Up,
    Down,

    /// <summary>It has no health check.</summary>
    Unchecked,
    Draining,
    Disabled,
}

/// <param name="Pool">Its pool.</param>
/// <param name="Member">Which member.</param>
/// <param name="Health">What the node thinks of it.</param>
/// <param name="Detail">The last check's result, for people.</param>
/// <param name="Sessions">Open now.</param>
/// <param name="TotalSessions">Since HAProxy's last reload.</param>
public sealed record MemberObservation(
    PoolId Pool, MemberId Member, MemberHealth Health, string Detail, long Sessions, long TotalSessions);

/// <summary>What is. Immutable.</summary>
/// <param name="Id">Which load balancer.</param>
/// <param name="Generation">The newest generation that was acted on, well or not.</param>
/// <param name="Applied">This generation is what HAProxy does.</param>
/// <param name="Cause">Why it is not; an older generation may still be served.</param>
/// <param name="Members">Of every pool that a listener uses.</param>
public sealed record LoadBalancerObservation(
    LoadBalancerId Id, long Generation, bool Applied, string Cause, IReadOnlyList<MemberObservation> Members);

public enum LoadBalancerFailure
{
    NotInstalled,
    Unresponsive,
    NoSpace,

    /// <summary>HAProxy ended while it started, for a cause that no one load balancer has.</summary>
    StartFailed,
}

/// <summary>The node's load balancing as a whole failed. The message says why and what to do next.</summary>
public sealed class LoadBalancerException(LoadBalancerFailure reason, string message, Exception? inner = null)
    : Exception(message, inner)
{
    public LoadBalancerFailure Reason { get; } = reason;
}

/// <summary>Load balancers of one node.</summary>
public interface ILoadBalancerDriver : IAsyncDisposable
{
    /// <summary>The data plane's version.</summary>
    string Version { get; }

    /// <summary>Whether the data plane runs with what was applied last; also when that was nothing.</summary>
    bool InForce { get; }

    /// <summary>The data plane ended though nobody had asked for it: apply again. On any thread.</summary>
    event Action? Ended;

    /// <summary>
    /// Makes the node do what the plans say, all of them: one that is not named is removed. No connection is lost. A
    /// plan that cannot be applied leaves its last good one in force, and its observation has the cause. May be
    /// repeated; costs nothing when nothing changed.
    /// </summary>
    Task ApplyAsync(IReadOnlyList<LoadBalancerPlan> plans, CancellationToken cancellation);

    /// <summary>Every load balancer of the last <see cref="ApplyAsync"/>.</summary>
    Task<IReadOnlyList<LoadBalancerObservation>> ObserveAsync(CancellationToken cancellation);
}
