using System.Net;

namespace Monolith.Agent.Network.Tap;

/// <summary>
/// Which host routes must be. Pure. A route exists exactly while a guest holds its tap: one to a dead guest would draw
/// its traffic into a hole for as long as the fabric believes in it.
/// </summary>
internal static class RoutePlan
{
    /// <param name="taps">Taps of ours on the machine.</param>
    /// <param name="addresses">Addresses of planned ports by tap name.</param>
    /// <param name="actual">Host routes of our protocol.</param>
    /// <param name="aggregates">What stands for addresses beyond the fabric.</param>
    /// <param name="shared">Addresses that lead to no tap alone, by the names of taps of which one must have carrier.</param>
    /// <remarks>A tap without a plan keeps its routes while it has carrier: the plan may still come.</remarks>
    public static (IReadOnlyList<HostRoute> Add, IReadOnlyList<HostRoute> Remove) Delta(
        IReadOnlyCollection<Link> taps,
        IReadOnlyDictionary<string, IReadOnlyList<IPAddress>> addresses,
        IReadOnlyCollection<HostRoute> actual,
        IReadOnlyCollection<IPNetwork> aggregates,
        IReadOnlyDictionary<string, IReadOnlyList<IPAddress>>? shared = null)
    {
        HostRoute To(IPAddress address, int index) => new(address, index, aggregates.Any(a => a.Contains(address)));
        var desired = new HashSet<HostRoute>();
        foreach (var tap in taps.Where(t => t.Carrier))
        {
            if (addresses.TryGetValue(tap.Name, out var planned))
                desired.UnionWith(planned.Select(a => To(a, tap.Index)));
            else
                desired.UnionWith(actual.Where(r => r.Index == tap.Index || r.Index == HostRoute.Nowhere));
            if (shared is not null && shared.TryGetValue(tap.Name, out var its))
                desired.UnionWith(its.Select(a => To(a, HostRoute.Nowhere)));
        }

        var ours = taps.Select(t => t.Index).Append(HostRoute.Nowhere).ToHashSet();
        return ([.. desired.Except(actual)], [.. actual.Where(r => ours.Contains(r.Index) && !desired.Contains(r))]);
    }

    /// <summary>Which prefixes are announced: those that stand for an address which is routed here.</summary>
    /// <param name="taps">As above.</param>
    /// <param name="aggregates">By the names of the taps that have such addresses, and are routed to.</param>
    /// <param name="actual">Those that are.</param>
    /// <remarks>As above, of a tap without a plan.</remarks>
    public static (IReadOnlyList<IPNetwork> Add, IReadOnlyList<IPNetwork> Remove) Delta(
        IReadOnlyCollection<Link> taps,
        IReadOnlyDictionary<string, IReadOnlyList<IPNetwork>> aggregates,
        IReadOnlyCollection<IPNetwork> actual)
    {
        var desired = taps.Where(t => t.Carrier)
            .SelectMany(t => aggregates.TryGetValue(t.Name, out var its) ? its : actual).ToHashSet();
        return ([.. desired.Except(actual)], [.. actual.Except(desired)]);
    }
}
