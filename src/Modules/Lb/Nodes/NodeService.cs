using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Monolith.Identity.Contracts;
using Monolith.Lb.V1;
using Monolith.Network.Contracts;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Lists;
using Monolith.Platform.Names;
using Monolith.Platform.Reconciling;
using Monolith.Platform.Storage;

namespace Monolith.Lb.Nodes;

internal sealed class NodeService(Store<LbDb> store, Presence presence, INodes nodes, IFabricNodes fabric,
    Reconciler<LoadBalancerId> loadBalancers) : V1.NodeService.NodeServiceBase
{
    public override async Task<ListNodesResponse> ListNodes(ListNodesRequest request, ServerCallContext context)
    {
        var page = ListQuery.Of<NodeRow>(request, context.GetCall(), null).Page;
        return await store.ReadAsync(async db =>
        {
            var found = await db.Nodes.Where(n => string.Compare(n.Id, page.After) > 0).OrderBy(n => n.Id)
                .Take(page.Size + 1).ToListAsync();
            var (rows, next) = page.Cut(found, n => n.Id);
            var ids = rows.Select(n => n.Id).ToList();
            var held = (await db.Statuses.Where(s => ids.Contains(s.Node)).Join(db.HeldAddresses,
                s => s.LoadBalancerUid, h => h.LoadBalancerUid, (s, h) => new { s.Node, h.Address }).ToListAsync())
                .ToLookup(h => h.Node, h => h.Address);
            return new ListNodesResponse { Nodes = { rows.Select(n => n.ToProto(held[n.Id])) }, NextPageToken = next };
        });
    }

    /// <summary>The node's certificates go first: what a crash in between leaves is a row that a repeat removes, and never
    /// a machine that nobody waits for and that may come back.</summary>
    public override async Task<Empty> DeleteNode(DeleteNodeRequest request, ServerCallContext context)
    {
        var id = ResourceName.Parse("nodes/*", request.Name)[0];
        var cancel = context.CancellationToken;
        List<Guid> held = [];
        var answer = await store.MutateAsync(context.GetCall(), request, async acts =>
        {
            var known = acts && await store.ReadAsync(async db =>
            {
                var row = await db.Nodes.FirstOrDefaultAsync(n => n.Id == id, cancel);
                if (row is not null) RefuseConnected(row);
                return row is not null;
            });
            if (known) await nodes.ForgetAsync(id, cancel);
            if (known) await fabric.ForgetAsync(id, cancel);
            return known;
        }, async (unit, _) =>
        {
            var row = await unit.Db.Nodes.FirstOrDefaultAsync(n => n.Id == id) ?? throw Fault.NotFound(request.Name);
            RefuseConnected(row);
            var statuses = await unit.Db.Statuses.Where(s => s.Node == id).ToListAsync();
            held = statuses.ConvertAll(s => s.LoadBalancerUid);
            unit.Db.Statuses.RemoveRange(statuses);
            unit.Db.Nodes.Remove(row);
            unit.Emit("node", Change.Deleted, request.Name, "", row.ToProto([]));
            return new Empty();
        }, cancel);
        foreach (var uid in held) loadBalancers.Wake(new(uid));
        return answer;
    }

    /// <summary>The row knows of other processes of the host, and of this one's past for 30 s.</summary>
    void RefuseConnected(NodeRow row)
    {
        if (row.Connected || presence.IsUp(row.Id))
            throw Fault.Precondition("NODE_CONNECTED", "nodes/" + row.Id,
                $"The agent of nodes/{row.Id} is connected, or was moments ago. Stop the agent first.");
    }
}
