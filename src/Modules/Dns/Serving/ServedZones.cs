using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;
using Monolith.Dns.RecordSets;
using Monolith.Dns.Zones;
using Monolith.Platform.Events;
using Monolith.Platform.Faults;
using Monolith.Platform.Names;
using Monolith.Platform.Storage;

namespace Monolith.Dns.Serving;

/// <summary>
/// The zones as they are served: an immutable table, swapped after each commit of this process or another replica.
/// Events say which names changed; what they became is read from the rows.
/// <code>
///   commit ──▶ feed ──▶ names that changed ──▶ rows ──▶ new snapshots ──▶ swap ──▶ those who wait for the commit
/// </code>
/// </summary>
internal sealed partial class ServedZones(Store<DnsDb> store, DnsOptions options, TimeProvider time,
    ILogger<ServedZones> log) : IStartUp, IAsyncDisposable
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    readonly CancellationTokenSource stop = new();
    readonly Lock gate = new();
    // By resource name; the follower's alone, and the loader's before it.
    readonly Dictionary<string, ZoneSnapshot> served = new(StringComparer.Ordinal);
    NameTable<ZoneSnapshot> table = NameTable<ZoneSnapshot>.Empty;
    TaskCompletionSource advanced = new(TaskCreationOptions.RunContinuationsAsynchronously);
    long servedThrough = -1;
    Task following = Task.CompletedTask;

    public NameTable<ZoneSnapshot> Table => Volatile.Read(ref table);

    public string Module => store.Module;

    public async Task StartAsync(CancellationToken cancel)
    {
        var after = await LoadAsync(cancel);
        following = FollowAsync(after);
    }

    /// <summary>Returns when everything that was committed before the call is served.</summary>
    /// <exception cref="Fault">UNAVAILABLE when that takes too long; the change stays committed.</exception>
    public async Task CaughtUpAsync(CancellationToken cancel)
    {
        var through = store.Feed.Last;
        try
        {
            while (true)
            {
                Task wait;
                lock (gate)
                {
                    if (servedThrough >= through) return;
                    wait = advanced.Task;
                }
                await wait.WaitAsync(Patience, time, cancel);
            }
        }
        catch (TimeoutException)
        {
            throw Fault.Unavailable("NOT_SERVED_YET",
                "The change is kept, but the name server has not taken it up yet. Read it again to see it; nothing is lost.",
                Pause);
        }
    }

    async Task<long> LoadAsync(CancellationToken cancel)
    {
        var ((zones, sets), sequence) = await store.SnapshotAsync(async db =>
            (await db.Zones.ToListAsync(cancel), await db.RecordSets.ToListAsync(cancel)));
        var byZone = sets.ToLookup(r => r.ZoneUid);
        var editor = NameTable<ZoneSnapshot>.Empty.Edit();
        foreach (var zone in zones)
        {
            var snapshot = ZoneSnapshot.Of(zone, options.NameServerOrDefault)
                .With(zone, options.NameServerOrDefault, Changed(zone, byZone[zone.Uid]));
            editor.Set(snapshot.Origin, snapshot);
            served[zone.Name] = snapshot;
        }
        Swap(editor.ToTable(), sequence);
        LogLoaded(zones.Count, sets.Count);
        return sequence;
    }

    async Task FollowAsync(long after)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await foreach (var batch in store.Feed.FollowAsync(after, stop.Token))
                {
                    await ApplyAsync(batch, stop.Token);
                    after = batch[^1].Sequence;
                }
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                LogFollowFailed(e);
                await Task.Delay(Pause, time, CancellationToken.None);
            }
        }
    }

    async Task ApplyAsync(IReadOnlyList<EventRow> batch, CancellationToken cancel)
    {
        var touched = new Dictionary<string, HashSet<string>>(StringComparer.Ordinal);
        foreach (var e in batch)
        {
            if (ResourceName.Match("projects/*/zones/*/recordSets/*", e.Resource) is { } ids)
                Names($"projects/{ids[0]}/zones/{ids[1]}").Add(ids[2][..ids[2].LastIndexOf('.')]);
            else if (ResourceName.Match("projects/*/zones/*", e.Resource) is not null) Names(e.Resource);
        }
        if (touched.Count == 0)
        {
            Swap(Table, batch[^1].Sequence);
            return;
        }
        var editor = Table.Edit();
        foreach (var (name, domains) in touched) await ApplyAsync(editor, name, domains, cancel);
        Swap(editor.ToTable(), batch[^1].Sequence);

        HashSet<string> Names(string zone) => touched.TryGetValue(zone, out var names)
            ? names
            : touched[zone] = new(StringComparer.Ordinal);
    }

    async Task ApplyAsync(NameTable<ZoneSnapshot>.Editor editor, string name, HashSet<string> domains,
        CancellationToken cancel)
    {
        // The serial before the records: a zone may be newer than its serial for a moment, never older.
        var (zone, sets) = await store.ReadAsync<(ZoneRow?, List<RecordSetRow>)>(async db =>
        {
            var row = await ZoneQueries.ByName(db, name);
            if (row is null || domains.Count == 0) return (row, new List<RecordSetRow>());
            return (row, await RecordQueries.AtAny(db, row.Uid, [.. domains]));
        });
        // A zone of this name may be gone, or be another than the one that was served; with a zone's default TTL all
        // of its records change.
        if (!served.TryGetValue(name, out var before) || zone is null || before.Uid != zone.Uid
            || before.Soa.Ttl != zone.DefaultTtlSeconds)
        {
            if (before is not null) editor.Set(before.Origin, null);
            served.Remove(name);
            if (zone is null) return;
            before = ZoneSnapshot.Of(zone, options.NameServerOrDefault);
            sets = await store.ReadAsync(db => db.RecordSets.Where(r => r.ZoneUid == zone.Uid).ToListAsync(cancel));
            domains = [.. sets.Select(s => s.Domain)];
        }
        var gone = domains.Except(sets.Select(s => s.Domain), StringComparer.Ordinal)
            .Select(d => (DnsName.Encode(zone.Absolute(d)), Array.Empty<ServedSet>()));
        var after = before.With(zone, options.NameServerOrDefault, Changed(zone, sets).Concat(gone));
        editor.Set(after.Origin, after);
        served[name] = after;
    }

    static IEnumerable<(byte[] Name, ServedSet[] Sets)> Changed(ZoneRow zone, IEnumerable<RecordSetRow> sets) =>
        sets.GroupBy(r => r.Domain, StringComparer.Ordinal)
            .Select(g => (DnsName.Encode(zone.Absolute(g.Key)), g.Select(r => r.ToServed(zone)).ToArray()));

    void Swap(NameTable<ZoneSnapshot> next, long sequence)
    {
        TaskCompletionSource wake;
        lock (gate)
        {
            Volatile.Write(ref table, next);
            servedThrough = Math.Max(servedThrough, sequence);
            (wake, advanced) = (advanced, new(TaskCreationOptions.RunContinuationsAsynchronously));
        }
        wake.TrySetResult();
    }

    public async ValueTask DisposeAsync()
    {
        // The container disposes once for each way in which it was asked for this.
        if (stop.IsCancellationRequested) return;
        await stop.CancelAsync();
        await following;
        stop.Dispose();
    }

    [LoggerMessage(LogLevel.Information, "The name server serves {Zones} zones with {RecordSets} record sets")]
    partial void LogLoaded(int zones, int recordSets);

    [LoggerMessage(LogLevel.Error, "The name server could not take up a change; it tries again and serves what it had")]
    partial void LogFollowFailed(Exception e);
}
