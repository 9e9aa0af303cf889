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

    private readonly Func<string, CancellationToken, Task<Verdict>> _step;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly string _name;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Lane> _lanes = new(StringComparer.Ordinal);
    private readonly PriorityQueue<Lane, DateTimeOffset> _due = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly ITimer _timer;
    private int _working;
    private TaskCompletionSource? _idle;

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
        (_name, _step, _time, _log) = (name, step, time, log);
        _timer = time.CreateTimer(_ => OnTimer(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Has the key's step taken soon. Cheap, never blocks, may be called by anybody.</summary>
    /// <param name="key">Any; an unknown one gets a lane.</param>
    /// <param name="interrupt">A step under way waits for something that is no longer wanted: stop its waiting.</param>
    /// <param name="cause">The trace that the steps belong to; default: to that of an earlier wake, or to none.</param>
    public void Wake(string key, bool interrupt = false, ActivityContext cause = default)
    {
        CancellationTokenSource? running = null;
        lock (_lock)
        {
            if (_stop.IsCancellationRequested) return;
            if (!_lanes.TryGetValue(key, out var lane)) _lanes[key] = lane = new Lane(key);
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
        lock (_lock) keys = [.. _lanes.Keys];
        foreach (var key in keys) Wake(key);
    }

    /// <summary>Stops all waiting and lets the steps under way end.</summary>
    public async ValueTask DisposeAsync()
    {
        Task idle;
        lock (_lock)
        {
            if (_stop.IsCancellationRequested) return;
            _idle = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            if (_working == 0) _idle.SetResult();
            idle = _idle.Task;
        }

        await _stop.CancelAsync();
        await _timer.DisposeAsync();
        await idle;
        _stop.Dispose();
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
        _working++;
        // Whoever wakes a lane has a trace of his own, which the lane's steps are no part of.
        var flow = ExecutionContext.IsFlowSuppressed() ? default : ExecutionContext.SuppressFlow();
        try
        {
            _ = Task.Run(() => WorkAsync(lane));
        }
        finally
        {
            if (flow != default) flow.Undo();
        }
    }

    private async Task WorkAsync(Lane lane)
    {
        while (true)
        {
            Verdict verdict;
            using (var step = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token))
            {
                lock (_lock)
                {
                    (lane.Woken, lane.Step) = (false, step);
                    AgentTelemetry.Cause = lane.Cause;
                }

                verdict = await StepAsync(lane.Key, step.Token);
                lock (_lock) lane.Step = null;
            }

            lock (_lock)
            {
                if (!lane.Woken && verdict is not Verdict.Again { AsWanted: false }) lane.Cause = default;
                var again = lane.Woken || verdict is Verdict.Again { Wait.Ticks: 0 };
                if (again && !_stop.IsCancellationRequested) continue;
                lane.Working = false;
                if (verdict is Verdict.Again wait) Schedule(lane, wait.Wait);
                if (verdict is Verdict.Gone) _lanes.Remove(lane.Key);
                if (--_working == 0) _idle?.TrySetResult();
                return;
            }
        }
    }

    private async Task<Verdict> StepAsync(string key, CancellationToken cancellation)
    {
        try
        {
            return await _step(key, cancellation);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            return Verdict.Next;
        }
        catch (Exception e)
        {
            _log.StepFailed(e, _name, key);
            return Verdict.After(AfterFault);
        }
    }

    /// <summary>Holds the lock.</summary>
    private void Schedule(Lane lane, TimeSpan wait)
    {
        if (_stop.IsCancellationRequested) return;
        var due = _time.GetUtcNow() + wait;
        lane.Due = due;
        var first = !_due.TryPeek(out _, out var next) || due < next;
        _due.Enqueue(lane, due);
        if (first) _timer.Change(wait, Timeout.InfiniteTimeSpan);
    }

    private void OnTimer()
    {
        lock (_lock)
        {
            if (_stop.IsCancellationRequested) return;
            var now = _time.GetUtcNow();
            while (_due.TryPeek(out var lane, out var due))
            {
                if (due > now)
                {
                    _timer.Change(due - now, Timeout.InfiniteTimeSpan);
                    return;
                }

                _due.Dequeue();
                // Whoever was woken, or scheduled anew since, has another due time or none.
                if (lane.Due != due || lane.Working) continue;
                Begin(lane);
            }
        }
    }
}
