using System.Collections.Concurrent;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Monolith.Network.Contracts;
using Monolith.Network.FabricBreaches;
using Monolith.Network.Translation;
using Monolith.Network.V1;
using Monolith.Platform.Calls;
using Monolith.Platform.Storage;

namespace Monolith.Network.Fabric;

/// <summary>
/// Takes nodes' reports into the rows: what the rows know already is not written. Who was heard last is in memory; a host
/// that begins anew gives every node its time to say something.
/// </summary>
internal sealed partial class FabricNodes(Store<NetworkDb> store, BreachNodes breaches, NetworkOptions options,
    TimeProvider time, ILogger<FabricNodes> log)
    : BackgroundService, IFabricNodes
{
    static readonly Call Self = Call.Of("network/fabric");
    static readonly TimeSpan Silence = TimeSpan.FromSeconds(90), Look = TimeSpan.FromSeconds(15);

    readonly ConcurrentDictionary<string, DateTimeOffset> heard = new(StringComparer.Ordinal);
    readonly DateTimeOffset begun = time.GetUtcNow();
    // Rows that are older than this process, and that nobody has spoken of yet.
    bool inherited = true;

    static string NameOf(string node, string session) => $"fabricPeers/{node}.{session}";

    /// <summary>All that a node says.</summary>
    public async Task TakeAsync(string node, IReadOnlyList<FabricSight> sights, CancellationToken cancel)
    {
        heard[node] = time.GetUtcNow();
        if (!await store.ReadAsync(db => ApplyAsync(db.FabricPeers.AsNoTracking(), node, sights, null))) return;
        await store.WriteAsync(Call.Of("nodes/" + node), unit => ApplyAsync(unit.Db.FabricPeers, node, sights, unit), cancel);
    }

    /// <param name="unit">Null: it is only asked whether there is something to do.</param>
    async Task<bool> ApplyAsync(IQueryable<FabricPeerRow> peers, string node, IReadOnlyList<FabricSight> sights, Unit<NetworkDb>? unit)
    {
        var now = unit?.Now ?? time.GetUtcNow().UtcDateTime;
        var rows = await peers.Where(p => p.Node == node).ToDictionaryAsync(p => p.Name, StringComparer.Ordinal);
        var news = false;
        foreach (var sight in sights)
        {
            var known = rows.Remove(NameOf(node, sight.Session), out var row);
            row ??= new FabricPeerRow { Name = NameOf(node, sight.Session), Node = node, CreateTime = now, UpdateTime = now };
            if (!row.Take(sight, now)) continue;
            news = true;
            if (unit is null) continue;
            if (known) row.Touch("", now);
            else unit.Db.FabricPeers.Add(row);
            Emit(unit, known ? Change.Updated : Change.Created, row);
        }
        foreach (var gone in rows.Values)
        {
            news = true;
            if (unit is null) continue;
            unit.Db.FabricPeers.Remove(gone);
            Emit(unit, Change.Deleted, gone);
        }
        return news;
    }

    public async Task ForgetAsync(string node, CancellationToken cancel)
    {
        heard.TryRemove(node, out _);
        await breaches.ForgetAsync(node, cancel);
        var hypervisor = "hypervisors/" + node;
        if (!await store.ReadAsync(async db => await db.FabricPeers.AnyAsync(p => p.Node == node, cancel)
            || await db.NatAddresses.AnyAsync(a => a.Hypervisor == hypervisor, cancel))) return;
        await store.WriteAsync(Self, async unit =>
        {
            await ApplyAsync(unit.Db.FabricPeers, node, [], unit);
            await NatGateways.ForgetAsync(unit, hypervisor, options.Quarantine);
        }, cancel);
    }

    protected override async Task ExecuteAsync(CancellationToken stop)
    {
        using var timer = new PeriodicTimer(Look, time);
        while (await timer.WaitForNextTickAsync(stop))
        {
            try
            {
                await LookAsync(stop);
            }
            catch (Exception e) when (!stop.IsCancellationRequested)
            {
                LogNotLooked(e);
            }
        }
    }

    /// <summary>Of nodes that say nothing any more, nothing is known.</summary>
    public async Task LookAsync(CancellationToken cancel)
    {
        if (heard.IsEmpty && !inherited) return;
        var since = time.GetUtcNow() - Silence;
        inherited &= begun >= since;
        var silent = (await store.ReadAsync(db => db.FabricPeers.Where(p => p.State != FabricPeer.Types.State.Unknown)
            .Select(p => p.Node).Distinct().ToListAsync(cancel))).FindAll(n => heard.GetValueOrDefault(n, begun) < since);
        if (silent.Count == 0) return;
        await store.WriteAsync(Self, async unit =>
        {
            foreach (var row in await unit.Db.FabricPeers
                .Where(p => silent.Contains(p.Node) && p.State != FabricPeer.Types.State.Unknown).ToListAsync(cancel))
            {
                // It was heard while this waited.
                if (heard.GetValueOrDefault(row.Node, begun) >= since) continue;
                row.Lose(unit.Now);
                row.Touch("", unit.Now);
                Emit(unit, Change.Updated, row);
            }
        }, cancel);
    }

    static void Emit(Unit<NetworkDb> unit, Change change, FabricPeerRow row) =>
        unit.Emit("fabricPeer", change, row.Name, "", row.ToProto());

    [LoggerMessage(LogLevel.Warning, "Silent nodes could not be looked for; it is tried again")]
    partial void LogNotLooked(Exception e);
}
