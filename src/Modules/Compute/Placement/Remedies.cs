namespace Monolith.Compute.Placement;

/// <summary>
/// The nearest change that makes a demand fit which fits nowhere. Near is first what its tenant can do alone: another
/// zone, then the flavor that takes least away; then what an operator does with a word, what comes back by itself, what
/// somebody else must give up, and what must be bought. Pure.
/// </summary>
internal static class Remedies
{
    /// <param name="fleet">None of them is valid for the demand.</param>
    public static Remedy Nearest(IReadOnlyList<Candidate> fleet, Demand demand, IReadOnlyList<Size> sizes) =>
        OtherZone(fleet, demand) ?? OtherSize(fleet, demand, sizes) ?? Opened(fleet, demand) ?? Reconnected(fleet, demand)
        ?? Freed(fleet, demand)
        ?? new Remedy.Added(demand.Vcpus, demand.MemoryMib, demand.DiskGib, demand.AvailabilityZone);

    static Remedy? OtherZone(IReadOnlyList<Candidate> fleet, Demand demand) =>
        fleet.Where(c => c.Up && c.Schedulable && c.HasRoom(demand)).MaxBy(c => c.FreeMemoryMib) is { } other
            ? new Remedy.OtherZone(other.AvailabilityZone)
            : null;

    static Remedy? OtherSize(IReadOnlyList<Candidate> fleet, Demand demand, IReadOnlyList<Size> sizes)
    {
        foreach (var size in sizes.Where(s => s.IsSmallerThan(demand)).OrderByDescending(s => Kept(s, demand)))
        {
            var smaller = demand with { Vcpus = size.Vcpus, MemoryMib = size.MemoryMib, DiskGib = size.DiskGib };
            if (fleet.Any(c => c.Up && c.Schedulable && c.IsIn(demand.AvailabilityZone) && c.HasRoom(smaller)))
                return new Remedy.OtherSize(size);
        }
        return null;
    }

    // Shares of what was asked for, so that a gibibyte of disk does not count as much as a processor.
    static double Kept(Size size, Demand demand) => (double)size.Vcpus / demand.Vcpus
        + (double)size.MemoryMib / demand.MemoryMib + (double)size.DiskGib / demand.DiskGib;

    static Remedy? Opened(IReadOnlyList<Candidate> fleet, Demand demand) =>
        fleet.FirstOrDefault(c => c.Up && !c.Schedulable && c.IsIn(demand.AvailabilityZone) && c.HasRoom(demand)) is { } closed
            ? new Remedy.Opened(closed.Uid)
            : null;

    static Remedy? Reconnected(IReadOnlyList<Candidate> fleet, Demand demand) =>
        fleet.FirstOrDefault(c => !c.Up && c.Schedulable && c.IsIn(demand.AvailabilityZone) && c.HasRoom(demand)) is { } away
            ? new Remedy.Reconnected(away.Uid)
            : null;

    static Remedy? Freed(IReadOnlyList<Candidate> fleet, Demand demand) =>
        fleet.Where(c => c.Up && c.Schedulable && c.IsIn(demand.AvailabilityZone) && c.IsLargeEnough(demand))
            .MinBy(c => Lack(c, demand)) is { } fullest
            ? new Remedy.Freed(fullest.Uid, Math.Max(0, demand.Vcpus - fullest.FreeVcpus),
                Math.Max(0, demand.MemoryMib - fullest.FreeMemoryMib), Math.Max(0, demand.DiskGib - fullest.FreeDiskGib))
            : null;

    internal static double Lack(Candidate candidate, Demand demand) =>
        Math.Max(0, demand.Vcpus - candidate.FreeVcpus) / (double)demand.Vcpus
        + Math.Max(0, demand.MemoryMib - candidate.FreeMemoryMib) / (double)demand.MemoryMib
        + Math.Max(0, demand.DiskGib - candidate.FreeDiskGib) / (double)demand.DiskGib;
}
