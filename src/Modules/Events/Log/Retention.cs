using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Monolith.Events.Audit;
using Monolith.Platform.Calls;
using Monolith.Platform.Storage;

namespace Monolith.Events.Log;

/// <summary>Forgets events, and entries of the audit log, that are older than they are kept, a slice at a time, so that appends pass between.</summary>
internal sealed partial class Retention(EventLog events, Store<EventsDb> store, EventsOptions options, TimeProvider time,
    ILogger<Retention> log) : BackgroundService
{
    const int Slice = 2_000;
    static readonly TimeSpan Period = TimeSpan.FromMinutes(10);

    protected override async Task ExecuteAsync(CancellationToken stop)
    {
        using var timer = new PeriodicTimer(Period, time);
        while (await timer.WaitForNextTickAsync(stop))
        {
            try
            {
                var before = time.GetUtcNow().UtcDateTime - options.Kept;
                while (await events.TrimAsync(before, Slice, stop))
                {
                }
                before = time.GetUtcNow().UtcDateTime - options.AuditKept;
                while (await store.WriteAsync(Call.Of("events/retention"), unit => AuditTrail.TrimAsync(unit.Db, before, Slice, stop), stop))
                {
                }
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                LogTrimFailed(e);
            }
        }
    }

    [LoggerMessage(LogLevel.Warning, "Old events or audit entries could not be removed; trying again later")]
    partial void LogTrimFailed(Exception e);
}
