using Monolith.Agent.Network;
using Monolith.Agent.V1;
using State = Monolith.Agent.V1.PortStatus.Types.State;

namespace Monolith.Agent.Reconcile;

/// <summary>All that a decision about a port depends on.</summary>
/// <param name="Desired">Null: not wanted.</param>
/// <param name="Observed">Null: nothing is here.</param>
/// <param name="Applied">The spec that the data plane was given last by this process.</param>
/// <param name="RemovalOrdered">The host itself said remove, not only left it out.</param>
/// <param name="UnwantedSince">Since when it is here though nobody wants it.</param>
internal sealed record PortSituation(
    PortSpec? Desired,
    PortObservation? Observed,
    PortSpec? Applied,
    bool RemovalOrdered,
    bool InSync,
    DateTimeOffset? UnwantedSince,
    DateTimeOffset Now,
    TimeSpan Grace);

/// <summary>The one thing to do next for a port.</summary>
internal abstract record PortDecision
{
    private PortDecision()
    {
    }

    public sealed record Ensure : PortDecision;

    public sealed record Remove : PortDecision;

    /// <summary>As wanted on this machine; what is left is the fabric's.</summary>
    public sealed record Settle : PortDecision;

    /// <summary>Nobody wants it: leave it alone for now.</summary>
    public sealed record Spare(TimeSpan For) : PortDecision;

    public sealed record Forget : PortDecision;
}

/// <summary>
/// What to do about a port. Pure.
/// <code>
///   wanted:      Ensure until tap, filters and plan are in the kernel ─▶ Settle (Plugged ─▶ Carrier ─▶ Announced)
///   not wanted:  the host said remove ─▶ Remove at once
///                left out of a snapshot, or found ─▶ Spare for the grace period ─▶ Remove
///                before a snapshot was complete ─▶ leave alone
/// </code>
/// </summary>
internal static class PortDecide
{
    public static PortDecision Decide(PortSituation now)
    {
        if (now.Desired is { } desired)
        {
            return ReferenceEquals(now.Applied, desired) && IsPlugged(now.Observed)
                ? new PortDecision.Settle()
                : new PortDecision.Ensure();
        }

        if (now.RemovalOrdered) return new PortDecision.Remove();
        if (now.Observed is null) return new PortDecision.Forget();
        if (!now.InSync || now.UnwantedSince is not { } since) return new PortDecision.Spare(now.Grace);
        var left = since + now.Grace - now.Now;
        return left > TimeSpan.Zero ? new PortDecision.Spare(left) : new PortDecision.Remove();
    }

    public static bool IsPlugged(PortObservation? observed) =>
        observed is { Exists: true, Filtered: true, Planned: true };

    /// <summary>The state that the machine itself shows.</summary>
    public static State StateOf(PortObservation? observed, int addresses, int peers)
    {
        if (!IsPlugged(observed)) return State.Unspecified;
        if (!observed!.Carrier || observed.Routed.Count < addresses) return State.Plugged;
        return peers > 0 ? State.Announced : State.Carrier;
    }
}
