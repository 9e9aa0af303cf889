using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;
using Monolith.Events.Audit;
using Monolith.Platform.Calls;
using Monolith.Platform.Events;
using Monolith.Platform.Storage;

namespace Monolith.Events.Log;

/// <summary>
/// The log of every module's events. An event that a module committed is in it exactly once, whatever crashes when:
/// <code>
///   relay ── EventsCommitted {after, events} ──▶ after &lt;= source.through?  no ──▶ a hole: nothing is done
///     ▲                                            │ yes
///     │                                            ▼  one transaction
///     │                       log += events with a new uid, numbered last + 1, last + 2, …
///     │                       ends.last, source.through := where that leads
///     └── EventsLogged {through} ◀── after the commit
/// </code>
/// At least once: a relay sends what lies after the last word that it had, again and again. The word is given only after
/// the commit, and only for a batch that joins on to what the log has: a batch holds <em>all</em> of its module's events
/// in (after, last], because a module's numbers rise in the order of its commits. So by induction "logged through n"
/// means that every event up to n is there. A batch that was lost, or came too late, leaves the next one with
/// after &gt; through; that one is not taken and not acknowledged, and the relay begins again before the hole. Gaps in
/// a module's numbers (rolled back on PostgreSQL) say nothing, which is why a batch names what came before it.
/// <para/>
/// At most once: the uid is unique, and what is there is left out. The sequence is given inside the transaction of the
/// one writer (an advisory lock makes it one among replicas), so that it has no gaps and readers never see n before
/// n - 1.
/// </summary>
internal sealed partial class EventLog(Store<EventsDb> store, ILogger<EventLog> log) : IStartUp
{
    readonly Lock gate = new();
    TaskCompletionSource grown = new(TaskCreationOptions.RunContinuationsAsynchronously);
    long last;

    public string Module => store.Module;

    public async Task StartAsync(CancellationToken cancel) => Grew((await EndsAsync()).Last);

    /// <returns>Up to which of the module's events the log is complete; null when the batch does not join on.</returns>
    public async Task<long?> AppendAsync(EventsCommitted batch, CancellationToken cancel)
    {
        if (batch.Events.Count == 0) return null;
        var (through, newest) = await store.WriteAsync(Call.Of("events/log"),
            unit => AppendAsync(unit.Db, batch, cancel), cancel);
        if (newest > 0) Grew(newest);
        if (through is null) LogHole(batch.Module, batch.After);
        return through;
    }

    static async Task<(long? Through, long Newest)> AppendAsync(EventsDb db, EventsCommitted batch,
        CancellationToken cancel)
    {
        var place = await PlaceOf(db, batch.Module);
        var (source, ends) = (place?.Source, place?.Ends);
        if (batch.After > (source?.Through ?? 0)) return (null, 0);
        if (source is null) db.Sources.Add(source = new SourceRow { Module = batch.Module });
        if (ends is null) db.Ends.Add(ends = new EndsRow());
        // What comes after all that the log has of the module is new. Only a batch that was sent again may be there.
        var there = batch.After == source.Through ? [] : await ThereAsync(db, batch, cancel);
        var fresh = batch.Events.Where(e => there.Add(e.Uid)).ToList();
        await db.InsertAsync(fresh.ConvertAll(e => LogRow.Of(++ends.Last, e)));
        await AuditTrail.AppendAsync(db, fresh);
        var through = batch.Events[^1].Sequence;
        source.Through = Math.Max(source.Through, through);
        return (through, ends.Last);
    }

    /// <summary>How far the log is, and how much of a module it has.</summary>
    sealed record Place(EndsRow Ends, SourceRow? Source);

    static readonly Func<EventsDb, string, Task<Place?>> PlaceOf = Query.One((EventsDb db, string module) =>
        db.Ends.LeftJoin(db.Sources.Where(s => s.Module == module), _ => module, s => s.Module,
            (ends, source) => new Place(ends, source)).FirstOrDefault());

    static async Task<HashSet<Guid>> ThereAsync(EventsDb db, EventsCommitted batch, CancellationToken cancel)
    {
        var uids = batch.Events.Select(e => e.Uid).ToList();
        return (await db.Log.Where(l => uids.Contains(l.Uid)).Select(l => l.Uid).ToListAsync(cancel)).ToHashSet();
    }

    /// <summary>What the log spans, as committed.</summary>
    public Task<EndsRow> EndsAsync() =>
        store.ReadAsync(async db => await db.Ends.FirstOrDefaultAsync() ?? new EndsRow());

    /// <summary>The log may have grown in another process, where there can be one: look.</summary>
    public async Task GlanceAsync()
    {
        if (store.IsShared) Grew((await EndsAsync()).Last);
    }

    /// <summary>The newest event's sequence, and a task that ends when there is a newer one.</summary>
    public (long Last, Task Grown) Tip()
    {
        lock (gate) return (last, grown.Task);
    }

    /// <summary>Forgets up to <paramref name="count"/> events from before a time, oldest first.</summary>
    /// <returns>Whether there is more to forget.</returns>
    public Task<bool> TrimAsync(DateTime before, int count, CancellationToken cancel) =>
        store.WriteAsync(Call.Of("events/retention"), async unit =>
        {
            if (await unit.Db.Ends.FirstOrDefaultAsync(cancel) is not { } ends) return false;
            var kept = await unit.Db.Log.Where(l => l.Time >= before).MinAsync(l => (long?)l.Sequence, cancel)
                ?? ends.Last + 1;
            var through = Math.Min(kept - 1, ends.TrimmedThrough + count);
            if (through <= ends.TrimmedThrough) return false;
            await unit.Db.Log.Where(l => l.Sequence <= through).ExecuteDeleteAsync(cancel);
            ends.TrimmedThrough = through;
            return through < kept - 1;
        }, cancel);

    void Grew(long newest)
    {
        TaskCompletionSource wake;
        lock (gate)
        {
            if (newest <= last) return;
            last = newest;
            (wake, grown) = (grown, new(TaskCreationOptions.RunContinuationsAsynchronously));
        }
        wake.TrySetResult();
    }

    [LoggerMessage(LogLevel.Warning, "{Module} sent events after {After}, but some before these are not in the log yet; "
        + "they are left until the relay sends them in order")]
    partial void LogHole(string module, long after);
}
