using System.Globalization;

namespace Monolith.Simulation.Tests.World;

/// <summary>
/// Runs everything of a simulation on one thread, one piece of work at a time, in an order that the seed decides:
/// <code>
///   posted work of all processes ──▶ dice pick one ──▶ it runs until its next await ──▶ the pool's work, all of it ─┐
///        ▲                                                                                                        │
///        └─────────────── nothing is runnable: the clock moves to the next timer ◀────────────────────────────────┘
/// </code>
/// What awaits comes back to its process's context (<see cref="Process"/>), and so here. Some of .NET's own parts go by
/// the thread pool all the same. The pool of this test process has one thread, and the scheduler lives on it: between
/// two picks it steps back until the pool is empty. Order in the pool is the order of queueing, so nothing is left to
/// the machine.
/// </summary>
internal sealed class Scheduler : IThreadPoolWorkItem
{
    // Two would step back for each other for ever.
    static int running;
    readonly Random dice;
    readonly List<Work> runnable = [];
    readonly PriorityQueue<VirtualTimer, (long Due, long Number)> timers = new();
    readonly TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    Func<bool> isOver = () => false;
    // Of a thread of the pool that has just begun: nobody's.
    ExecutionContext? plain;
    Exception? failure;
    long numbers;

    sealed record Work(Process Process, SendOrPostCallback Call, object? State)
    {
        public void Run() => Process.Run(Call, State);
    }

    public Scheduler(int seed)
    {
        ThreadPool.GetMaxThreads(out var threads, out _);
        if (threads != 1) throw new InvalidOperationException($"With {threads} threads in the pool, nothing is sure.");
        dice = new Random(seed);
        Trace = new Trace(this);
    }

    /// <summary>Of the simulated world, UTC.</summary>
    public DateTime Now { get; private set; } = new(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    public long Picks { get; private set; }

    public Trace Trace { get; }

    /// <summary>Looked at after each pick, and before the clock moves. Throw to fail.</summary>
    public event Action? Picked;

    public event Action? Moving;

    /// <summary>Runs until the condition holds, nothing is left to do, or something throws.</summary>
    public Task RunAsync(Func<bool> isOver)
    {
        if (Interlocked.Exchange(ref running, 1) != 0)
            throw new InvalidOperationException("Another simulation runs: one at a time has the pool's thread.");
        this.isOver = isOver;
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        return ended.Task;
    }

    public void Fail(Exception e) => failure ??= e;

    public void Enqueue(Process process, SendOrPostCallback call, object? state) =>
        runnable.Add(new(process, call, state));

    /// <summary>A dead process runs no more.</summary>
    public void Drop(Process process) => runnable.RemoveAll(w => w.Process == process);

    public void Schedule(VirtualTimer timer, TimeSpan after) =>
        timers.Enqueue(timer, ((Now + after).Ticks, timer.Number = ++numbers));

    void IThreadPoolWorkItem.Execute()
    {
        plain ??= ExecutionContext.Capture()!;
        try
        {
            while (ThreadPool.PendingWorkItemCount == 0)
            {
                if (failure is null && !isOver() && Step()) continue;
                Finish();
                return;
            }
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }
        catch (Exception e)
        {
            failure ??= e;
            Finish();
        }
    }

    void Finish()
    {
        Volatile.Write(ref running, 0);
        if (failure is not null) ended.TrySetException(failure);
        else ended.TrySetResult();
    }

    bool Step()
    {
        if (runnable.Count == 0) return Move();
        var index = dice.Next(runnable.Count);
        var work = runnable[index];
        runnable[index] = runnable[^1];
        runnable.RemoveAt(runnable.Count - 1);
        Picks++;
        Trace.Pick(work.Process.Name, index, runnable.Count);
        // What a piece of work leaves in the flow's context is not the next one's.
        ExecutionContext.Run(plain!, static state => ((Work)state!).Run(), work);
        Picked?.Invoke();
        return true;
    }

    bool Move()
    {
        while (timers.TryPeek(out var timer, out var place) && timer.Number != place.Number) timers.Dequeue();
        if (timers.Count == 0) return false;
        Moving?.Invoke();
        if (failure is not null) return true;
        timers.TryPeek(out _, out var next);
        Now = new DateTime(Math.Max(Now.Ticks, next.Due), DateTimeKind.Utc);
        while (timers.TryPeek(out var due, out var place) && place.Due <= Now.Ticks)
        {
            timers.Dequeue();
            if (due.Number == place.Number) due.Fire();
        }
        return true;
    }

    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Now:HH:mm:ss.fff}, {Picks} picks");
}
