using System.Globalization;

namespace Monolith.Compute.Placement;

/// <summary>A change after which a demand that fits nowhere fits. Closed, immutable.</summary>
internal abstract record Remedy
{
    Remedy() { }

    /// <summary>Read after "It would fit". Names no hypervisor, for tenants read it.</summary>
    public abstract string Words { get; }

    /// <summary>The fleet and the demand as they would be.</summary>
    public abstract (IReadOnlyList<Candidate> Fleet, Demand Demand) ApplyTo(IReadOnlyList<Candidate> fleet, Demand demand);

    /// <summary>The tenant asks for another zone.</summary>
    public sealed record OtherZone(string Zone) : Remedy
    {
        public override string Words =>
            Zone.Length == 0 ? "without an availability zone" : $"in availability zone {Zone}";

        public override (IReadOnlyList<Candidate>, Demand) ApplyTo(IReadOnlyList<Candidate> fleet, Demand demand) =>
            (fleet, demand with { AvailabilityZone = Zone });
    }

    /// <summary>The tenant asks for less, or for another kind.</summary>
    public sealed record OtherSize(Size Size) : Remedy
    {
        public override string Words => $"with {Size.Flavor}";

        public override (IReadOnlyList<Candidate>, Demand) ApplyTo(IReadOnlyList<Candidate> fleet, Demand demand) =>
            (fleet, Size.For(demand));
    }

    /// <summary>The tenant does without the group.</summary>
    public sealed record Ungrouped : Remedy
    {
        public override string Words => "outside its server group";

        public override (IReadOnlyList<Candidate>, Demand) ApplyTo(IReadOnlyList<Candidate> fleet, Demand demand) =>
            (fleet, demand with { Company = null });
    }

    /// <summary>Something happens to one hypervisor.</summary>
    public abstract record OnOne(Guid Uid) : Remedy
    {
        public abstract Candidate Changed(Candidate candidate);

        public sealed override (IReadOnlyList<Candidate>, Demand) ApplyTo(IReadOnlyList<Candidate> fleet, Demand demand) =>
            ([.. fleet.Select(c => c.Uid == Uid ? Changed(c) : c)], demand);
    }

    /// <summary>An operator opens a hypervisor that has room.</summary>
    public sealed record Opened(Guid Uid) : OnOne(Uid)
    {
        public override string Words => "if a hypervisor with room for it were opened again; ask the operators";

        public override Candidate Changed(Candidate candidate) => candidate with { Schedulable = true };
    }

    /// <summary>A hypervisor that has room comes back.</summary>
    public sealed record Reconnected(Guid Uid) : OnOne(Uid)
    {
        public override string Words => "if a hypervisor that is not connected came back; ask the operators";

        public override Candidate Changed(Candidate candidate) => candidate with { Up = true };
    }

    /// <summary>Something on the hypervisor that lacks least goes away.</summary>
    public sealed record Freed(Guid Uid, int Vcpus, long MemoryMib, long DiskGib) : OnOne(Uid)
    {
        public static Freed Of(Candidate candidate, Demand demand) => new(candidate.Uid,
            Math.Max(0, demand.Vcpus - candidate.FreeVcpus), Math.Max(0, demand.MemoryMib - candidate.FreeMemoryMib),
            Math.Max(0, demand.DiskGib - candidate.FreeDiskGib));

        public override string Words => $"if {Amounts(Vcpus, MemoryMib, DiskGib)} more were free on one hypervisor; "
            + "delete servers, or ask the operators for room";

        public override Candidate Changed(Candidate candidate) => candidate with
        {
            FreeVcpus = candidate.FreeVcpus + Vcpus,
            FreeMemoryMib = candidate.FreeMemoryMib + MemoryMib,
            FreeDiskGib = candidate.FreeDiskGib + DiskGib,
        };
    }

    /// <summary>One more hypervisor joins, of the right kind.</summary>
    /// <param name="For">What it is to hold.</param>
    /// <param name="LeavesGroup">The group would rule it out as well.</param>
    public sealed record Added(Demand For, bool LeavesGroup) : Remedy
    {
        public override string Words => (LeavesGroup ? "outside its server group, " : "")
            + $"on one more hypervisor with {Amounts(For.Vcpus, For.MemoryMib, For.DiskGib)}"
            + (For.Needs.Words.Count == 0 ? "" : $" and {string.Join(", ", For.Needs.Words)}")
            + (For.AvailabilityZone.Length == 0 ? "" : $" in availability zone {For.AvailabilityZone}")
            + "; ask the operators";

        public Candidate Hypervisor => new(Guid.Empty, "new", true, true, For.AvailabilityZone, For.Vcpus, For.MemoryMib,
            For.DiskGib, For.Vcpus, For.MemoryMib, For.DiskGib)
        { Traits = For.Needs };

        public Demand Of(Demand demand) => LeavesGroup ? demand with { Company = null } : demand;

        public override (IReadOnlyList<Candidate>, Demand) ApplyTo(IReadOnlyList<Candidate> fleet, Demand demand) =>
            ([.. fleet, Hypervisor], Of(demand));
    }

    static string Amounts(int vcpus, long memoryMib, long diskGib)
    {
        var all = new[] { (vcpus, vcpus == 1 ? "vCPU" : "vCPUs"), (memoryMib, "MiB of memory"), (diskGib, "GiB of disk") };
        var some = all.Where(a => a.Item1 > 0)
            .Select(a => string.Create(CultureInfo.InvariantCulture, $"{a.Item1} {a.Item2}")).ToList();
        return some.Count < 2 ? string.Concat(some) : $"{string.Join(", ", some.SkipLast(1))} and {some[^1]}";
    }
}
