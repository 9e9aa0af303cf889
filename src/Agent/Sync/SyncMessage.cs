using Google.Protobuf;

namespace Monolith.Agent.Sync;

/// <summary>A desired item of any concern.</summary>
/// <param name="Key">Its id in digests.</param>
/// <param name="Generation">Rises with every change.</param>
/// <param name="Body">The typed message; never changed after it was received.</param>
internal sealed record DesiredItem(string Key, ulong Generation, IMessage Body);

/// <summary>What the host says on a stream: the closed set of sync.proto, without the concern's types.</summary>
internal abstract record Downlink
{
    private Downlink()
    {
    }

    /// <summary>W3C trace context of what led to the message; empty when that is not known.</summary>
    public string Traceparent { get; init; } = "";

    /// <summary>What else the message says, that is no part of the set: true from then on, and to be heard before the
    /// message itself. Null: nothing.</summary>
    public IMessage? Beside { get; init; }

    public sealed record Upsert(DesiredItem Item) : Downlink;

    public sealed record Remove(string Key) : Downlink;

    public sealed record InSync(bool Unchanged, bool SendStatuses) : Downlink;

    /// <summary>Something to be done once and now: no part of the set, and not remembered.</summary>
    public sealed record Asked(IMessage Body) : Downlink;

    /// <summary>A newer host's message, or one without a kind: nothing to do.</summary>
    public sealed record Unknown : Downlink;
}

/// <summary>What the agent says on a stream.</summary>
internal abstract record Uplink
{
    private Uplink()
    {
    }

    public sealed record Status(IMessage Body) : Uplink;

    public sealed record Sent : Uplink;
}
