using System.Diagnostics;
using Microsoft.Extensions.Logging;

namespace Monolith.Agent.Reconcile;

/// <summary>
/// Steps of many things: at most one at a time for each, all things side by side. A lane's queue has one place, since a
/// wake carries no input: the step reads the truth anew.
/// <code>
///            Wake                 step ends, Done
///   Idle ───────────▶ Working ─────────────────────▶ Idle
///    ▲   due            │  ▲  Wake meanwhile: once more
///    └── Waiting ◀──────┘  └── Again(0)
///          Again(after)
/// </code>
/// An idle lane costs no task, no timer and no thread: the due times of all lanes share one timer.
/// </summary>
internal sealed class Lanes : IAsyncDisposable
{
    /// <summary>A step that throws what it should not is taken again after this.</summary>
    private static readonly TimeSpan AfterFault = TimeSpan.FromSeconds(5);

    private readonly Func<string, CancellationToken, Task<Verdict>> step;
    private readonly TimeProvider time;
    private readonly ILogger log;
    private readonly string name;
    private readonly Lock gate = new();
    private readonly Dictionary<string, Lane> lanes = new(StringComparer.Ordinal);
    private readonly PriorityQueue<Lane, DateTimeOffset> due = new();
    private readonly CancellationTokenSource stop = new();
    private readonly ITimer timer;
    private int working;
    private TaskCompletionSource? idle;

    private sealed class Lane(string key)
    {
        public string Key { get; } = key;
        public bool Working { get; set; }
        public bool Woken { get; set; }
        public DateTimeOffset? Due { get; set; }
        public CancellationTokenSource? Step { get; set; }
        // What the steps until the lane rests are a consequence of.
        public ActivityContext Cause { get; set; }
    }

    public Lanes(
        string name, Func<string, CancellationToken, Task<Verdict>> step, TimeProvider time, ILogger log)
    {
        (this.name, this.step, this.time, this.log) = (name, step, time, log);
        timer = time.CreateTimer(_ => OnTimer(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Has the key's step taken soon. Cheap, never blocks, may be called by anybody.</summary>
    /// <param name="key">Any; an unknown one gets a lane.</param>
    /// <param name="interrupt">A step under way waits for something that is no longer wanted: stop its waiting.</param>
    /// <param name="cause">The trace that the steps belong to; default: to that of an earlier wake, or to none.</param>
    public void Wake(string key, bool interrupt = false, ActivityContext cause = default)
    {
        CancellationTokenSource? running = null;
        lock (gate)
        {
            if (stop.IsCancellationRequested) return;
            if (!lanes.TryGetValue(key, out var lane)) lanes[key] = lane = new Lane(key);
            lane.Woken = true;
            if (cause != default) lane.Cause = cause;
            if (lane.Working) running = interrupt ? lane.Step : null;
            else Begin(lane);
        }

        Interrupt(running);
    }

    public void WakeAll()
    {
        string[] keys;
        lock (gate) keys = [.. lanes.Keys];
        foreach (var key in keys) Wake(key);
    }

    /// <summary>Stops all waiting and lets the steps under way end.</summary>
    public async ValueTask DisposeAsync()
    {
        Task idle;
        lock (gate)
        {
            if (stop.IsCancellationRequested) return;
            this.idle = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            if (working == 0) this.idle.SetResult();
            idle = this.idle.Task;
        }

        await stop.CancelAsync();
        await timer.DisposeAsync();
        await idle;
        stop.Dispose();
    }

    private static void Interrupt(CancellationTokenSource? step)
    {
        try
        {
            step?.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It ended by itself in the meantime.
        }
    }

    /// <summary>Holds the lock.</summary>
    private void Begin(Lane lane)
    {
        lane.Working = true;
        lane.Due = null;
        working++;
        // Whoever wakes a lane has a trace of his own, which the lane's steps are no part of.
        var flow = ExecutionContext.IsFlowSuppressed() ? default : ExecutionContext.SuppressFlow();
        try
        {
            _ = WorkAsync(lane);
        }
        finally
        {
            if (flow != default) flow.Undo();
        }
    }

    private async Task WorkAsync(Lane lane)
    {
        // Not in the turn of whoever woke it, who may hold locks.
        await Task.Yield();
        while (true)
        {
            Verdict verdict;
            using (var step = CancellationTokenSource.CreateLinkedTokenSource(stop.Token))
            {
                lock (gate)
                {
                    (lane.Woken, lane.Step) = (false, step);
                    AgentTelemetry.Cause = lane.Cause;
                }

                verdict = await StepAsync(lane.Key, step.Token);
                lock (gate) lane.Step = null;
            }

            lock (gate)
            {
                if (!lane.Woken && verdict is not Verdict.Again { AsWanted: false }) lane.Cause = default;
                var again = lane.Woken || verdict is Verdict.Again { Wait.Ticks: 0 };
                if (again && !stop.IsCancellationRequested) continue;
                lane.Working = false;
                if (verdict is Verdict.Again wait) Schedule(lane, wait.Wait);
                if (verdict is Verdict.Gone) lanes.Remove(lane.Key);
                if (--working == 0) idle?.TrySetResult();
                return;
            }
        }
    }

    private async Task<Verdict> StepAsync(string key, CancellationToken cancellation)
    {
        try
        {
            return await step(key, cancellation);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            return Verdict.Next;
        }
        catch (Exception e)
        {
            log.StepFailed(e, name, key);
            return Verdict.After(AfterFault);
        }
    }

    /// <summary>Holds the lock.</summary>
    private void Schedule(Lane lane, TimeSpan wait)
    {
        if (stop.IsCancellationRequested) return;
        var due = time.GetUtcNow() + wait;
        lane.Due = due;
        var first = !this.due.TryPeek(out _, out var next) || due < next;
        this.due.Enqueue(lane, due);
        if (first) timer.Change(wait, Timeout.InfiniteTimeSpan);
    }

    private void OnTimer()
    {
        lock (gate)
        {
            if (stop.IsCancellationRequested) return;
            var now = time.GetUtcNow();
            while (this.due.TryPeek(out var lane, out var due))
            {
                if (due > now)
                {
                    timer.Change(due - now, Timeout.InfiniteTimeSpan);
                    return;
                }

                this.due.Dequeue();
                // Whoever was woken, or scheduled anew since, has another due time or none.
                if (lane.Due != due || lane.Working) continue;
                Begin(lane);
            }
        }
    }
}
