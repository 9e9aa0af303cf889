using Microsoft.EntityFrameworkCore;
using Monolith.Network.Addresses;

namespace Monolith.Network.AddressPools;

/// <summary>What of a pool is where, at a moment. Immutable.</summary>
/// <param name="Used">Held.</param>
/// <param name="ReservedFree">Of reservations, and held by nobody.</param>
/// <param name="Quarantined">Released a moment ago.</param>
/// <param name="First">The first sample of the forecast's window.</param>
internal sealed record PoolFigures(DateTime Now, long Used, long ReservedFree, long Quarantined, PoolSample? First)
{
    public static PoolFigures None(DateTime now) => new(now, 0, 0, 0, null);

    public long FreeOf(long all) => Math.Max(0, all - Used - ReservedFree - Quarantined);

    /// <summary>Of each pool, in four queries for all of them.</summary>
    public static async Task<Dictionary<Guid, PoolFigures>> OfAsync(NetworkDb db, IEnumerable<AddressPoolRow> pools,
        DateTime now)
    {
        var uids = pools.Select(p => p.Uid).ToList();
        var usages = await db.PoolUsages.AsNoTracking().Where(u => uids.Contains(u.PoolUid))
            .ToDictionaryAsync(u => u.PoolUid);
        var reserved = (await db.Reservations.AsNoTracking().Where(r => uids.Contains(r.PoolUid))
                .Select(r => new { r.PoolUid, r.First, r.Last }).ToListAsync())
            .ToLookup(r => r.PoolUid, r => new IpRange(Ip.OfKey(r.First), Ip.OfKey(r.Last)));
        // What waits is single addresses.
        var waiting = await db.FreeRanges.Where(r => uids.Contains(r.PoolUid) && r.FreeAfter > now)
            .GroupBy(r => r.PoolUid).Select(g => new { g.Key, Count = g.LongCount() }).ToDictionaryAsync(g => g.Key, g => g.Count);
        var since = now - Forecast.Window;
        var samples = await db.PoolSamples.AsNoTracking()
            .Where(s => uids.Contains(s.PoolUid) && s.Time >= since
                && !db.PoolSamples.Any(t => t.PoolUid == s.PoolUid && t.Time >= since && t.Time < s.Time))
            .ToDictionaryAsync(s => s.PoolUid, s => new PoolSample(s.Time, s.Used));
        return uids.ToDictionary(uid => uid, uid =>
        {
            var usage = usages.GetValueOrDefault(uid);
            return new PoolFigures(now, usage?.Used ?? 0,
                Math.Max(0, AddressSpace.Count(reserved[uid]) - (usage?.UsedReserved ?? 0)),
                waiting.GetValueOrDefault(uid), samples.TryGetValue(uid, out var first) ? first : null);
        });
    }
}
