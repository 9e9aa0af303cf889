namespace Monolith.Network;

/// <summary>What operators choose. Immutable.</summary>
public sealed record NetworkOptions
{
    /// <summary>Resolvers that guests are told of where their network names none. Canonical addresses.</summary>
    public IReadOnlyList<string> DnsServers { get; init; } = [];

    /// <summary>
    /// The cloud's domain: ports of a project are told <c>{project}.{Domain}</c> where no Dns module says otherwise.
    /// Default none.
    /// </summary>
    public string Domain { get; init; } = "";

    /// <summary>
    /// How long a released address is not given out, so that a neighbour who still remembers its last owner cannot
    /// meet a new one. Pools can say otherwise. Default 60 s.
    /// </summary>
    public TimeSpan Quarantine { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long it is remembered who held an address that was released. Default 365 days.</summary>
    public TimeSpan AddressHistory { get; init; } = TimeSpan.FromDays(365);
}
