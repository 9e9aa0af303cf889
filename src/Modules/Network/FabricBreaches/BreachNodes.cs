using System.Collections.Concurrent;
using System.Net;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Monolith.Network.Ports;
using Monolith.Network.V1;
using Monolith.Platform.Calls;
using Monolith.Platform.Storage;
using State = Monolith.Network.V1.FabricBreach.Types.State;

namespace Monolith.Network.FabricBreaches;

/// <summary>
/// Takes hypervisors' reports into the rows: what the rows know already is not written. Who was heard last, and who claims which
/// address, is in memory; a host that begins anew gives every node its time to say something.
/// </summary>
internal sealed partial class BreachNodes(Store<NetworkDb> store, PortNodes ports, TimeProvider time, ILogger<BreachNodes> log)
    : BackgroundService
{
    static readonly Call Self = Call.Of("network/fabric");
    static readonly TimeSpan Silence = TimeSpan.FromSeconds(90), Look = TimeSpan.FromSeconds(1), Tidy = TimeSpan.FromSeconds(15);

    readonly ConcurrentDictionary<string, DateTimeOffset> heard = new(StringComparer.Ordinal);
    readonly AddressClaims claims = new();
    readonly DateTimeOffset begun = time.GetUtcNow();
    DateTimeOffset tidied;
    // What this process wrote of addresses with two owners.
    HashSet<SharedAddress> told = [];
    // Rows of addresses with two owners that are older than this process.
    bool inherited = true;

    /// <summary>All that a node says.</summary>
    public async Task TakeAsync(string node, IReadOnlyList<BreachSight> sights, IEnumerable<IPAddress> addresses, CancellationToken cancel)
    {
        heard[node] = time.GetUtcNow();
        claims.Take(node, addresses, time.GetUtcNow());
        if (!await store.ReadAsync(db => ApplyAsync(db, db.FabricBreaches.AsNoTracking(), node, sights, null))) return;
        await store.WriteAsync(Call.Of("nodes/" + node), unit => ApplyAsync(unit.Db, unit.Db.FabricBreaches, node, sights, unit), cancel);
    }

    /// <param name="unit">Null: it is only asked whether there is something to do.</param>
    async Task<bool> ApplyAsync(NetworkDb db, IQueryable<FabricBreachRow> breaches, string node, IReadOnlyList<BreachSight> sights,
        Unit<NetworkDb>? unit)
    {
        var now = unit?.Now ?? time.GetUtcNow().UtcDateTime;
        var rows = await breaches.Where(b => b.Node == node && b.Code != BreachSight.OtherHypervisor)
            .ToDictionaryAsync(b => b.Name, StringComparer.Ordinal);
        var uids = sights.Select(s => s.Port).OfType<Guid>().Distinct().ToList();
        var names = uids.Count == 0 ? [] : await db.Ports.Where(p => uids.Contains(p.Uid)).ToDictionaryAsync(p => p.Uid, p => p.Name);
        var news = false;
        foreach (var sight in sights)
        {
            var known = rows.Remove(FabricBreachRow.NameOf(node, sight.Code, sight.Subject), out var row);
            row ??= FabricBreachRow.Of(node, sight.Code, sight.Subject, now);
            if (!row.Take(sight, sight.Port is { } port ? names.GetValueOrDefault(port, "") : "")) continue;
            news = true;
            if (unit is not null) Save(unit, known, row);
        }
        foreach (var gone in rows.Values.Where(r => r.State != State.Mended))
        {
            news = true;
            if (unit is null) continue;
            gone.Mend(now);
            Save(unit, true, gone);
        }
        return news;
    }

    /// <summary>The node is no more. Idempotent.</summary>
    public async Task ForgetAsync(string node, CancellationToken cancel)
    {
        heard.TryRemove(node, out _);
        claims.Take(node, [], time.GetUtcNow());
        if (!await store.ReadAsync(db => db.FabricBreaches.AnyAsync(b => b.Node == node, cancel))) return;
        await store.WriteAsync(Self, async unit =>
            Remove(unit, await unit.Db.FabricBreaches.Where(b => b.Node == node).ToListAsync(cancel)), cancel);
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

    /// <summary>What no single node can see.</summary>
    public async Task LookAsync(CancellationToken cancel)
    {
        await CompareAsync(cancel);
        if (time.GetUtcNow() - tidied < Tidy) return;
        tidied = time.GetUtcNow();
        await TidyAsync(cancel);
    }

    /// <summary>Two hypervisors that say of an address that it is theirs.</summary>
    async Task CompareAsync(CancellationToken cancel)
    {
        var shared = claims.Shared(time.GetUtcNow(), ports.Sync.IsConnected);
        var everybodySpoke = begun < time.GetUtcNow() - Silence;
        if (told.SetEquals(shared.Keys) && !(inherited && everybodySpoke)) return;
        await store.WriteAsync(Self, async unit =>
        {
            var rows = await unit.Db.FabricBreaches.Where(b => b.Code == BreachSight.OtherHypervisor)
                .ToDictionaryAsync(b => b.Name, StringComparer.Ordinal, cancel);
            foreach (var ((node, address), nodes) in shared)
            {
                var known = rows.Remove(FabricBreachRow.NameOf(node, BreachSight.OtherHypervisor, address), out var row);
                row ??= FabricBreachRow.Of(node, BreachSight.OtherHypervisor, address, unit.Now);
                if (row.Take(Sight(address, nodes, row.State == State.Open ? row.FirstSeenTime : unit.Now), "")) Save(unit, known, row);
            }
            foreach (var row in rows.Values.Where(r => r.State != State.Mended
                && (everybodySpoke || told.Contains(new(r.Node, r.Subject)))))
            {
                row.Mend(unit.Now);
                Save(unit, true, row);
            }
        }, cancel);
        (told, inherited) = ([.. shared.Keys], inherited && !everybodySpoke);
    }

    static BreachSight Sight(string address, string nodes, DateTime since) => new(FabricBreach.Types.Invariant.OneOwner,
        BreachSight.OtherHypervisor, address, $"{nodes} each say that {address} is their own: the fabric divides the server's packets "
        + $"between them. Look which of them has it by right, with monolith address history {address}, and stop the guest on the other.",
        null, since, null, null);

    /// <summary>Of nodes that say nothing any more, nothing is known; and what was mended long ago is forgotten.</summary>
    async Task TidyAsync(CancellationToken cancel)
    {
        var since = time.GetUtcNow() - Silence;
        var before = time.GetUtcNow().UtcDateTime - FabricBreachRow.Kept;
        if (!(await store.ReadAsync(db => Due(db.FabricBreaches.AsNoTracking()).ToListAsync(cancel))).Exists(IsDue)) return;
        await store.WriteAsync(Self, async unit =>
        {
            foreach (var row in (await Due(unit.Db.FabricBreaches).ToListAsync(cancel)).Where(IsDue))
            {
                if (row.State == State.Mended)
                {
                    Remove(unit, [row]);
                    continue;
                }
                row.Lose();
                Save(unit, true, row);
            }
        }, cancel);

        IQueryable<FabricBreachRow> Due(IQueryable<FabricBreachRow> rows) => rows.Where(b =>
            (b.State == State.Open && b.Code != BreachSight.OtherHypervisor) || (b.State == State.Mended && b.MendTime < before));
        // It may be heard while this waits.
        bool IsDue(FabricBreachRow row) => row.State == State.Mended || heard.GetValueOrDefault(row.Node, begun) < since;
    }

    static void Save(Unit<NetworkDb> unit, bool known, FabricBreachRow row)
    {
        if (known) row.Touch("", unit.Now);
        else unit.Db.FabricBreaches.Add(row);
        Emit(unit, known ? Change.Updated : Change.Created, row);
    }

    static void Remove(Unit<NetworkDb> unit, IEnumerable<FabricBreachRow> rows)
    {
        foreach (var row in rows)
        {
            unit.Db.FabricBreaches.Remove(row);
            Emit(unit, Change.Deleted, row);
        }
    }

    static void Emit(Unit<NetworkDb> unit, Change change, FabricBreachRow row) =>
        unit.Emit("fabricBreach", change, row.Name, "", row.ToProto());

    [LoggerMessage(LogLevel.Warning, "What is wrong with the fabric could not be looked through; it is tried again")]
    partial void LogNotLooked(Exception e);
}
