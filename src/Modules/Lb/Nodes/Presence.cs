using System.Collections.Concurrent;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Monolith.Platform.Calls;
using Monolith.Platform.Reconciling;
using Monolith.Platform.Storage;

namespace Monolith.Lb.Nodes;

/// <summary>Which LB nodes' agents are connected, in memory and in the rows.</summary>
internal sealed partial class Presence(Store<LbDb> store, Reconciler<LoadBalancerId> loadBalancers, TimeProvider time,
    ILogger<Presence> log) : BackgroundService
{
    static readonly TimeSpan Grace = TimeSpan.FromSeconds(30);
    static readonly Call Self = Call.Of("lb/nodes");

    readonly ConcurrentDictionary<string, int> connections = new(StringComparer.Ordinal);

    public bool IsUp(string node) => connections.ContainsKey(node);

    public async Task ConnectedAsync(string node, string agentVersion, CancellationToken cancel)
    {
        connections.AddOrUpdate(node, 1, (_, n) => n + 1);
        var changed = await store.WriteAsync(Self, async unit =>
        {
            var row = await unit.Db.Nodes.FirstOrDefaultAsync(n => n.Id == node, cancel);
            if (row is { Connected: true } && row.AgentVersion == agentVersion) return false;
            var made = row is null;
            if (row is null) unit.Db.Nodes.Add(row = new NodeRow { Id = node, FirstConnectTime = unit.Now });
            var was = row.Connected;
            row.AgentVersion = agentVersion.Length > 100 ? agentVersion[..100] : agentVersion;
            if (!was) row.ChangeTime = unit.Now;
            row.Connected = true;
            unit.Emit("node", made ? Change.Created : Change.Updated, "nodes/" + node, "", row.ToProto([]));
            return !was;
        }, cancel);
        if (changed) await WakeAllAsync();
    }

    public async Task DisconnectedAsync(string node)
    {
        while (connections.TryGetValue(node, out var n))
        {
            if (n > 1 && connections.TryUpdate(node, n - 1, n)) return;
            if (n <= 1 && connections.TryRemove(new(node, n))) break;
        }
        await MarkDownAsync(n => n.Id == node);
    }

    /// <summary>At start nobody is connected; those that come back within the grace period never counted as gone.</summary>
    protected override async Task ExecuteAsync(CancellationToken stop)
    {
        while (true)
        {
            await Task.Delay(Grace, time, stop);
            try
            {
                await MarkDownAsync(_ => true);
                return;
            }
            catch (Exception e) when (!stop.IsCancellationRequested)
            {
                LogNotMarked(e);
            }
        }
    }

    async Task MarkDownAsync(System.Linq.Expressions.Expression<Func<NodeRow, bool>> which)
    {
        var changed = await store.WriteAsync(Self, async unit =>
        {
            var gone = await unit.Db.Nodes.Where(n => n.Connected).Where(which).ToListAsync();
            gone.RemoveAll(n => connections.ContainsKey(n.Id));
            foreach (var row in gone)
            {
                (row.Connected, row.ChangeTime) = (false, unit.Now);
                unit.Emit("node", Change.Updated, "nodes/" + row.Id, "", row.ToProto([]));
            }
            return gone.Count > 0;
        }, CancellationToken.None);
        if (changed) await WakeAllAsync();
    }

    [LoggerMessage(LogLevel.Warning, "Nodes that did not come back could not be marked; trying again after the grace period")]
    partial void LogNotMarked(Exception e);

    async Task WakeAllAsync()
    {
        foreach (var uid in await store.ReadAsync(db => db.LoadBalancers.Select(b => b.Uid).ToListAsync()))
            loadBalancers.Wake(new(uid));
    }
}
