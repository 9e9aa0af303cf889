using System.Net;
using System.Net.Sockets;
using Monolith.Agent.Routing;
using static Monolith.Agent.Native.Raw.RtnetlinkConstants;

namespace Monolith.Agent.Network.Invariants;

/// <summary>
/// Every address goes out over two sessions, and the machine's own packets over two uplinks. Pure. What is true of the whole
/// machine is said once and not for each of its addresses.
/// </summary>
internal static class NextHops
{
    public const string Fabric = "fabric";
    private const int Wanted = 2;

    public static IEnumerable<Breach> Breaches(MachineFacts facts, FabricPaths paths)
    {
        var up = paths.Sessions.Where(s => s.Established).Select(s => s.Name).ToList();
        var down = string.Join(", ", paths.Sessions.Where(s => !s.Established).Select(s => $"{s.Name} ({s.State})"));
        if (up.Count < Wanted)
        {
            var why = paths.Problem.Length > 0 ? paths.Problem
                : down.Length > 0 ? $"Not established: {down}" : $"The routing daemon has {paths.Sessions.Count} sessions";
            yield return up.Count == 0
                ? Of("NO_NEXT_HOP", Fabric, $"No BGP session is established, and nobody reaches this machine's servers. {why}.",
                    isPassing: paths.Problem.Length > 0)
                : Of("SINGLE_NEXT_HOP", Fabric, $"All that this machine announces goes out over {up[0]} alone: what happens to "
                    + $"that one happens to every server here. {why}. See `monolith fabric-peer list`.");
        }

        foreach (var (address, tap) in facts.Announced().DistinctBy(a => a.Address))
        {
            var over = up.Where(s => paths.Exports.TryGetValue(s, out var on) && on.Contains(address)).ToList();
            if (up.Count > 0 && over.Count == 0)
                yield return Of("NO_NEXT_HOP", $"{address}", $"{address} goes out over none of the sessions {string.Join(", ", up)}: "
                    + "nobody reaches its server. Look at the routing daemon's filters, and whether it learns routes of protocol 42.",
                    facts.PortOf(tap.Name), isPassing: true);
            else if (up.Count >= Wanted && over.Count < Wanted)
                yield return Of("SINGLE_NEXT_HOP", $"{address}", $"{address} goes out over {over[0]} alone, though "
                    + $"{string.Join(", ", up)} are established. Look at the routing daemon's filters.", facts.PortOf(tap.Name), isPassing: true);
        }

        // Without two sessions there cannot be two ways, and that is said already.
        if (up.Count < Wanted)
            yield break;
        foreach (var family in facts.Announced().Select(a => a.Address.AddressFamily).Distinct().Order())
        {
            var ways = Ways(facts, family == AddressFamily.InterNetworkV6);
            var word = family == AddressFamily.InterNetworkV6 ? "IPv6" : "IPv4";
            if (ways.Count < Wanted)
                yield return Of(ways.Count == 0 ? "NO_WAY_OUT" : "SINGLE_WAY_OUT", word.ToLowerInvariant(),
                    $"{word} packets leave this machine by {(ways.Count == 0 ? "no uplink" : ways[0] + " alone")}. Look whether "
                    + "the routing daemon merges paths, and at what it imports and writes into the kernel.", isPassing: true);
        }
    }

    /// <summary>Uplinks of the default route; of all routes where there is none.</summary>
    private static List<string> Ways(MachineFacts facts, bool v6)
    {
        var uplinks = facts.Links.Where(l => facts.IsUplink(l.Link)).ToDictionary(l => l.Link.Index, l => l.Link.Name);
        var routes = facts.Routes.Where(r => r.IsV6 == v6 && r is { Type: RTN_UNICAST, Table: RT_TABLE_MAIN }
            && r.Protocol != RTPROT_KERNEL && r.Links.Any(uplinks.ContainsKey)).ToList();
        var defaults = routes.Where(r => r.Length == 0).ToList();
        return [.. (defaults.Count > 0 ? defaults : routes).SelectMany(r => r.Links).Where(uplinks.ContainsKey)
            .Select(l => uplinks[l]).Distinct().Order(StringComparer.Ordinal)];
    }

    private static Breach Of(string code, string subject, string message, string port = "", bool isPassing = false) =>
        new(Invariant.TwoNextHops, code, subject, message, port, isPassing);
}
