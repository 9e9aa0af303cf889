using Monolith.Platform.Storage;

namespace Monolith.Network.AddressSets;

/// <summary>What is asked of sets on the way to hypervisors.</summary>
internal static class AddressSetQueries
{
    public static readonly Func<NetworkDb, Guid, Task<AddressSetRow?>> ByUid =
        Query.One((NetworkDb db, Guid uid) => db.AddressSets.FirstOrDefault(s => s.Uid == uid));

    public static readonly Func<NetworkDb, List<Guid>, Task<List<AddressSetRow>>> Some =
        Query.Many((NetworkDb db, List<Guid> uids) => db.AddressSets.Where(s => uids.Contains(s.Uid)));
}
