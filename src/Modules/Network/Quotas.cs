using Monolith.Network.Addresses;
using Monolith.Platform.Quotas;
using Monolith.Platform.Storage;

namespace Monolith.Network;

/// <summary>What this module counts towards quotas, and whether a claim that is still to come would fit.</summary>
internal sealed class Quotas(Store<NetworkDb> store, IQuotaLimits? limits = null)
{
    const string Ports = "ports", Addresses = "addresses";

    public static Counts<NetworkDb> Counts { get; } = new Counts<NetworkDb>()
        .Of(db => db.Networks, ("networks", _ => 1))
        .Of(db => db.SecurityGroups, ("security_groups", _ => 1))
        .Of(db => db.Ports, (Ports, _ => 1))
        .Of(db => db.Addresses, a => a.Project, a => a.Address, a => a.Owner, (Addresses, _ => 1));

    /// <summary>Of what counts: the address itself, where its holder alone would not tell.</summary>
    public static string PartOf(string quota, string key) => quota == Addresses ? Ip.OfKey(key).ToString() : "";

    /// <param name="asked">Ports and addresses.</param>
    public async Task<IReadOnlyList<ExceededQuota>> ExceededAsync(string project,
        Func<NetworkDb, Task<(int Ports, int Addresses)>> asked)
    {
        if (limits is null || !limits.Any(project)) return [];
        return await store.ReadAsync(async db =>
        {
            var (ports, addresses) = await asked(db);
            return await Counts.ExceededAsync(db, limits, project,
                new Dictionary<string, long> { [Ports] = ports, [Addresses] = addresses }, isCounted: false);
        });
    }
}
