using System.Net;
using CsCheck;
using Monolith.Agent.Network;
using Monolith.Agent.Network.Invariants;
using Monolith.Agent.Network.Tap;
using Monolith.Agent.Routing;
using Monolith.Agent.Tests.Lab;
using static Monolith.Agent.Native.Raw.RtnetlinkConstants;

namespace Monolith.Agent.Tests.Network.Invariants;

/// <summary>A machine for the judge: healthy, of any shape, and changed from there.</summary>
internal sealed record Machine(MachineFacts Facts, FabricPaths Paths)
{
    public const int Uplink = 10, Docker = 20, FirstTap = 100;

    public IReadOnlyList<(string Code, string Subject)> Breaches() => [.. Judge.Breaches(Facts, Paths).Select(b => (b.Code, b.Subject))];

    public Machine With(Func<MachineFacts, MachineFacts> change) => this with { Facts = change(Facts) };

    public Machine WithLink(LinkFact link) => With(f => f with { Links = [.. f.Links, link] });

    public Machine WithRoute(string prefix, int link, byte protocol = 3, byte type = RTN_UNICAST, uint table = RT_TABLE_MAIN) =>
        With(f => f with { Routes = [.. f.Routes, Route(prefix, protocol, type, table, link)] });

    public Machine Change(string link, Func<LinkFact, LinkFact> change) =>
        With(f => f with { Links = [.. f.Links.Select(l => l.Link.Name == link ? change(l) : l)] });

    public string Tap(int port) => Facts.Plans.ElementAt(port).TapName;

    public IPAddress Address(int port) => Facts.Plans.ElementAt(port).Addresses[0];

    /// <summary>Ports and uplinks in any number, bridges and tunnels of somebody else, and a tap whose plan is still to come.</summary>
    public static readonly Gen<Machine> Healthy = Gen.Select(Gen.Int[0, 6], Gen.Int[2, 4], Gen.Bool, Gen.Bool, Gen.Bool)
        .Select((ports, uplinks, hasDefault, hasOthers, hasLeftover) => Of(ports, uplinks, hasDefault, hasOthers, hasLeftover));

    public static Machine Of(int ports, int uplinks = 2, bool hasDefault = false, bool hasOthers = false, bool hasLeftover = false)
    {
        var plans = Enumerable.Range(1, ports).Select(n => DataPlaneLab.Plan(n)).ToList();
        var leftover = DataPlaneLab.Plan(99);
        var taps = hasLeftover ? plans.Append(leftover).ToList() : plans;
        var ways = Enumerable.Range(Uplink, uplinks).ToArray();
        List<LinkFact> links = [Link(1, "lo", ""), .. ways.Select((w, i) => Link(w, $"up{i + 1}", "veth"))];
        links.AddRange(taps.Select((p, i) => Link(FirstTap + i, p.TapName, "tun", p.PortId)));
        if (hasOthers)
        {
            links.Add(Link(Docker, "docker0", "bridge"));
            links.Add(Link(Docker + 1, "veth0", "veth") with { Master = Docker });
            links.Add(Link(Docker + 2, "mgmt0.7", "vlan") with { Lower = 1 });
        }

        List<RouteFact> routes =
            [Route("127.0.0.1/32", RTPROT_KERNEL, RTN_LOCAL, 255, 1), Route("10.255.1.1/32", RTPROT_KERNEL, RTN_LOCAL, 255, 1)];
        string[] fabric = hasDefault ? ["0.0.0.0/0", "::/0"] : ["10.255.0.0/16", "fd00::/16", "10.64.7.7/32"];
        routes.AddRange(fabric.Select(f => Route(f, 12, RTN_UNICAST, RT_TABLE_MAIN, ways)));
        routes.Add(Route("10.255.0.1/32", 12, RTN_UNICAST, RT_TABLE_MAIN, ways[0]));
        foreach (var (plan, tap) in taps.Select((p, i) => (p, FirstTap + i)))
        {
            routes.AddRange(plan.Addresses.Select(a =>
                Route($"{a}/{a.GetAddressBytes().Length * 8}", RouteTable.Protocol, RTN_UNICAST, RT_TABLE_MAIN, tap)));
            routes.AddRange(new[] { "169.254.1.1/32", "fe80::1/128", "fe80::/64", "ff00::/8" }
                .Select(p => Route(p, RTPROT_KERNEL, p.EndsWith("64", StringComparison.Ordinal) ? RTN_UNICAST : RTN_LOCAL, 255, tap)));
        }

        var facts = new MachineFacts
        {
            Options = new DataPlaneOptions(), Links = links, Routes = routes, Plans = plans,
            Filtered = taps.Select(p => p.TapName).ToHashSet(),
        };
        var announced = facts.Announced().Select(a => a.Address).ToHashSet();
        var sessions = ways.Select((_, i) => Session($"tor{i + 1}")).ToList();
        return new Machine(facts, new FabricPaths
        {
            Sessions = sessions,
            Exports = sessions.ToDictionary(s => s.Name, _ => (IReadOnlySet<IPAddress>)announced),
        });
    }

    public static BgpSession Session(string name, string state = "Established") =>
        new(name, state, "10:00", "fe80::1%up1", state == "Established" ? BfdState.Up : BfdState.Down, "");

    public static LinkFact Link(int index, string name, string kind, string alias = "") => new(
        new Link(index, name, kind, default, 1500, alias, true, true, 0, 0, true), 0, 0,
        Settings.Tap.Where(s => s.Family == Settings.V4).ToDictionary(s => s.Index, s => s.Value),
        Settings.Tap.Where(s => s.Family == Settings.V6).ToDictionary(s => s.Index, s => s.Value));

    private static RouteFact Route(string prefix, byte protocol, byte type, uint table, params int[] links)
    {
        var slash = prefix.IndexOf('/', StringComparison.Ordinal);
        return new(IPAddress.Parse(prefix[..slash]), int.Parse(prefix[(slash + 1)..], System.Globalization.CultureInfo.InvariantCulture),
            table, protocol, type, 0, links);
    }
}
