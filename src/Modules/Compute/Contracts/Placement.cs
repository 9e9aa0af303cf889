namespace Monolith.Compute.Contracts;

/// <summary>A hypervisor as a placement is decided. Immutable.</summary>
/// <param name="Id">The last part of its name.</param>
/// <param name="Traits">In order.</param>
/// <param name="FreeMemoryMib">What no server holds, as are the other two.</param>
/// <param name="MemoryMib">What servers can hold in all, as are the other two.</param>
/// <param name="Servers">Servers that it holds.</param>
public sealed record HypervisorFacts(string Id, bool Up, bool Schedulable, string AvailabilityZone,
    IReadOnlyDictionary<string, string> Labels, IReadOnlyList<string> Traits,
    int FreeVcpus, long FreeMemoryMib, long FreeDiskGib, int Vcpus, long MemoryMib, long DiskGib, int Servers);

/// <summary>What a server needs. Immutable.</summary>
/// <param name="AvailabilityZone">Empty: any.</param>
/// <param name="RequiredTraits">Of its flavor, in order.</param>
public sealed record PlacementDemand(int Vcpus, int MemoryMib, int DiskGib, string AvailabilityZone,
    IReadOnlyList<string> RequiredTraits);

/// <summary>
/// Rules hypervisors out, after the cloud's own filters. Put an assembly with public implementations, each with a
/// constructor without parameters, into a directory of its own below the host's plug-in directory. A filter is asked
/// for each hypervisor and each placement, by many threads at once: it answers from memory, in microseconds, and the
/// same for the same facts.
/// </summary>
public interface IPlacementFilter
{
    /// <summary>What is wrong with those that it rejects, read after their number: <c>whose racks are too warm</c>.
    /// Tenants read it.</summary>
    string Rejects { get; }

    /// <summary>Whether the hypervisor may take the server. One that throws rejects, and its exception is logged.</summary>
    bool Passes(HypervisorFacts hypervisor, PlacementDemand demand);
}

/// <summary>Prefers some of the hypervisors that pass. As <see cref="IPlacementFilter"/> in all else.</summary>
public interface IPlacementWeigher
{
    /// <returns>-1 to 1, more is better; beyond that it is cut, and what is no number counts as 0. The cloud's own
    /// weigher, how much room is left, gives 0 to 1.</returns>
    double Weigh(HypervisorFacts hypervisor, PlacementDemand demand);
}
