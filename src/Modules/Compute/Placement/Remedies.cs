namespace Monolith.Compute.Placement;

/// <summary>
/// The nearest change that makes a demand fit which fits nowhere. Near is first what its tenant can do alone: another
/// zone, then the flavor that takes least away, then to leave the group; then what an operator does with a word, what
/// comes back by itself, what somebody else must give up, and what must be bought. Pure.
/// </summary>
internal static class Remedies
{
    /// <param name="fleet">None of them is valid for the demand.</param>
    /// <param name="more">What operators added; null: nothing.</param>
    /// <returns>Null: only with such additions, when they would refuse even a new hypervisor.</returns>
    public static Remedy? Nearest(IReadOnlyList<Candidate> fleet, Demand demand, IReadOnlyList<Size> sizes,
        PlacementRules? more = null)
    {
        return OtherZone() ?? OtherSize() ?? Ungrouped()
            ?? First(c => c is { Up: true, Schedulable: false }, c => new Remedy.Opened(c.Uid))
            ?? First(c => c is { Up: false, Schedulable: true }, c => new Remedy.Reconnected(c.Uid))
            ?? Freed() ?? Added();

        Remedy? OtherZone() => fleet.Where(c => Takes(c, demand with { AvailabilityZone = c.AvailabilityZone }))
            .MaxBy(c => c.FreeMemoryMib) is { } other
            ? new Remedy.OtherZone(other.AvailabilityZone)
            : null;

        Remedy? OtherSize() => sizes.Where(s => s.IsInsteadOf(demand)).OrderByDescending(s => Kept(s, demand))
            .FirstOrDefault(s => IsTaken(s.For(demand))) is { } size
            ? new Remedy.OtherSize(size)
            : null;

        Remedy? Ungrouped() => demand.Company is { IsHard: true } && IsTaken(demand with { Company = null })
            ? new Remedy.Ungrouped()
            : null;

        Remedy? First(Func<Candidate, bool> isOf, Func<Candidate, Remedy.OnOne> remedy) =>
            fleet.Where(isOf).Select(c => (Before: c, Remedy: remedy(c)))
                .FirstOrDefault(r => Takes(r.Remedy.Changed(r.Before), demand)).Remedy;

        Remedy? Freed() => fleet.Where(c => c.IsLargeEnough(demand)).OrderBy(c => Lack(c, demand))
            .Select(c => (Before: c, Remedy: Remedy.Freed.Of(c, demand)))
            .FirstOrDefault(r => Takes(r.Remedy.Changed(r.Before), demand)).Remedy;

        Remedy? Added()
        {
            var added = new Remedy.Added(demand, LeavesGroup: demand.Company is { ClosesToNew: true });
            return Takes(added.Hypervisor, added.Of(demand)) ? added : null;
        }

        bool IsTaken(Demand wanted) => fleet.Any(c => Takes(c, wanted));

        bool Takes(Candidate candidate, Demand wanted) => candidate.Up && candidate.Schedulable
            && candidate.IsIn(wanted.AvailabilityZone) && candidate.Suits(wanted) && candidate.HasRoom(wanted)
            && more?.Pass(candidate, wanted) != false;
    }

    internal static double Lack(Candidate candidate, Demand demand) =>
        Math.Max(0, demand.Vcpus - candidate.FreeVcpus) / (double)demand.Vcpus
        + Math.Max(0, demand.MemoryMib - candidate.FreeMemoryMib) / (double)demand.MemoryMib
        + Math.Max(0, demand.DiskGib - candidate.FreeDiskGib) / (double)demand.DiskGib;

    // Shares of what was asked for, so that a gibibyte of disk does not count as much as a processor.
    static double Kept(Size size, Demand demand) => (double)size.Vcpus / demand.Vcpus
        + (double)size.MemoryMib / demand.MemoryMib + (double)size.DiskGib / demand.DiskGib;
}
