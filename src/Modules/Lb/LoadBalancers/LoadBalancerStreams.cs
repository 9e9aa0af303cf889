using Microsoft.EntityFrameworkCore;
using Monolith.Agent.V1;
using Monolith.Platform.Nodes;
using Monolith.Platform.Storage;

namespace Monolith.Lb.LoadBalancers;

/// <summary>What LB nodes should hold: every load balancer that has an address, each of them.</summary>
internal sealed class LoadBalancerItems(Store<LbDb> store) : INodeItems<LoadBalancerSpec>
{
    public Task<IReadOnlyList<DesiredItem<LoadBalancerSpec>>> AllAsync(string node, CancellationToken cancel) =>
        store.ReadAsync(async db => Items(await db.LoadBalancers.Where(b => b.DeleteTime == null && b.Address != "")
            .OrderBy(b => b.Uid).ToListAsync(cancel)));

    public Task<IReadOnlyList<DesiredItem<LoadBalancerSpec>>> SomeAsync(string node, IReadOnlyCollection<string> ids,
        CancellationToken cancel)
    {
        var uids = ids.Select(Guid.Parse).ToList();
        return store.ReadAsync(async db => Items(await db.LoadBalancers
            .Where(b => uids.Contains(b.Uid) && b.DeleteTime == null && b.Address != "").ToListAsync(cancel)));
    }

    /// <summary>
    /// With what a node was told of and never reported: no node's digest agrees with that, so that a full report says
    /// whether it holds it.
    /// </summary>
    public Task<NodeSummary> SummaryAsync(string node, CancellationToken cancel) => store.ReadAsync(async db =>
    {
        var items = await db.LoadBalancers.Where(b => b.DeleteTime == null && b.Address != "")
            .Select(b => new { b.Uid, b.SpecGeneration }).ToListAsync(cancel);
        var statuses = await db.Statuses.Where(s => s.Node == node)
            .Select(s => new { s.LoadBalancerUid, s.ReportDigest }).ToListAsync(cancel);
        return new NodeSummary(items.ConvertAll(b => (b.Uid.ToString(), (ulong)b.SpecGeneration)),
            SyncDigest.Of(statuses.Select(s => (s.LoadBalancerUid.ToString(), s.ReportDigest))));
    });

    static IReadOnlyList<DesiredItem<LoadBalancerSpec>> Items(List<LoadBalancerRow> rows) =>
        rows.ConvertAll(b => new DesiredItem<LoadBalancerSpec>(b.Uid.ToString(), (ulong)b.SpecGeneration, Members.Spec(b)));
}

/// <summary>The streams of the LB nodes that are connected to this process.</summary>
internal sealed class LoadBalancerStreams(LoadBalancerItems items, TimeProvider time)
{
    public NodeSync<LoadBalancerSpec> Sync { get; } = new(items, time);

    public void Wake(Guid uid)
    {
        foreach (var node in Sync.Connected) Sync.Wake(node, uid.ToString());
    }
}
