using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;
using Monolith.Agent.V1;
using Monolith.Lb.Nodes;
using Monolith.Platform;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Nodes;
using Monolith.Platform.Reconciling;
using Monolith.Platform.Storage;

namespace Monolith.Lb.LoadBalancers;

/// <summary>
/// The host's end of the LB nodes' streams (sync.proto).
/// <code>
///   row of (load balancer, node) made ─▶ upsert ─▶ status SERVING or FAILED … ─▶ remove ─▶ status REMOVED ─▶ row gone
/// </code>
/// </summary>
internal sealed partial class LoadBalancerSyncService(Store<LbDb> store, LoadBalancerStreams streams, Presence presence,
    Reconciler<LoadBalancerId> reconciler, ILogger<LoadBalancerSyncService> log)
    : Agent.V1.LoadBalancerSyncService.LoadBalancerSyncServiceBase
{
    const int MaxMessage = 1000;

    public override Task SyncLoadBalancers(IAsyncStreamReader<SyncLoadBalancersRequest> requests,
        IServerStreamWriter<SyncLoadBalancersResponse> responses, ServerCallContext context) =>
        Background.Run(() => SyncAsync(requests, responses, context));

    async Task SyncAsync(IAsyncStreamReader<SyncLoadBalancersRequest> requests,
        IServerStreamWriter<SyncLoadBalancersResponse> responses, ServerCallContext context)
    {
        var node = context.GetCall().Caller.Node
            ?? throw Fault.Unauthenticated("NOT_A_NODE", "Only an agent with a node's certificate may open this stream.");
        var hello = NodeHello.Of(context);
        var cancel = context.CancellationToken;
        try
        {
            await presence.ConnectedAsync(node, hello.AgentVersion, cancel);
            LogConnected(node, hello.AgentVersion);
            var told = await store.ReadAsync(async db => (await db.Statuses.Where(s => s.Node == node)
                .Select(s => s.LoadBalancerUid).ToListAsync(cancel)).ToHashSet());
            await NodeStream.RunAsync(node, "load balancers", ended => streams.Sync.ServeAsync(node, hello.DesiredDigest,
                hello.StatusDigest, (id, spec) => SendAsync(node, id, spec, told, responses, ended),
                (unchanged, sendStatuses) => responses.WriteAsync(new SyncLoadBalancersResponse
                {
                    InSync = new InSync { Unchanged = unchanged, SendStatuses = sendStatuses },
                }, ended), ended), ended => ListenAsync(node, requests, ended), cancel);
        }
        finally
        {
            await presence.DisconnectedAsync(node);
            LogDisconnected(node);
        }
    }

    /// <param name="told">Load balancers of which the rows know that the node was told. The serving loop's own.</param>
    async Task SendAsync(string node, string id, LoadBalancerSpec? spec, HashSet<Guid> told,
        IServerStreamWriter<SyncLoadBalancersResponse> responses, CancellationToken cancel)
    {
        var uid = Guid.Parse(id);
        if (spec is null)
        {
            told.Remove(uid);
            await responses.WriteAsync(new SyncLoadBalancersResponse { Remove = id, Traceparent = SyncTrace.Parent }, cancel);
            return;
        }
        // Before the node knows of it: from here on a delete waits for the node.
        if (!told.Contains(uid) && !await RememberAsync(uid, node, cancel)) return;
        told.Add(uid);
        await responses.WriteAsync(
            new SyncLoadBalancersResponse { Upsert = spec, Traceparent = SyncTrace.Parent }, cancel);
    }

    Task<bool> RememberAsync(Guid uid, string node, CancellationToken cancel) =>
        store.WriteAsync(Call.Of("nodes/" + node), async unit =>
        {
            if (!await unit.Db.LoadBalancers.AnyAsync(b => b.Uid == uid && b.DeleteTime == null, cancel)) return false;
            if (!await unit.Db.Statuses.AnyAsync(s => s.LoadBalancerUid == uid && s.Node == node, cancel))
                unit.Db.Statuses.Add(new StatusRow { LoadBalancerUid = uid, Node = node });
            return true;
        }, cancel);

    async Task ListenAsync(string node, IAsyncStreamReader<SyncLoadBalancersRequest> requests, CancellationToken cancel)
    {
        var reported = new HashSet<Guid>();
        while (await requests.MoveNext(cancel))
        {
            switch (requests.Current.KindCase)
            {
                case SyncLoadBalancersRequest.KindOneofCase.Status:
                    var status = requests.Current.Status;
                    if (!Guid.TryParse(status.Id, out var uid)) throw Fault.Invalid("status.id", "must be a UUID");
                    reported.Add(uid);
                    await TakeAsync(node, uid, status, cancel);
                    break;
                case SyncLoadBalancersRequest.KindOneofCase.StatusesSent:
                    await TakeAbsenceAsync(node, reported, cancel);
                    reported.Clear();
                    break;
                default:
                    throw Fault.Invalid("kind", "must be status or statuses_sent");
            }
        }
    }

    async Task TakeAsync(string node, Guid uid, LoadBalancerStatus status, CancellationToken cancel)
    {
        var known = await store.ReadAsync(db => db.Statuses.Where(s => s.LoadBalancerUid == uid && s.Node == node)
            .Select(s => s.ReportDigest).FirstOrDefaultAsync(cancel));
        // Nobody told the node of it, or there is no news.
        if (known is null || known == status.ReportDigest && known.Length > 0) return;
        if (status.Message.Length > MaxMessage) status.Message = status.Message[..MaxMessage];
        await store.WriteAsync(Call.Of("nodes/" + node), async unit =>
        {
            var row = await unit.Db.Statuses.FirstOrDefaultAsync(s => s.LoadBalancerUid == uid && s.Node == node, cancel);
            if (row is null) return;
            var loadBalancer = await unit.Db.LoadBalancers.FirstOrDefaultAsync(b => b.Uid == uid, cancel);
            if (status.State == LoadBalancerStatus.Types.State.Removed)
            {
                // A load balancer that is wanted again is told again; its row stays for that.
                if (loadBalancer is { Deleting: false }) row.Clear();
                else unit.Db.Statuses.Remove(row);
            }
            else row.Take(status);
            if (loadBalancer is not null) await unit.EmitAsync(Change.Updated, loadBalancer, cancel);
        }, cancel);
        reconciler.Wake(new(uid));
    }

    /// <summary>After a full report: what the node was told of and did not report, it does not hold.</summary>
    async Task TakeAbsenceAsync(string node, HashSet<Guid> reported, CancellationToken cancel)
    {
        var changed = await store.WriteAsync(Call.Of("nodes/" + node), async unit =>
        {
            var rows = await unit.Db.Statuses.Where(s => s.Node == node).ToListAsync(cancel);
            rows.RemoveAll(s => reported.Contains(s.LoadBalancerUid));
            var uids = rows.ConvertAll(s => s.LoadBalancerUid);
            var wanted = await unit.Db.LoadBalancers.Where(b => uids.Contains(b.Uid) && b.DeleteTime == null)
                .ToListAsync(cancel);
            foreach (var row in rows)
                if (wanted.Any(b => b.Uid == row.LoadBalancerUid)) row.Clear();
                else unit.Db.Statuses.Remove(row);
            return uids;
        }, cancel);
        foreach (var uid in changed) reconciler.Wake(new(uid));
    }

    [LoggerMessage(LogLevel.Information, "LB node {Node} is connected, agent {Version}")]
    partial void LogConnected(string node, string version);

    [LoggerMessage(LogLevel.Information, "LB node {Node} is disconnected")]
    partial void LogDisconnected(string node);
}
