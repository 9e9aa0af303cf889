namespace Monolith.Network;

/// <summary>What operators choose. Immutable.</summary>
public sealed record NetworkOptions
{
    /// <summary>Resolvers that guests are told of where their network names none. Canonical addresses.</summary>
    public IReadOnlyList<string> DnsServers { get; init; } = [];

    /// <summary>
    /// How long a released address is not given out, so that a neighbour who still remembers its last owner cannot
    /// meet a new one. Default 60 s.
    /// </summary>
    public TimeSpan Quarantine { get; init; } = TimeSpan.FromSeconds(60);
}
