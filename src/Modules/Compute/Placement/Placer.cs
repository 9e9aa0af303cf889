namespace Monolith.Compute.Placement;

/// <summary>A named test that a hypervisor must pass.</summary>
internal sealed record PlacementFilter(string Name, Func<Candidate, Demand, bool> Passes);

/// <summary>Where a server goes: filters, then weighers. Pure: the same fleet, demand and server, the same answer.</summary>
internal static class Placer
{
    public static readonly IReadOnlyList<PlacementFilter> Filters =
    [
        new("not connected", (c, _) => c.Up),
        new("closed for new servers", (c, _) => c.Schedulable),
        new("in another availability zone", (c, d) => c.IsIn(d.AvailabilityZone)),
        new("with too few free vCPUs", (c, d) => c.FreeVcpus >= d.Vcpus),
        new("with too little free memory", (c, d) => c.FreeMemoryMib >= d.MemoryMib),
        new("with too little free disk", (c, d) => c.FreeDiskGib >= d.DiskGib),
    ];

    /// <param name="lot">The server's, of <see cref="Lots"/>: breaks ties, so that parallel placements do not all want the
    /// same hypervisor.</param>
    /// <param name="most">Only so many of the valid ones, the best, are in the order.</param>
    public static PlacementResult Place(IReadOnlyList<Candidate> fleet, Demand demand, ulong lot,
        int most = int.MaxValue)
    {
        var rejected = new int[Filters.Count];
        var valid = new PriorityQueue<Candidate, double>();
        foreach (var candidate in fleet)
        {
            var failed = -1;
            for (var i = 0; i < Filters.Count && failed < 0; i++)
                if (!Filters[i].Passes(candidate, demand)) failed = i;
            if (failed >= 0) rejected[failed]++;
            else
            {
                valid.Enqueue(candidate, Weigh(candidate) + Lots.Draw(lot, candidate.Lot) * 0.05);
                if (valid.Count > most) valid.Dequeue();
            }
        }
        // The queue gives the worst first.
        var order = new Candidate[valid.Count];
        for (var i = order.Length - 1; i >= 0; i--) order[i] = valid.Dequeue();
        return new(order, [.. Filters.Select((f, i) => (f.Name, rejected[i]))]);
    }

    // Spread: the emptiest first.
    static double Weigh(Candidate candidate) =>
        candidate.MemoryMib == 0 ? 0 : (double)candidate.FreeMemoryMib / candidate.MemoryMib;
}
