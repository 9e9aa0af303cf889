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

    /// <summary>The tenant asks for less.</summary>
    public sealed record OtherSize(Size Size) : Remedy
    {
        public override string Words => $"with {Size.Flavor}";

        public override (IReadOnlyList<Candidate>, Demand) ApplyTo(IReadOnlyList<Candidate> fleet, Demand demand) =>
            (fleet, demand with { Vcpus = Size.Vcpus, MemoryMib = Size.MemoryMib, DiskGib = Size.DiskGib });
    }

    /// <summary>An operator opens a hypervisor that has room.</summary>
    public sealed record Opened(Guid Uid) : Remedy
    {
        public override string Words => "if a hypervisor with room for it were opened again; ask the operators";

        public override (IReadOnlyList<Candidate>, Demand) ApplyTo(IReadOnlyList<Candidate> fleet, Demand demand) =>
            (Changed(fleet, Uid, c => c with { Schedulable = true }), demand);
    }

    /// <summary>A hypervisor that has room comes back.</summary>
    public sealed record Reconnected(Guid Uid) : Remedy
    {
        public override string Words => "if a hypervisor that is not connected came back; ask the operators";

        public override (IReadOnlyList<Candidate>, Demand) ApplyTo(IReadOnlyList<Candidate> fleet, Demand demand) =>
            (Changed(fleet, Uid, c => c with { Up = true }), demand);
    }

    /// <summary>Something on the hypervisor that lacks least goes away.</summary>
    public sealed record Freed(Guid Uid, int Vcpus, long MemoryMib, long DiskGib) : Remedy
    {
        public override string Words => $"if {Amounts(Vcpus, MemoryMib, DiskGib)} more were free on one hypervisor; "
            + "delete servers, or ask the operators for room";

        public override (IReadOnlyList<Candidate>, Demand) ApplyTo(IReadOnlyList<Candidate> fleet, Demand demand) =>
            (Changed(fleet, Uid, c => c with
            {
                FreeVcpus = c.FreeVcpus + Vcpus,
                FreeMemoryMib = c.FreeMemoryMib + MemoryMib,
                FreeDiskGib = c.FreeDiskGib + DiskGib,
            }), demand);
    }

    /// <summary>One more hypervisor joins.</summary>
    public sealed record Added(int Vcpus, long MemoryMib, long DiskGib, string Zone) : Remedy
    {
        public override string Words => $"on one more hypervisor with {Amounts(Vcpus, MemoryMib, DiskGib)}"
            + (Zone.Length == 0 ? "" : $" in availability zone {Zone}") + "; ask the operators";

        public override (IReadOnlyList<Candidate>, Demand) ApplyTo(IReadOnlyList<Candidate> fleet, Demand demand) =>
            ([.. fleet, new Candidate(Guid.Empty, "new", true, true, Zone, Vcpus, MemoryMib, DiskGib, Vcpus, MemoryMib,
                DiskGib)], demand);
    }

    static Candidate[] Changed(IReadOnlyList<Candidate> fleet, Guid uid, Func<Candidate, Candidate> change) =>
        [.. fleet.Select(c => c.Uid == uid ? change(c) : c)];

    static string Amounts(int vcpus, long memoryMib, long diskGib)
    {
        var all = new[] { (vcpus, vcpus == 1 ? "vCPU" : "vCPUs"), (memoryMib, "MiB of memory"), (diskGib, "GiB of disk") };
        var some = all.Where(a => a.Item1 > 0)
            .Select(a => string.Create(CultureInfo.InvariantCulture, $"{a.Item1} {a.Item2}")).ToList();
        return some.Count < 2 ? string.Concat(some) : $"{string.Join(", ", some.SkipLast(1))} and {some[^1]}";
    }
}
