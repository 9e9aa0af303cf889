using Monolith.Simulation.Tests.Nodes;

namespace Monolith.Simulation.Tests.Promises;

/// <summary>Promise 5, all along: no two machines answer for one address.</summary>
internal static class Addresses
{
    public static void Check(IReadOnlyList<Node> nodes)
    {
        var routed = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var node in nodes)
            foreach (var tap in node.Taps())
                foreach (var address in tap.Routed)
                    if (!routed.TryAdd(address.ToString(), $"{node.Name} {tap.TapName}"))
                        throw new BrokenPromiseException(
                            $"{address} is routed by {routed[address.ToString()]} and by {node.Name} {tap.TapName}");
    }
}
