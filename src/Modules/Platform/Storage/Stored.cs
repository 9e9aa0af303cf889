namespace Monolith.Platform.Storage;

/// <summary>Values as both databases keep them, so that an answer is what a later read finds.</summary>
public static class Stored
{
    /// <summary>UTC in whole microseconds, rounded down: PostgreSQL keeps no more.</summary>
    public static DateTime Time(DateTimeOffset time) => Time(time.UtcDateTime);

    /// <inheritdoc cref="Time(DateTimeOffset)"/>
    /// <param name="time">UTC; an unspecified kind is taken for UTC.</param>
    public static DateTime Time(DateTime time) =>
        new(time.Ticks - time.Ticks % TimeSpan.TicksPerMicrosecond, DateTimeKind.Utc);
}
