using System.Collections.Immutable;

namespace Monolith.Agent.Network.Filter;

/// <summary>
/// One chain of port rules; the body is empty where it was read from the kernel, its name says it all.
/// </summary>
internal sealed record FilterChain(string Name, string Body);

/// <summary>What a tap may send and which chains judge it.</summary>
/// <param name="Sources">The guest's addresses in .NET's canonical text, both families.</param>
/// <param name="Ranges">Further prefixes that it may send from.</param>
/// <param name="IngressLimit">Name of the limit on what it is sent; empty: none.</param>
/// <param name="EgressLimit">As above, on what it sends.</param>
internal sealed record PortFilter(
    string Tap,
    ImmutableSortedSet<string> Macs,
    ImmutableSortedSet<(string Mac, string Address)> Sources,
    string IngressChain,
    string EgressChain)
{
    public ImmutableSortedSet<(string Mac, string Prefix)> Ranges { get; init; } = [];
    public string IngressLimit { get; init; } = "";
    public string EgressLimit { get; init; } = "";

    public bool Equals(PortFilter? other) => other is not null && Tap == other.Tap && IngressChain == other.IngressChain
        && EgressChain == other.EgressChain && Macs.SetEquals(other.Macs) && Sources.SetEquals(other.Sources)
        && Ranges.SetEquals(other.Ranges) && IngressLimit == other.IngressLimit && EgressLimit == other.EgressLimit;

    public override int GetHashCode() => HashCode.Combine(Tap, IngressChain, EgressChain);
}

/// <summary>
/// The rule set beyond the skeleton, desired or actual. Immutable.
/// <code>
/// ports: tap ─► macs, sources, ingress chain, egress chain
/// sets:  nft set name (s4_x, s6_x: addresses; p4_x, p6_x: prefixes) ─► members
/// nat:   inbound: external ─► internal;  outbound: internal ─► external;  inside: prefixes that it spares
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

    /// <summary>Elements of the ARP table's sets. Read for themselves, since that table can be lost alone.</summary>
    public ImmutableSortedSet<string> Arp { get; init; } = [];

    public ImmutableSortedSet<string> ArpRanges { get; init; } = [];

    /// <summary>Limits by name, which says all about them.</summary>
    public ImmutableSortedSet<string> Limits { get; init; } = [];

    public NatState Nat { get; init; } = NatState.Empty;

    /// <summary>Chains by name.</summary>
    public ImmutableSortedDictionary<string, FilterChain> Chains { get; init; } =
        ImmutableSortedDictionary<string, FilterChain>.Empty;
}
