using System.Diagnostics;
using Google.Protobuf;
using Monolith.Platform.Calls;
using Monolith.Platform.Quotas;

namespace Monolith.Platform.Storage;

/// <summary>What happened to a resource; the last part of an event's type.</summary>
public enum Change
{
    Created,
    Updated,
    Deleted,
}

/// <summary>One write: the rows that it changes and the events that tell of it, committed together or not at all.</summary>
public sealed class Unit<TDb>(TDb db, Call call, string requestId, DateTime now) where TDb : ModuleDb
{
    readonly List<EventRow> events = [];

    public TDb Db { get; } = db;

    public Call Call { get; } = call;

    /// <summary>UTC; the same for the whole write.</summary>
    public DateTime Now { get; } = now;

    internal IReadOnlyList<EventRow> Events => events;

    /// <summary>Tells of a change.</summary>
    /// <param name="noun">Lower camel case: <c>server</c>, <c>keyPair</c>.</param>
    /// <param name="resource">The resource's name.</param>
    /// <param name="project">The project's id, or empty.</param>
    /// <param name="data">The resource as the change left it.</param>
    public void Emit(string noun, Change change, string resource, string project, IMessage data)
    {
        events.Add(new EventRow
        {
            Type = $"monolith.{Db.Schema}.{noun}.{Word(change)}",
            Resource = resource,
            Project = project,
            Time = Now,
            Actor = Call.Actor,
            RequestId = requestId,
            TraceId = Activity.Current?.TraceId.ToHexString() ?? Call.TraceId,
            TraceParent = Activity.Current is { Recorded: true, Id: { } span } ? span : "",
            DataType = data.Descriptor.FullName,
            Data = data.ToByteArray(),
        });
    }

    /// <summary>Has the last event tell of the call as well, unless an earlier write has: what a change was about is told after what
    /// went with it.</summary>
    internal void TellOfCall()
    {
        if (events.Count == 0 || Call.Origin is not { IsTold: false } origin) return;
        (events[^1].Method, events[^1].Credential, events[^1].Peer) = (Call.Method, origin.Credential, origin.Peer);
    }

    /// <summary>Refuses the write for what another module would refuse, together with the quotas that it exceeds itself.
    /// Nothing happens when there is nothing.</summary>
    public void Refuse(IReadOnlyList<ExceededQuota> elsewhere)
    {
        if (Db.Claims is { } claims) claims.Add(elsewhere);
        else if (elsewhere.Count > 0) throw ExceededQuota.Fault(elsewhere);
    }

    static string Word(Change change) => change switch
    {
        Change.Created => "created",
        Change.Updated => "updated",
        _ => "deleted",
    };
}
