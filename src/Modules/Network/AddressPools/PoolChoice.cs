using Monolith.Network.V1;

namespace Monolith.Network.AddressPools;

/// <summary>Who wants an address, and what for. Immutable.</summary>
/// <param name="Project">The project's id.</param>
/// <param name="Zone">The availability zone that it is bound to; empty: none.</param>
/// <param name="Family">4 or 6.</param>
internal sealed record PoolWant(AddressPool.Types.Purpose Purpose, string Project, string Zone, int Family);

/// <summary>Which pools an address may come from. Pure: whether one has an address left is seen by taking it.</summary>
internal static class PoolChoice
{
    /// <summary>Why the pool is not for it; null when it is.</summary>
    public static string? Obstacle(AddressPoolRow pool, PoolWant want)
    {
        if (pool.Purpose != want.Purpose) return $"is for {Word(pool.Purpose)}";
        if (pool.Project.Length > 0 && pool.Project != want.Project) return $"belongs to projects/{pool.Project}";
        if (pool.AvailabilityZone.Length > 0 && pool.AvailabilityZone != want.Zone)
            return $"is for the availability zone {pool.AvailabilityZone}, and "
                + (want.Zone.Length > 0 ? $"{want.Zone} is asked for" : "none is asked for");
        return pool.Has(want.Family) ? null : $"has no IPv{want.Family} prefix";
    }

    public static List<AddressPoolRow> Eligible(IEnumerable<AddressPoolRow> pools, PoolWant want) =>
        [.. pools.Where(pool => Obstacle(pool, want) is null)];

    /// <summary>Each pool that is not for it, with its reason; empty when all are.</summary>
    public static string Explain(IEnumerable<AddressPoolRow> pools, PoolWant want) => string.Join("; ", pools
        .Select(pool => (pool.Name, Why: Obstacle(pool, want))).Where(p => p.Why is not null)
        .Select(p => $"{p.Name} {p.Why}"));

    public static string Word(AddressPool.Types.Purpose purpose) => purpose switch
    {
        AddressPool.Types.Purpose.Server => "servers",
        AddressPool.Types.Purpose.LoadBalancer => "load balancers",
        AddressPool.Types.Purpose.Floating => "floating addresses",
        AddressPool.Types.Purpose.Infrastructure => "infrastructure",
        _ => "nothing",
    };
}
