using System.Globalization;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Monolith.Network.Addresses;
using Monolith.Platform.Faults;

namespace Monolith.Network.AddressPools;

internal static class PoolFaults
{
    /// <summary>No address of the family is free in any of the pools.</summary>
    /// <param name="others">What is to be said of pools that could not be asked; empty: nothing.</param>
    public static async Task<Fault> ExhaustedAsync(NetworkDb db, IReadOnlyList<AddressPoolRow> pools, int family,
        DateTime now, string others = "")
    {
        var uids = pools.Select(p => p.Uid).ToList();
        var waiting = db.FreeRanges.Where(r => uids.Contains(r.PoolUid) && r.Family == family && r.FreeAfter > now);
        // What waits is single addresses, and nothing else is left.
        var quarantined = await waiting.CountAsync();
        var free = await waiting.MinAsync(r => (DateTime?)r.FreeAfter);
        var total = AddressSpace.Count(pools.SelectMany(p => p.Space).Where(r => r.First.Family == family));
        var reserved = AddressSpace.Count((await db.FreeRanges.AsNoTracking()
                .Join(db.Reservations.Where(r => uids.Contains(r.PoolUid)), f => f.PoolUid, r => r.Uid, (f, _) => f)
                .Where(f => f.Family == family).ToListAsync())
            .Select(f => new IpRange(Ip.OfKey(f.First), Ip.OfKey(f.Last))));
        var held = total - quarantined - reserved;
        var names = string.Join(", ", pools.Select(p => p.Name));
        var message = $"No IPv{family} address is free in {names}: {held} of {total} are held"
            + (reserved == 0 ? "" : $", {reserved} reserved")
            + (free is null ? "" : $" and {quarantined} in quarantine, the first until {free:O}")
            + (others.Length == 0 ? "" : $". Others are not for it: {others}")
            + ". Delete servers or ports that are not needed, or have the operators add a prefix to the pool.";
        return new Fault(StatusCode.ResourceExhausted, "ADDRESS_POOL_EXHAUSTED", message)
        {
            Metadata = new Dictionary<string, string>
            {
                ["pool"] = names,
                ["family"] = family.ToString(CultureInfo.InvariantCulture),
                ["used"] = held.ToString(CultureInfo.InvariantCulture),
                ["reserved"] = reserved.ToString(CultureInfo.InvariantCulture),
                ["quarantined"] = quarantined.ToString(CultureInfo.InvariantCulture),
                ["total"] = total.ToString(CultureInfo.InvariantCulture),
                ["next_free_time"] = free?.ToString("O", CultureInfo.InvariantCulture) ?? "",
            },
            RetryAfter = free - now,
        };
    }
}
