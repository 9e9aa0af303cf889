namespace Monolith.Cli.Tests.Fake;

/// <summary>Whoever waits has waited at once, by this clock; how long is kept.</summary>
internal sealed class HurriedTime : TimeProvider
{
    TimeSpan passed;

    public List<TimeSpan> Waits { get; } = [];

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + passed;

    public override long GetTimestamp() => passed.Ticks;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        Waits.Add(dueTime);
        passed += dueTime;
        return System.CreateTimer(callback, state, TimeSpan.Zero, period);
    }
}
