using Microsoft.EntityFrameworkCore;
using Monolith.Network.Addresses;
using Monolith.Network.V1;
using Monolith.Platform.Faults;

namespace Monolith.Network.AddressPools;

/// <summary>The pool of a purpose, for what is announced from anywhere and is thus of no zone.</summary>
internal static class PurposePools
{
    /// <param name="named">The pool's name, with or without its collection; empty: the only one that the project may use.</param>
    /// <param name="field">Where the name stands in the request.</param>
    /// <param name="chosen">An address that it must have; null: any.</param>
    /// <exception cref="Fault">None is there, the named one is not for it, or there are several.</exception>
    public static async Task<AddressPoolRow> FindAsync(NetworkDb db, AddressPool.Types.Purpose purpose, string project,
        string named, string field, Ip? chosen = null)
    {
        var word = purpose.ToString().ToUpperInvariant();
        if (purpose == AddressPool.Types.Purpose.LoadBalancer) word = "LOAD_BALANCER";
        var pools = await db.AddressPools.AsNoTracking().Where(p => p.Purpose == purpose).OrderBy(p => p.Name).ToListAsync();
        string? Obstacle(AddressPoolRow row) =>
            PoolChoice.Obstacle(row, new(purpose, project, "", row.Has(4) ? 4 : 6))
            ?? (chosen is { } address && !row.Contains(address) ? $"does not have {address}" : null);
        if (named.Length > 0)
        {
            var name = named.StartsWith("addressPools/", StringComparison.Ordinal) ? named : "addressPools/" + named;
            var pool = pools.Find(p => p.Name == name) ?? throw Fault.Invalid(field, $"{name} is no pool of purpose {word}");
            return Obstacle(pool) is { } obstacle ? throw Fault.Invalid(field, $"{name} {obstacle}") : pool;
        }
        var eligible = pools.FindAll(p => Obstacle(p) is null);
        return eligible.Count switch
        {
            1 => eligible[0],
            0 when pools.Count > 0 => throw Fault.Precondition("NO_ADDRESS_POOL", "addressPools/-",
                $"No address pool of purpose {word} is for it: "
                + string.Join("; ", pools.Select(p => $"{p.Name} {Obstacle(p)}")) + ". Have the operators make one."),
            0 => throw Fault.Precondition("NO_ADDRESS_POOL", "addressPools/-",
                $"There is no address pool of purpose {word}. Have the operators make one."),
            _ => throw Fault.Invalid(field,
                $"is needed, since there are {eligible.Count}: {string.Join(", ", eligible.Select(p => p.Name))}"),
        };
    }
}
