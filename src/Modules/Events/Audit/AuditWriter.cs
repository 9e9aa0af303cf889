using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Monolith.Events.Contracts;
using Monolith.Platform.Calls;
using Monolith.Platform.Storage;

namespace Monolith.Events.Audit;

/// <summary>
/// Calls that no event tells of. Equal ones of a second are one entry with their number, and what is beyond a few hundred
/// different ones is told by address and result alone: who calls in a loop cannot fill the disk, nor the memory.
/// </summary>
internal sealed partial class AuditWriter(Store<EventsDb> store, TimeProvider time, ILogger<AuditWriter> log)
    : BackgroundService, IAuditLog
{
    const int MaxDifferent = 256;
    static readonly TimeSpan Period = TimeSpan.FromSeconds(1);
    static readonly Call Self = new(new Caller("events/audit", []), "", "events/audit", "");

    /// <param name="First">The first of them, with its own request and trace.</param>
    sealed record Tally(AuditFact First, DateTime Since, int Count);

    readonly Lock gate = new();
    Dictionary<AuditFact, Tally> waiting = [];

    public void Note(AuditFact fact)
    {
        // A call has a request and a trace of its own: many are told of by what they share.
        lock (gate) Add(fact with { RequestId = "", TraceId = "" }, new(fact, Stored.Time(time.GetUtcNow()), 1));
    }

    public Task RecordAsync(AuditFact fact, CancellationToken cancel) => store.WriteAsync(Self,
        unit => AuditTrail.AppendAsync(unit.Db, [n => AuditRow.Of(n, unit.Now, fact, 1)], cancel), cancel);

    /// <summary>Brings what waits into the log.</summary>
    public async Task FlushAsync(CancellationToken cancel)
    {
        Dictionary<AuditFact, Tally> taken;
        lock (gate)
        {
            if (waiting.Count == 0) return;
            (taken, waiting) = (waiting, []);
        }
        try
        {
            await store.WriteAsync(Self, unit => AuditTrail.AppendAsync(unit.Db, [.. taken.OrderBy(t => t.Value.Since)
                .Select(t => (Func<long, AuditRow>)(n =>
                    AuditRow.Of(n, t.Value.Since, t.Value.Count == 1 ? t.Value.First : t.Key, t.Value.Count)))], cancel), cancel);
        }
        catch
        {
            lock (gate)
                foreach (var (fact, tally) in taken) Add(fact, tally);
            throw;
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stop)
    {
        using var timer = new PeriodicTimer(Period, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stop)) await TryFlushAsync(stop);
        }
        catch (OperationCanceledException)
        {
            // The host stops.
        }
        await TryFlushAsync(CancellationToken.None);
    }

    async Task TryFlushAsync(CancellationToken cancel)
    {
        try
        {
            await FlushAsync(cancel);
        }
        catch (Exception e) when (!cancel.IsCancellationRequested)
        {
            LogNotWritten(e);
        }
    }

    void Add(AuditFact key, Tally tally)
    {
        if (!waiting.ContainsKey(key) && waiting.Count >= MaxDifferent) key = Blurred(key);
        if (!waiting.ContainsKey(key) && waiting.Count >= 2 * MaxDifferent) key = key with { Peer = "" };
        waiting[key] = waiting.TryGetValue(key, out var before) ? before with { Count = before.Count + tally.Count }
            : tally.First.Method == key.Method ? tally : tally with { First = key };
    }

    static AuditFact Blurred(AuditFact fact) => new("", "", fact.Peer, "", "", "", fact.Code, "", "", "");

    [LoggerMessage(LogLevel.Warning, "Calls could not be written to the audit log; they are kept, and tried again in a second")]
    partial void LogNotWritten(Exception e);
}
