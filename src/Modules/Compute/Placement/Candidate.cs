namespace Monolith.Compute.Placement;

/// <summary>A hypervisor as placement sees it: what it has, and what of it is free. Immutable.</summary>
internal sealed record Candidate(Guid Uid, string Id, bool Up, bool Schedulable, string AvailabilityZone,
    int FreeVcpus, long FreeMemoryMib, long FreeDiskGib, int Vcpus, long MemoryMib, long DiskGib)
{
    /// <summary>Its side of every draw (<see cref="Lots"/>).</summary>
    public ulong Lot { get; } = Lots.Of(Uid);

    public bool HasRoom(Demand demand) => FreeVcpus >= demand.Vcpus && FreeMemoryMib >= demand.MemoryMib
        && FreeDiskGib >= demand.DiskGib;

    /// <summary>It would have room if nothing were on it.</summary>
    public bool IsLargeEnough(Demand demand) => Vcpus >= demand.Vcpus && MemoryMib >= demand.MemoryMib
        && DiskGib >= demand.DiskGib;

    public bool IsIn(string zone) => zone.Length == 0 || AvailabilityZone == zone;

    public Candidate Less(Demand demand) => this with
    {
        FreeVcpus = FreeVcpus - demand.Vcpus,
        FreeMemoryMib = FreeMemoryMib - demand.MemoryMib,
        FreeDiskGib = FreeDiskGib - demand.DiskGib,
    };
}

/// <summary>What a server needs. Immutable.</summary>
/// <param name="AvailabilityZone">Empty: any.</param>
/// <param name="LeastMemoryMib">What its image needs, whatever the flavor.</param>
/// <param name="LeastDiskGib">As above.</param>
internal sealed record Demand(int Vcpus, int MemoryMib, int DiskGib, string AvailabilityZone,
    int LeastMemoryMib = 0, int LeastDiskGib = 0);

/// <summary>A flavor, as an alternative.</summary>
internal sealed record Size(string Flavor, int Vcpus, int MemoryMib, int DiskGib)
{
    /// <summary>No larger anywhere, smaller somewhere, and enough for the image.</summary>
    public bool IsSmallerThan(Demand demand) => Vcpus <= demand.Vcpus && MemoryMib <= demand.MemoryMib
        && DiskGib <= demand.DiskGib
        && (Vcpus < demand.Vcpus || MemoryMib < demand.MemoryMib || DiskGib < demand.DiskGib)
        && MemoryMib >= demand.LeastMemoryMib && DiskGib >= demand.LeastDiskGib;
}
