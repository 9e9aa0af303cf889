using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Monolith.Events.Log;

/// <summary>Forgets events that are older than the log keeps, a slice at a time, so that appends pass between.</summary>
internal sealed partial class Retention(EventLog events, EventsOptions options, TimeProvider time,
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
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                LogTrimFailed(e);
            }
        }
    }

    [LoggerMessage(LogLevel.Warning, "Old events could not be removed from the log; trying again later")]
    partial void LogTrimFailed(Exception e);
}
