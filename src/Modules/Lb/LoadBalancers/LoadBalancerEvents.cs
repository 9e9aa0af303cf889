using Microsoft.EntityFrameworkCore;
using Monolith.Lb.Nodes;
using Monolith.Lb.V1;
using Monolith.Platform.Storage;

namespace Monolith.Lb.LoadBalancers;

/// <summary>A load balancer with what nodes say of it, as it is shown and told of.</summary>
internal static class LoadBalancerEvents
{
    public static async Task<LoadBalancer> EmitAsync(this Unit<LbDb> unit, Change change, LoadBalancerRow row,
        CancellationToken cancel)
    {
        // Queries do not see what is not saved yet.
        await unit.Db.SaveChangesAsync(cancel);
        var proto = (await ShowAsync(unit.Db, [row], cancel))[0];
        unit.Emit("loadBalancer", change, row.Name, row.Project, proto);
        return proto;
    }

    public static async Task<List<LoadBalancer>> ShowAsync(this LbDb db, IReadOnlyList<LoadBalancerRow> rows,
        CancellationToken cancel)
    {
        var uids = rows.Select(r => r.Uid).ToList();
        var statuses = (await db.Statuses.Where(s => uids.Contains(s.LoadBalancerUid)).ToListAsync(cancel))
            .ToLookup(s => s.LoadBalancerUid);
        var nodes = await db.Nodes.ToListAsync(cancel);
        return [.. rows.Select(r => r.ToProto([.. statuses[r.Uid]], nodes))];
    }

    public static async Task<Situation> SituationAsync(this LbDb db, Guid uid, DateTime now, CancellationToken cancel) =>
        new(await db.Statuses.Where(s => s.LoadBalancerUid == uid).ToListAsync(cancel),
            await db.Nodes.ToListAsync(cancel), now);
}
