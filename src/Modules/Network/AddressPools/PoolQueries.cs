using Microsoft.EntityFrameworkCore;
using Monolith.Network.V1;
using Monolith.Platform.Storage;

namespace Monolith.Network.AddressPools;

/// <summary>What is asked of pools for every port.</summary>
internal static class PoolQueries
{
    public static readonly Func<NetworkDb, List<string>, Task<List<AddressPoolRow>>> Named =
        Query.Many((NetworkDb db, List<string> names) => db.AddressPools.AsNoTracking().Where(p => names.Contains(p.Name)));

    /// <summary>All that is the cloud's own: between these nobody's address is translated.</summary>
    public static readonly Func<NetworkDb, Task<List<string>>> Inside =
        Query.Many((NetworkDb db) => db.AddressPools.OrderBy(p => p.Name).Select(p => p.Prefixes));

    /// <summary>Of pools whose prefixes are announced for their addresses.</summary>
    public static readonly Func<NetworkDb, Task<List<string>>> Aggregates =
        Query.Many((NetworkDb db) => db.AddressPools.Where(p => p.Announcement == AddressPool.Types.Announcement.Aggregate)
            .OrderBy(p => p.Name).Select(p => p.Prefixes));
}
