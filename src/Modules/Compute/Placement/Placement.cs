namespace Monolith.Compute.Placement;

/// <summary>A hypervisor as placement sees it. Immutable.</summary>
internal sealed record Candidate(Guid Uid, string Id, bool Up, bool Schedulable, string AvailabilityZone,
    int FreeVcpus, long FreeMemoryMib, long FreeDiskGib, long MemoryMib);

/// <summary>What a server needs.</summary>
internal sealed record Demand(int Vcpus, int MemoryMib, int DiskGib, string AvailabilityZone);

/// <summary>A named test that a hypervisor must pass.</summary>
internal sealed record PlacementFilter(string Name, Func<Candidate, Demand, bool> Passes);

/// <param name="Order">The valid hypervisors, or the best of them, best first.</param>
/// <param name="Rejected">How many each filter rejected, in the order of the filters; each hypervisor is counted at
/// the first filter that rejects it, so that the numbers and the valid ones add up to the fleet.</param>
internal sealed record PlacementResult(IReadOnlyList<Candidate> Order, IReadOnlyList<(string Filter, int Count)> Rejected)
{
    /// <summary>Why there is no valid hypervisor, for the tenant.</summary>
    public string Explain()
    {
        var fleet = Rejected.Sum(r => r.Count) + Order.Count;
        if (fleet == 0) return "There is no hypervisor in this cloud yet. Join one with `monolith node token`.";
        var reasons = Rejected.Where(r => r.Count > 0).Select(r => $"{r.Count} {r.Filter}");
        return $"None of {fleet} hypervisors can take it: {string.Join(", ", reasons)}.";
    }
}

/// <summary>Where a server goes: filters, then weighers. Pure.</summary>
internal static class Placer
{
    public static readonly IReadOnlyList<PlacementFilter> Filters =
    [
        new("not connected", (c, _) => c.Up),
        new("closed for new servers", (c, _) => c.Schedulable),
        new("in another availability zone",
            (c, d) => d.AvailabilityZone.Length == 0 || c.AvailabilityZone == d.AvailabilityZone),
        new("with too few free vCPUs", (c, d) => c.FreeVcpus >= d.Vcpus),
        new("with too little free memory", (c, d) => c.FreeMemoryMib >= d.MemoryMib),
        new("with too little free disk", (c, d) => c.FreeDiskGib >= d.DiskGib),
    ];

    /// <param name="random">Breaks ties, so that parallel placements do not all want the same hypervisor.</param>
    /// <param name="most">Only so many of the valid ones, the best, are in the order.</param>
    public static PlacementResult Place(IReadOnlyList<Candidate> fleet, Demand demand, Random random,
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
                valid.Enqueue(candidate, Weigh(candidate) + random.NextDouble() * 0.05);
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
