using Monolith.Agent.Routing;

namespace Monolith.Agent.Network.Invariants;

/// <summary>From what a machine and its routing daemon say to what is wrong with it. Pure.</summary>
internal static class Judge
{
    public static IReadOnlyList<Breach> Breaches(MachineFacts facts, FabricPaths paths) =>
    [
        .. SharedLayer.Breaches(facts)
            .Concat(NextHops.Breaches(facts, paths))
            .Concat(SpoofPaths.Breaches(facts))
            .Concat(Owners.Breaches(facts, paths))
            .DistinctBy(b => (b.Code, b.Subject)),
    ];
}
