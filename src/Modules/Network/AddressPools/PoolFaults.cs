using System.Globalization;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Monolith.Network.Addresses;
using Monolith.Platform.Faults;

namespace Monolith.Network.AddressPools;

internal static class PoolFaults
{
    /// <summary>No address of the family is free in any of the pools.</summary>
    public static async Task<Fault> ExhaustedAsync(NetworkDb db, IReadOnlyList<AddressPoolRow> pools, int family,
        DateTime now)
    {
        var uids = pools.Select(p => p.Uid).ToList();
        var waiting = db.FreeRanges.Where(r => uids.Contains(r.PoolUid) && r.Family == family && r.FreeAfter > now);
        // What waits is single addresses, and nothing else is left.
        var quarantined = await waiting.CountAsync();
        var free = await waiting.MinAsync(r => (DateTime?)r.FreeAfter);
        var total = AddressSpace.Count(pools.SelectMany(p => p.Space).Where(r => r.First.Family == family));
        var names = string.Join(", ", pools.Select(p => p.Name));
        var message = $"No IPv{family} address is free in {names}: {total - quarantined} of {total} are held"
            + (free is null ? "" : $" and {quarantined} in quarantine, the first until {free:O}")
            + ". Delete servers or ports that are not needed, or have the operators add a prefix to the pool.";
        return new Fault(StatusCode.ResourceExhausted, "ADDRESS_POOL_EXHAUSTED", message)
        {
            Metadata = new Dictionary<string, string>
            {
                ["pool"] = names,
                ["family"] = family.ToString(CultureInfo.InvariantCulture),
                ["used"] = (total - quarantined).ToString(CultureInfo.InvariantCulture),
                ["quarantined"] = quarantined.ToString(CultureInfo.InvariantCulture),
                ["total"] = total.ToString(CultureInfo.InvariantCulture),
            },
            RetryAfter = free - now,
        };
    }
}
