namespace Monolith.Compute.Placement;

/// <summary>A named test that a hypervisor must pass.</summary>
internal sealed record PlacementFilter(string Name, Func<Candidate, Demand, bool> Passes);

/// <summary>Where a server goes: filters, then weighers. Pure: the same fleet, demand and server, the same answer.</summary>
internal static class Placer
{
    // More than this between two hypervisors is no tie. A hypervisor with a server on it is further from one without,
    // or small servers would share one while others are empty.
    const double Tie = 0.05;

    static readonly PlacementFilter[] Own =
    [
        new("not connected", (c, _) => c.Up),
        new("closed for new servers", (c, _) => c.Schedulable),
        new("in another availability zone", (c, d) => c.IsIn(d.AvailabilityZone)),
        new("without a trait that the flavor needs", (c, d) => c.Traits.HasAll(d.Needs)),
        new("with a trait that the flavor excludes", (c, d) => !c.Traits.HasAny(d.Avoids)),
        new("that the server group rules out", (c, d) => d.Company?.Admits(c) != false),
        new("with too few free vCPUs", (c, d) => c.FreeVcpus >= d.Vcpus),
        new("with too little free memory", (c, d) => c.FreeMemoryMib >= d.MemoryMib),
        new("with too little free disk", (c, d) => c.FreeDiskGib >= d.DiskGib),
    ];

    public static IReadOnlyList<PlacementFilter> Filters => Own;

    /// <param name="lot">The server's, of <see cref="Lots"/>: breaks ties, so that parallel placements do not all want the
    /// same hypervisor.</param>
    /// <param name="most">Only so many of the valid ones, the best, are in the order.</param>
    /// <param name="more">What operators added; null: nothing.</param>
    public static PlacementResult Place(IReadOnlyList<Candidate> fleet, Demand demand, ulong lot,
        int most = int.MaxValue, PlacementRules? more = null)
    {
        var filters = more is { Filters.Count: > 0 } ? [.. Own, .. more.Filters] : Own;
        var rejected = new int[filters.Length];
        var valid = new PriorityQueue<Candidate, double>();
        for (var n = 0; n < fleet.Count; n++)
        {
            var candidate = fleet[n];
            var failed = -1;
            for (var i = 0; i < filters.Length && failed < 0; i++)
                if (!filters[i].Passes(candidate, demand)) failed = i;
            if (failed >= 0) rejected[failed]++;
            else
            {
                var weight = Weigh(candidate, demand) + Lots.Draw(lot, candidate.Lot) * (demand.Packs ? Tie / 10 : Tie);
                if (more is not null) weight += more.Weigh(candidate, demand);
                if (valid.Count < most) valid.Enqueue(candidate, weight);
                else valid.EnqueueDequeue(candidate, weight);
            }
        }
        // The queue gives the worst first.
        var order = new Candidate[valid.Count];
        for (var i = order.Length - 1; i >= 0; i--) order[i] = valid.Dequeue();
        return new(order, [.. filters.Select((f, i) => (f.Name, rejected[i]))]);
    }

    static double Weigh(Candidate candidate, Demand demand)
    {
        var room = 0.8 * (candidate.MemoryMib == 0 ? 0 : (double)candidate.FreeMemoryMib / candidate.MemoryMib)
            + 0.2 / (1 + candidate.Servers);
        return (demand.Packs ? -room : room) + (demand.Company?.Weigh(candidate) ?? 0);
    }
}
