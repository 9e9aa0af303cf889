using System.Net;
using Monolith.Agent.Network.Tap;
using Monolith.Agent.Routing;
using static Monolith.Agent.Native.Raw.RtnetlinkConstants;

namespace Monolith.Agent.Network.Invariants;

/// <summary>An address leads to one tap of this machine, and to no other machine. Pure.</summary>
internal static class Owners
{
    private static readonly IPNetwork[] OfLinks =
        [IPNetwork.Parse("169.254.0.0/16"), IPNetwork.Parse("fe80::/10"), IPNetwork.Parse("ff00::/8")];

    public static IEnumerable<Breach> Breaches(MachineFacts facts, FabricPaths paths) =>
        TwoTaps(facts).Concat(ForeignRoutes(facts)).Concat(Own(facts)).Concat(Others(facts, paths));

    /// <summary>Routes into taps that no planned port has.</summary>
    public static IEnumerable<(RouteFact Route, Link Tap)> Foreign(MachineFacts facts)
    {
        var taps = facts.Taps.ToDictionary(l => l.Link.Index, l => l.Link);
        var plans = facts.Plans.ToDictionary(p => p.TapName);
        return facts.Routes.SelectMany(r => r.Links.Where(taps.ContainsKey).Distinct().Select(l => (Route: r, Tap: taps[l])))
            .Where(r => !IsOfLink(r.Route) && !IsPlanned(r.Route, plans.GetValueOrDefault(r.Tap.Name)));
    }

    /// <summary>What the kernel makes of the gateway's addresses, which every tap has.</summary>
    private static bool IsOfLink(RouteFact route) =>
        route.Protocol == RTPROT_KERNEL && OfLinks.Any(p => p.Contains(route.Destination) && route.Length >= p.PrefixLength);

    /// <summary>A tap without a plan keeps what the agent gave it: the plan may still come.</summary>
    private static bool IsPlanned(RouteFact route, PortPlan? plan) =>
        route is { Protocol: RouteTable.Protocol, Type: RTN_UNICAST, Table: RT_TABLE_MAIN, IsHost: true }
        && (plan is null || (plan.Routed && plan.Routable.Contains(route.Destination)));

    private static IEnumerable<Breach> TwoTaps(MachineFacts facts)
    {
        var taps = facts.Taps.ToDictionary(l => l.Link.Index, l => l.Link.Name);
        return facts.Routes.Where(r => r is { IsHost: true, Type: RTN_UNICAST } && !IsOfLink(r))
            .SelectMany(r => r.Links.Where(taps.ContainsKey).Select(l => (r.Destination, Tap: taps[l])))
            .GroupBy(r => r.Destination)
            .Select(g => (Address: g.Key, Taps: g.Select(r => r.Tap).Distinct().Order(StringComparer.Ordinal).ToList()))
            .Where(a => a.Taps.Count > 1)
            .Select(a => Of("TWO_TAPS", $"{a.Address}", $"{a.Address} leads to {string.Join(" and to ", a.Taps)}: which server gets a "
                + "packet depends on the order of routes. The agent takes away the route that nobody planned; find out who made it.",
                facts.Plans.FirstOrDefault(p => p.Addresses.Contains(a.Address))?.PortId ?? ""));
    }

    private static IEnumerable<Breach> ForeignRoutes(MachineFacts facts) => Foreign(facts)
        .GroupBy(f => f.Tap.Name)
        .Select(g => Of("FOREIGN_ROUTE", g.Key, $"{string.Join(", ", g.Select(f => f.Route).Distinct())} leads to the tap {g.Key}, and no "
            + "port that is planned there has it: its server gets what is not for it. The agent takes the route away; find out who "
            + "made it.", facts.PortOf(g.Key)));

    private static IEnumerable<Breach> Own(MachineFacts facts)
    {
        var own = facts.Routes.Where(r => r is { Type: RTN_LOCAL, IsHost: true }).Select(r => r.Destination).ToHashSet();
        return facts.Plans.SelectMany(p => p.Addresses.Where(own.Contains).Select(a => Of("OWN_ADDRESS", $"{a}", $"{a} belongs to a "
            + "server here, and an interface of this machine has it as well: the machine takes the server's packets for its own. "
            + $"Find the interface with: ip address show to {a}.", p.PortId)));
    }

    private static IEnumerable<Breach> Others(MachineFacts facts, FabricPaths paths)
    {
        var announced = facts.Announced().DistinctBy(a => a.Address).ToDictionary(a => a.Address, a => a.Tap);
        return paths.Others.Where(o => announced.ContainsKey(o.Address)).DistinctBy(o => o.Address).Select(o => Of(
            "OTHER_ORIGIN", $"{o.Address}", $"{o.Address} leads to a server here, and {o.Session} hears it from {o.Origin} as well: the "
            + "fabric divides the server's packets between two machines. Find out which machine that is, and which of the two has it "
            + $"by right: monolith address history {o.Address}.", facts.PortOf(announced[o.Address].Name)) with
        {
            IsPassing = true,
        });
    }

    private static Breach Of(string code, string subject, string message, string port = "") =>
        new(Invariant.OneOwner, code, subject, message, port);
}
