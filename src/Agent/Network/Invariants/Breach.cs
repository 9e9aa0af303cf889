namespace Monolith.Agent.Network.Invariants;

/// <summary>What must hold on every hypervisor, whatever happens.</summary>
internal enum Invariant
{
    /// <summary>No two guests share a segment: a tap leads to the routing table of its machine, and nowhere else.</summary>
    NoSharedL2,

    /// <summary>Whatever one link or router does, a guest is reached over another.</summary>
    TwoNextHops,

    /// <summary>A guest's packets have its own addresses, or end at its tap.</summary>
    NoSpoofablePath,

    /// <summary>An address leads to one guest.</summary>
    OneOwner,
}

/// <summary>An invariant that does not hold.</summary>
/// <param name="Code">What is wrong, in capitals.</param>
/// <param name="Subject">What it is about: a tap, an address, a chain. With the code it is one of a kind on its machine.</param>
/// <param name="Message">What is wrong, what that means, and what to do.</param>
/// <param name="Port">The port's id; empty when it is about none, or nobody knows.</param>
/// <param name="IsPassing">Whether it is one only if it lasts: routes of guests that come, go and move are under way for a moment.</param>
internal sealed record Breach(
    Invariant Invariant, string Code, string Subject, string Message, string Port = "", bool IsPassing = false);
