using Google.Protobuf.WellKnownTypes;

namespace Monolith.Network.Fabric;

/// <summary>Times in nodes' reports. Pure.</summary>
internal static class ReportTimes
{
    /// <summary>In the past, since a node whose clock is ahead saw it now; and no finer than every database keeps it, or a repeat
    /// would be news.</summary>
    /// <param name="unit">Ticks, a millisecond's at least.</param>
    public static DateTime Past(Timestamp? time, DateTime now, long unit)
    {
        var at = time is null || time.Seconds is < 0 or > 253_402_300_799 || time.Nanos is < 0 or > 999_999_999 ? now : time.ToDateTime();
        if (at > now) at = now;
        return new(at.Ticks - at.Ticks % unit, DateTimeKind.Utc);
    }
}
