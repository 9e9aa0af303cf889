namespace Monolith.Host.Access;

/// <summary>How much of the host one caller may have, and all of them together. Immutable. Who wants more is refused with
/// RESOURCE_EXHAUSTED and the time after which to try again; nothing queues.</summary>
public sealed record CallLimits
{
    /// <summary>Calls a second of one caller; for two seconds, twice as many. A caller is a user or a node; for who shows
    /// nothing, an address.</summary>
    public int CallerRate { get; init; } = 2_000;

    /// <summary>Calls of one caller at a time, streams aside.</summary>
    public int CallerCalls { get; init; } = 1_000;

    /// <summary>Open streams of one caller.</summary>
    public int CallerStreams { get; init; } = 1_000;

    /// <summary>Calls of all callers at a time, streams aside.</summary>
    public int Calls { get; init; } = 8_000;

    /// <summary>Calls a second from one address whose credential is not believed; for a while, twenty times as many.</summary>
    public int Refusals { get; init; } = 50;

    /// <summary>How long a reader may leave one message of a stream unread, or a sender the next one of an upload unsent.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromMinutes(2);
}
