namespace Monolith.Simulation.Tests.World;

/// <summary>The simulated clock. Stands still while anything is runnable.</summary>
internal sealed class VirtualTime(Scheduler scheduler, Process process) : TimeProvider
{
    public override DateTimeOffset GetUtcNow() => new(scheduler.Now);

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => scheduler.Now.Ticks;

    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new VirtualTimer(scheduler, process, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }
}

/// <summary>A timer of a process: when it is due, its callback is one more piece of work for the dice.</summary>
internal sealed class VirtualTimer(Scheduler scheduler, Process process, TimerCallback callback, object? state) : ITimer
{
    TimeSpan period;
    bool disposed;

    /// <summary>Of its place in the queue; what is there by another number counts for nothing.</summary>
    public long Number { get; set; }

    public bool Change(TimeSpan dueTime, TimeSpan period)
    {
        Number = 0;
        this.period = period;
        if (dueTime != Timeout.InfiniteTimeSpan && process.IsAlive) scheduler.Schedule(this, dueTime);
        return true;
    }

    public void Fire()
    {
        Number = 0;
        if (!process.IsAlive) return;
        process.Post(_ => Call(), null);
        if (period > TimeSpan.Zero) scheduler.Schedule(this, period);
    }

    void Call()
    {
        if (!disposed) callback(state);
    }

    public void Dispose() => (Number, disposed) = (0, true);

    public ValueTask DisposeAsync()
    {
        Dispose();
        return ValueTask.CompletedTask;
    }
}
