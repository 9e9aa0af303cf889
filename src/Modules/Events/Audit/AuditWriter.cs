using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Monolith.Events.Contracts;
using Monolith.Platform.Calls;
using Monolith.Platform.Storage;

namespace Monolith.Events.Audit;

/// <summary>Brings calls that no event tells of into the log: what is noted within a second, as <see cref="AuditTally"/> counts it.</summary>
internal sealed partial class AuditWriter(Store<EventsDb> store, TimeProvider time, ILogger<AuditWriter> log)
    : BackgroundService, IAuditLog
{
    const int SecondsOfAMinute = 60;
    static readonly TimeSpan Period = TimeSpan.FromSeconds(1);
    static readonly Call Self = new(new Caller("events/audit", []), "", "events/audit", "");

    readonly Lock gate = new();
    readonly AuditTally tally = new();
    // Of this second: the same again is counted, and so is what is beyond a caller's number.
    readonly HashSet<AuditFact> recorded = [];

    public void Note(AuditFact fact)
    {
        lock (gate) tally.Add(fact, Stored.Time(time.GetUtcNow()));
    }

    public Task RecordAsync(AuditFact fact, CancellationToken cancel)
    {
        lock (gate)
            if (!recorded.Add(fact with { RequestId = "", TraceId = "" }) || !tally.Spend(fact))
            {
                tally.Add(fact, Stored.Time(time.GetUtcNow()));
                return Task.CompletedTask;
            }
        return store.WriteAsync(Self,
            unit => AuditTrail.AppendAsync(unit.Db, [n => AuditRow.Of(n, unit.Now, fact, 1)]), cancel);
    }

    /// <summary>Writes what waits.</summary>
    /// <param name="all">What is told once a minute as well.</param>
    public async Task FlushAsync(bool all, CancellationToken cancel)
    {
        Dictionary<AuditFact, AuditTally.Waiting> exact, blurred;
        lock (gate)
        {
            recorded.Clear();
            (exact, blurred) = (tally.TakeExact(), all ? tally.TakeBlurred() : []);
        }
        if (exact.Count + blurred.Count == 0) return;
        try
        {
            await store.WriteAsync(Self, unit => AuditTrail.AppendAsync(unit.Db, [.. exact.Concat(blurred).OrderBy(t => t.Value.Since)
                .Select(t => (Func<long, AuditRow>)(n =>
                    AuditRow.Of(n, t.Value.Since, t.Value.Count == 1 ? t.Value.First : t.Key, t.Value.Count)))]), cancel);
        }
        catch
        {
            lock (gate)
            {
                tally.PutBack(exact);
                tally.PutBack(blurred);
            }
            throw;
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stop)
    {
        using var timer = new PeriodicTimer(Period, time);
        try
        {
            for (var second = 1; await timer.WaitForNextTickAsync(stop); second++)
                await TryFlushAsync(second % SecondsOfAMinute == 0, stop);
        }
        catch (OperationCanceledException)
        {
            // The host stops.
        }
        await TryFlushAsync(all: true, CancellationToken.None);
    }

    async Task TryFlushAsync(bool all, CancellationToken cancel)
    {
        try
        {
            await FlushAsync(all, cancel);
        }
        catch (Exception e) when (!cancel.IsCancellationRequested)
        {
            LogNotWritten(e);
        }
    }

    [LoggerMessage(LogLevel.Warning, "Calls could not be written to the audit log; they are kept, and tried again in a second")]
    partial void LogNotWritten(Exception e);
}
