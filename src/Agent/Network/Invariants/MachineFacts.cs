using System.Net;
using System.Net.Sockets;
using Monolith.Agent.Network.Filter;
using Monolith.Agent.Network.Tap;

namespace Monolith.Agent.Network.Invariants;

/// <summary>An interface, and what it hangs together with.</summary>
/// <param name="Master">Index of the bridge, bond or VRF that it is in; 0 when in none.</param>
/// <param name="Lower">Index of the interface that it stands on, in this namespace; 0 when on none.</param>
/// <param name="Settings4">IPv4 settings by DEVCONF's index; a setting that is not there is not told by the kernel.</param>
/// <param name="Settings6">The same of IPv6.</param>
internal sealed record LinkFact(
    Link Link, int Master, int Lower, IReadOnlyDictionary<int, int> Settings4, IReadOnlyDictionary<int, int> Settings6)
{
    public int? Setting(TapSetting setting) =>
        (setting.Family == Settings.V4 ? Settings4 : Settings6).TryGetValue(setting.Index, out var value) ? value : null;
}

/// <summary>A route of any table.</summary>
/// <param name="Type">RTN_*: unicast, local, …</param>
/// <param name="Links">Indexes of the interfaces that it leads out of, and that have carrier.</param>
internal sealed record RouteFact(
    IPAddress Destination, int Length, uint Table, byte Protocol, byte Type, uint Metric, IReadOnlyList<int> Links)
{
    public bool IsHost => Length == Destination.GetAddressBytes().Length * 8;

    public bool IsV6 => Destination.AddressFamily == AddressFamily.InterNetworkV6;

    public override string ToString() => $"{Destination}/{Length}";
}

/// <summary>What a machine has and should have, read at one moment. Immutable.</summary>
internal sealed record MachineFacts
{
    public required DataPlaneOptions Options { get; init; }

    /// <summary>Every interface.</summary>
    public required IReadOnlyList<LinkFact> Links { get; init; }

    /// <summary>Every route; of a large fabric as well.</summary>
    public required IReadOnlyList<RouteFact> Routes { get; init; }

    /// <summary>Ports that the agent has been told of.</summary>
    public required IReadOnlyCollection<PortPlan> Plans { get; init; }

    /// <summary>Taps that have filters, be their plan known or not.</summary>
    public required IReadOnlySet<string> Filtered { get; init; }

    /// <summary>Where the rule set was not the agent's since the last look.</summary>
    public IReadOnlyList<FilterDifference> Differences { get; init; } = [];

    /// <summary>Settings of the machine that are not as they must be, with what they are.</summary>
    public IReadOnlyList<(Setting Wanted, string Actual)> Settings { get; init; } = [];

    public bool IsTap(Link link) => link.Name.StartsWith(Options.TapPrefix, StringComparison.Ordinal);

    public bool IsUplink(Link link) => link.Name.StartsWith(Options.UplinkPrefix, StringComparison.Ordinal);

    public IEnumerable<LinkFact> Taps => Links.Where(l => IsTap(l.Link));

    /// <summary>Addresses that lead to guests, and so are announced.</summary>
    public IEnumerable<(IPAddress Address, Link Tap)> Announced()
    {
        var taps = Taps.ToDictionary(l => l.Link.Index, l => l.Link);
        return Routes.Where(r => r.Protocol == RouteTable.Protocol && r.IsHost)
            .SelectMany(r => r.Links.Where(taps.ContainsKey).Select(l => (r.Destination, taps[l])));
    }

    /// <summary>The port of a tap: its plan's, or the one that the tap says.</summary>
    public string PortOf(string tap) => Plans.FirstOrDefault(p => p.TapName == tap)?.PortId
        ?? Links.FirstOrDefault(l => l.Link.Name == tap)?.Link.Alias ?? "";
}
