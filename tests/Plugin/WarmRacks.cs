using Monolith.Compute.Contracts;

namespace Monolith.Sample.Plugin;

/// <summary>Operators label hypervisors of racks that are too warm; nothing is placed there.</summary>
public sealed class WarmRacks : IPlacementFilter
{
    public string Rejects => "whose racks are too warm";

    public bool Passes(HypervisorFacts hypervisor, PlacementDemand demand) =>
        hypervisor.Labels.GetValueOrDefault("cooling") != "poor";
}

/// <summary>Prefers machines that were paid for.</summary>
public sealed class OldMachines : IPlacementWeigher
{
    public double Weigh(HypervisorFacts hypervisor, PlacementDemand demand) => hypervisor.Labels.ContainsKey("paid") ? 1 : 0;
}
