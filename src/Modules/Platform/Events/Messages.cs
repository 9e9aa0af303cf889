namespace Monolith.Platform.Events;

/// <summary>An event on the bus. Immutable.</summary>
public sealed record EventEnvelope(long Sequence, Guid Uid, string Type, string Resource, string Project, DateTime Time,
    string Actor, string RequestId, string TraceId, string DataType, byte[] Data)
{
    /// <summary>The span that made the change, as W3C's <c>traceparent</c>; empty when it was not recorded.</summary>
    public string TraceParent { get; init; } = "";

    /// <summary>The call that made the change, in the last event of its write; empty in all others.</summary>
    public string Method { get; init; } = "";

    /// <summary>What that call's caller showed.</summary>
    public string Credential { get; init; } = "";

    /// <summary>The address that it came from.</summary>
    public string Peer { get; init; } = "";

    /// <summary>True for <c>monolith.{module}.{noun}.…</c>.</summary>
    public bool Is(string moduleAndNoun) => Type.AsSpan().StartsWith("monolith.", StringComparison.Ordinal)
        && Type.AsSpan("monolith.".Length).StartsWith(moduleAndNoun, StringComparison.Ordinal);
}

/// <summary>A module committed events. Sent again until the log has them; consumers are idempotent.</summary>
/// <param name="After">The events are all of the module's that come after this sequence, up to the last of them.</param>
public sealed record EventsCommitted(string Module, long After, IReadOnlyList<EventEnvelope> Events);

/// <summary>The log holds the module's events up to this one.</summary>
public sealed record EventsLogged(string Module, long Through);

/// <summary>
/// Something in a module that wakes up by other modules' events. Called once or more for each event; must not block,
/// must not decide anything: rows decide.
/// </summary>
public interface IEventListener
{
    void OnEvent(EventEnvelope e);
}
