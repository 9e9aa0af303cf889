namespace Monolith.Compute.Placement;

/// <summary>A hypervisor as placement sees it: what it has, and what of it is free. Immutable.</summary>
internal sealed record Candidate(Guid Uid, string Id, bool Up, bool Schedulable, string AvailabilityZone,
    int FreeVcpus, long FreeMemoryMib, long FreeDiskGib, int Vcpus, long MemoryMib, long DiskGib)
{
    public TraitSet Traits { get; init; } = TraitSet.None;

    /// <summary>As they are stored (<see cref="Platform.Names.Labels"/>).</summary>
    public string Labels { get; init; } = "";

    public int Servers { get; init; }

    /// <summary>Its side of every draw (<see cref="Lots"/>).</summary>
    public ulong Lot { get; } = Lots.Of(Uid);

    public bool HasRoom(Demand demand) => FreeVcpus >= demand.Vcpus && FreeMemoryMib >= demand.MemoryMib
        && FreeDiskGib >= demand.DiskGib;

    /// <summary>It would have room if nothing were on it.</summary>
    public bool IsLargeEnough(Demand demand) => Vcpus >= demand.Vcpus && MemoryMib >= demand.MemoryMib
        && DiskGib >= demand.DiskGib;

    public bool IsIn(string zone) => zone.Length == 0 || AvailabilityZone == zone;

    /// <summary>Of the right kind, and near or far enough from the demand's company.</summary>
    public bool Suits(Demand demand) => Traits.HasAll(demand.Needs) && !Traits.HasAny(demand.Avoids)
        && demand.Company?.Admits(this) != false;

    public Candidate Less(Demand demand) => this with
    {
        FreeVcpus = FreeVcpus - demand.Vcpus,
        FreeMemoryMib = FreeMemoryMib - demand.MemoryMib,
        FreeDiskGib = FreeDiskGib - demand.DiskGib,
        Servers = Servers + 1,
    };
}

/// <summary>What a server needs. Immutable.</summary>
/// <param name="AvailabilityZone">Empty: any.</param>
/// <param name="LeastMemoryMib">What its image needs, whatever the flavor.</param>
/// <param name="LeastDiskGib">As above.</param>
internal sealed record Demand(int Vcpus, int MemoryMib, int DiskGib, string AvailabilityZone,
    int LeastMemoryMib = 0, int LeastDiskGib = 0)
{
    /// <summary>Traits that its hypervisor must have.</summary>
    public TraitSet Needs { get; init; } = TraitSet.None;

    /// <summary>Traits that its hypervisor must not have.</summary>
    public TraitSet Avoids { get; init; } = TraitSet.None;

    /// <summary>It goes where least is left, so that large servers find whole hypervisors; else where most is.</summary>
    public bool Packs { get; init; }

    /// <summary>Null: it is in no group.</summary>
    public Company? Company { get; init; }
}

/// <summary>A flavor, as an alternative.</summary>
internal sealed record Size(string Flavor, int Vcpus, int MemoryMib, int DiskGib)
{
    public TraitSet Needs { get; init; } = TraitSet.None;

    public TraitSet Avoids { get; init; } = TraitSet.None;

    /// <summary>No larger anywhere, another one somewhere, and enough for the image.</summary>
    public bool IsInsteadOf(Demand demand) => Vcpus <= demand.Vcpus && MemoryMib <= demand.MemoryMib
        && DiskGib <= demand.DiskGib && MemoryMib >= demand.LeastMemoryMib && DiskGib >= demand.LeastDiskGib
        && For(demand) != demand;

    /// <summary>The demand with this flavor.</summary>
    public Demand For(Demand demand) => demand with
    {
        Vcpus = Vcpus,
        MemoryMib = MemoryMib,
        DiskGib = DiskGib,
        Needs = Needs,
        Avoids = Avoids,
    };
}
