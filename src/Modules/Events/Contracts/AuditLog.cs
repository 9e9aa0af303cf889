namespace Monolith.Events.Contracts;

/// <summary>A call that changed nothing that an event tells of; those that did come to the log with their events.
/// Immutable; equal facts are one.</summary>
/// <param name="Caller">Empty: nobody known.</param>
/// <param name="Resource">What the request named.</param>
/// <param name="Project">The project's id; empty for none, and where the caller may not know of it.</param>
/// <param name="Code">google.rpc.Code.</param>
public sealed record AuditFact(string Caller, string Credential, string Peer, string Method, string Resource, string Project,
    int Code, string Reason, string RequestId, string TraceId);

/// <summary>Who did what.</summary>
public interface IAuditLog
{
    /// <summary>In the log within a second or so, unless the host dies before.</summary>
    void Note(AuditFact fact);

    /// <summary>In the log when this completes: for what is about to be done and leaves no other trace.</summary>
    Task RecordAsync(AuditFact fact, CancellationToken cancel);
}
