namespace Monolith.Fleet.Nodes;

/// <summary>The nodes' clock: shifted, and faster or slower than the machine's. Timers follow it.</summary>
/// <param name="speed">1: as fast as the machine's; 10: ten seconds pass in one.</param>
/// <param name="offset">Ahead of the machine's at the start.</param>
internal sealed class FleetClock(double speed, TimeSpan offset) : TimeProvider
{
    readonly DateTimeOffset began = System.GetUtcNow();
    readonly long beganAt = System.GetTimestamp();

    public override DateTimeOffset GetUtcNow() => began + offset + System.GetElapsedTime(beganAt) * speed;

    public override long GetTimestamp() => beganAt + (long)((System.GetTimestamp() - beganAt) * speed);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        new Timer(System.CreateTimer(callback, state, Scaled(dueTime), Scaled(period)), this);

    TimeSpan Scaled(TimeSpan span) => span == Timeout.InfiniteTimeSpan || span == TimeSpan.Zero ? span : span / speed;

    sealed class Timer(ITimer inner, FleetClock clock) : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period) =>
            inner.Change(clock.Scaled(dueTime), clock.Scaled(period));

        public void Dispose() => inner.Dispose();

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
