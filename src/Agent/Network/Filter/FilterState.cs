using System.Collections.Immutable;

namespace Monolith.Agent.Network.Filter;

/// <summary>
/// One chain of port rules; the body is empty where it was read from the kernel, its name says it all.
/// </summary>
internal sealed record FilterChain(string Name, string Body);

/// <summary>What a tap may send and which chains judge it.</summary>
/// <param name="Sources">The guest's addresses in .NET's canonical text, both families.</param>
internal sealed record PortFilter(
    string Tap,
    ImmutableSortedSet<string> Macs,
    ImmutableSortedSet<(string Mac, string Address)> Sources,
    string IngressChain,
    string EgressChain)
{
    public bool Equals(PortFilter? other) => other is not null && Tap == other.Tap && IngressChain == other.IngressChain
        && EgressChain == other.EgressChain && Macs.SetEquals(other.Macs) && Sources.SetEquals(other.Sources);

    public override int GetHashCode() => HashCode.Combine(Tap, IngressChain, EgressChain);
}

/// <summary>
/// The rule set beyond the skeleton, desired or actual. Immutable.
/// <code>
/// ports: tap ─► macs, sources, ingress chain, egress chain
/// sets:  nft set name (s4_x, s6_x) ─► members
/// </code>
/// </summary>
internal sealed record FilterState
{
    public static FilterState Empty { get; } = new();

    public ImmutableSortedSet<string> Markers { get; init; } = [];

    public ImmutableSortedDictionary<string, PortFilter> Ports { get; init; } =
        ImmutableSortedDictionary<string, PortFilter>.Empty;

    public ImmutableSortedDictionary<string, ImmutableSortedSet<string>> Sets { get; init; } =
        ImmutableSortedDictionary<string, ImmutableSortedSet<string>>.Empty;

    /// <summary>Elements of the ARP table's set. Read for itself, since that table can be lost alone.</summary>
    public ImmutableSortedSet<string> Arp { get; init; } = [];

    /// <summary>Chains by name.</summary>
    public ImmutableSortedDictionary<string, FilterChain> Chains { get; init; } =
        ImmutableSortedDictionary<string, FilterChain>.Empty;
}
