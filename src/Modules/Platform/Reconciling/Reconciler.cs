using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Threading.Channels;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Monolith.Platform.Reconciling;

/// <summary>What a step of a reconciler led to. Closed.</summary>
public abstract record Outcome
{
    Outcome() { }

    /// <summary>Nothing is to be done until something changes.</summary>
    public static Outcome Settled { get; } = new Done();

    /// <summary>There is more to do, now or later.</summary>
    public static Outcome Again(TimeSpan after = default) => new Later(after);

    public sealed record Done : Outcome;
    public sealed record Later(TimeSpan After) : Outcome;
}

/// <summary>
/// Drives resources towards what their rows say. It is handed a key and nothing else, reads the truth again, does one
/// idempotent thing, and says whether there is more. A key is never worked on twice at a time; a wake during the work
/// leads to another round. Wakes may be lost: a timer asks for everything that is unsettled.
/// <code>
///   wake ─▶ queued ─▶ working ─▶ settled
///              ▲         │ wake, Again, failure (after a pause that doubles)
///              └─────────┘
/// </code>
/// </summary>
/// <param name="name"><c>compute/servers</c></param>
/// <param name="reconcile">One step for a key.</param>
/// <param name="unsettled">Keys that are not where they should be.</param>
/// <param name="workers">Keys at a time. More of them do not end sooner, they wait for the same writers; and callers
/// wait behind them for a processor.</param>
public sealed partial class Reconciler<TKey>(string name, Func<TKey, CancellationToken, Task<Outcome>> reconcile,
    Func<CancellationToken, Task<IReadOnlyList<TKey>>> unsettled, TimeProvider time, ILogger log,
    int workers = 8, TimeSpan? resync = null) : BackgroundService where TKey : notnull
{
    static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(250);
    static readonly TimeSpan LastPause = TimeSpan.FromSeconds(30);
    static readonly TimeSpan StepDeadline = TimeSpan.FromSeconds(60);
    static readonly ActivitySource Activities = new("Monolith.Platform");
    static readonly Histogram<double> StepTime = new Meter("Monolith.Platform").CreateHistogram<double>(
        "monolith.reconcile.step.duration", "s", "Time of one step of a reconciler.");

    sealed class Entry
    {
        public bool Queued;
        public bool Working;
        public bool Dirty;
        public int Failures;
        public ITimer? Timer;
        // The trace of the first wake: what follows until it is settled is its consequence.
        public ActivityContext Cause;
    }

    readonly Lock gate = new();
    readonly Dictionary<TKey, Entry> entries = [];
    readonly Channel<TKey> queue = Channel.CreateUnbounded<TKey>();

    /// <summary>Something about the key may have changed. Never blocks.</summary>
    public void Wake(TKey key)
    {
        lock (gate)
        {
            if (!entries.TryGetValue(key, out var entry)) entries[key] = entry = new Entry();
            entry.Timer?.Dispose();
            entry.Timer = null;
            if (entry.Cause == default && Activity.Current is { } cause) entry.Cause = cause.Context;
            if (entry.Working) entry.Dirty = true;
            else if (!entry.Queued)
            {
                entry.Queued = true;
                queue.Writer.TryWrite(key);
            }
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stop)
    {
        var all = Enumerable.Range(0, workers).Select(_ => Background.Run(() => WorkAsync(stop))).Append(ResyncAsync(stop));
        await Task.WhenAll(all);
    }

    async Task ResyncAsync(CancellationToken stop)
    {
        using var timer = new PeriodicTimer(resync ?? TimeSpan.FromSeconds(15), time);
        do
        {
            try
            {
                foreach (var key in await unsettled(stop)) WakeUnlessWaiting(key);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                LogResyncFailed(e, name);
            }
        } while (await timer.WaitForNextTickAsync(stop));
    }

    // A key that pauses after a failure keeps its pause: the timer is for lost wakes only.
    void WakeUnlessWaiting(TKey key)
    {
        lock (gate)
            if (entries.TryGetValue(key, out var entry) && entry.Timer is not null) return;
        Wake(key);
    }

    async Task WorkAsync(CancellationToken stop)
    {
        await foreach (var key in queue.Reader.ReadAllAsync(stop))
        {
            ActivityContext cause;
            lock (gate)
            {
                var entry = entries[key];
                (entry.Queued, entry.Working, entry.Dirty) = (false, true, false);
                cause = entry.Cause;
            }
            var (outcome, failed) = await StepAsync(key, cause, stop);
            Settle(key, outcome, failed);
        }
    }

    async Task<(Outcome, bool Failed)> StepAsync(TKey key, ActivityContext cause, CancellationToken stop)
    {
        using var activity = Activities.StartActivity("reconcile " + name, ActivityKind.Internal, cause);
        activity?.SetTag("key", key.ToString());
        var started = Stopwatch.GetTimestamp();
        using var alarm = new CancellationTokenSource(StepDeadline, time);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(stop, alarm.Token);
        try
        {
            return (await reconcile(key, deadline.Token), false);
        }
        catch (Exception e) when (!stop.IsCancellationRequested)
        {
            activity?.SetStatus(ActivityStatusCode.Error, e.Message);
            LogStepFailed(e, name, key);
            return (Outcome.Again(), true);
        }
        catch (OperationCanceledException)
        {
            return (Outcome.Settled, false);
        }
        finally
        {
            StepTime.Record(Stopwatch.GetElapsedTime(started).TotalSeconds,
                new KeyValuePair<string, object?>("reconciler", name));
        }
    }

    void Settle(TKey key, Outcome outcome, bool failed)
    {
        lock (gate)
        {
            var entry = entries[key];
            entry.Working = false;
            entry.Failures = failed ? entry.Failures + 1 : 0;
            var pause = failed
                ? Pause(entry.Failures)
                : outcome is Outcome.Later later ? later.After : Timeout.InfiniteTimeSpan;
            if (entry.Dirty && !failed) pause = TimeSpan.Zero;
            if (pause == Timeout.InfiniteTimeSpan) entries.Remove(key);
            else if (pause == TimeSpan.Zero)
            {
                entry.Queued = true;
                queue.Writer.TryWrite(key);
            }
            else
            {
                entry.Timer = time.CreateTimer(_ => Wake(key), null, pause, Timeout.InfiniteTimeSpan);
            }
        }
    }

    static TimeSpan Pause(int failures)
    {
        var pause = FirstPause * Math.Pow(2, Math.Min(failures - 1, 10));
        return (pause < LastPause ? pause : LastPause) * (0.75 + Chance.Dice.NextDouble() / 2);
    }

    [LoggerMessage(LogLevel.Warning, "{Name} failed at a step for {Key}; it is tried again after a pause")]
    partial void LogStepFailed(Exception e, string name, object key);

    [LoggerMessage(LogLevel.Warning, "{Name} could not look for unsettled work")]
    partial void LogResyncFailed(Exception e, string name);
}
