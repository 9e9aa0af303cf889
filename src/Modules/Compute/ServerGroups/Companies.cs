using Microsoft.EntityFrameworkCore;
using Monolith.Compute.Placement;
using Monolith.Compute.Servers;
using Monolith.Compute.Vms;
using Monolith.Platform.Storage;

namespace Monolith.Compute.ServerGroups;

/// <summary>Where the others of a server's group run.</summary>
internal static class Companies
{
    sealed record Neighbour(string Hypervisor, string Labels);

    static readonly Func<ComputeDb, string, Task<ServerGroupRow?>> ByName =
        Query.One((ComputeDb db, string name) => db.ServerGroups.FirstOrDefault(g => g.Name == name));

    public static readonly Func<ComputeDb, string, Task<bool>> Exists =
        Query.One((ComputeDb db, string name) => db.ServerGroups.Any(g => g.Name == name));

    static readonly Func<ComputeDb, string, Guid, Task<List<Neighbour>>> Neighbours =
        Query.Many((ComputeDb db, string group, Guid server) => db.Servers
            .Where(s => s.ServerGroup == group && s.Uid != server && !s.Deleting)
            // Where it goes counts as well as where it is; where it was does not.
            .Join(db.Vms.Where(v => v.Role != VmRole.Fenced && (v.Role == VmRole.Current || v.Role == VmRole.Incoming)), s => s.Uid, v => v.ServerUid, (s, v) => v.Hypervisor)
            .Join(db.Hypervisors, id => "hypervisors/" + id, h => h.Name, (id, h) => new Neighbour(id, h.Labels)));

    /// <returns>Null: the server is in no group.</returns>
    public static async Task<Company?> OfAsync(ComputeDb db, ServerRow server) =>
        server.ServerGroup is { } group
            ? await CompanyAsync(db, group, () => Neighbours(db, group, server.Uid))
            : null;

    /// <returns>Those of the group that stay when hypervisors go away. Null: there is no such group.</returns>
    /// <param name="leaving">Ids of hypervisors.</param>
    public static Task<Company?> OfAsync(ComputeDb db, string group, IReadOnlyCollection<string> leaving) =>
        CompanyAsync(db, group, async () =>
            (await Neighbours(db, group, Guid.Empty)).FindAll(n => !leaving.Contains(n.Hypervisor)));

    static async Task<Company?> CompanyAsync(ComputeDb db, string name, Func<Task<List<Neighbour>>> neighbours)
    {
        // The group first: a placement between the two makes the company look older than it is, never newer.
        if (await ByName(db, name) is not { } group) return null;
        var alone = new Company(group.Name, group.Placements, group.Policy, group.TopologyLabel, new Dictionary<string, int>());
        return alone with
        {
            Others = (await neighbours()).Select(n => alone.PlaceOf(n.Hypervisor, n.Labels))
                .Where(place => place.Length > 0).CountBy(place => place).ToDictionary(),
        };
    }

    /// <summary>All that a placement of the server is asked for.</summary>
    public static async Task<Demand> DemandOfAsync(Store<ComputeDb> store, ServerRow server) => server.ServerGroup is null
        ? server.Demand
        : server.Demand with { Company = await store.ReadAsync(db => OfAsync(db, server)) };

    /// <summary>Counts a placement that was decided with that company, in the transaction that makes it. The group's row
    /// is locked until then, so that of two at the same time the second is decided again.</summary>
    /// <returns>False: another one was placed meanwhile.</returns>
    public static async Task<bool> ClaimAsync(ComputeDb db, Company? company, CancellationToken cancel) =>
        company is null || await db.ServerGroups.Where(g => g.Name == company.Group && g.Placements == company.Placements)
            .ExecuteUpdateAsync(g => g.SetProperty(x => x.Placements, x => x.Placements + 1), cancel) > 0;

    /// <summary>Locks the group for the transaction: a server that joins and a deletion do not miss each other.</summary>
    /// <returns>False: there is no such group.</returns>
    public static async Task<bool> HoldAsync(ComputeDb db, string group) =>
        await db.ServerGroups.Where(g => g.Name == group)
            .ExecuteUpdateAsync(g => g.SetProperty(x => x.Placements, x => x.Placements)) > 0;
}
