using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Monolith.Events.Contracts;
using Monolith.Events.V1;
using Monolith.Platform.Events;

namespace Monolith.Events.Audit;

/// <summary>An entry of the audit log. Immutable.</summary>
internal sealed class AuditRow
{
    /// <summary>1, 2, 3, … without a gap.</summary>
    public long Sequence { get; init; }

    /// <summary>UTC.</summary>
    public DateTime Time { get; init; }

    public required string Caller { get; init; }
    public required string Credential { get; init; }
    public required string Peer { get; init; }
    public required string Method { get; init; }
    public required string Resource { get; init; }

    /// <summary>The project's id, or empty.</summary>
    public required string Project { get; init; }

    public long Code { get; init; }
    public required string Reason { get; init; }
    public required string RequestId { get; init; }
    public required string TraceId { get; init; }
    public string EventType { get; init; } = "";
    public string EventUid { get; init; } = "";
    public int Count { get; init; } = 1;

    /// <summary>Over all of the above and the entry before.</summary>
    public byte[] Digest { get; set; } = [];

    /// <summary>What an event's call did.</summary>
    public static AuditRow Of(long sequence, EventEnvelope e) => new()
    {
        Sequence = sequence,
        Time = e.Time,
        Caller = e.Actor,
        Credential = e.Credential,
        Peer = e.Peer,
        Method = e.Method.TrimStart('/'),
        Resource = e.Resource,
        Project = e.Project,
        Reason = "",
        RequestId = e.RequestId,
        TraceId = e.TraceId,
        EventType = e.Type,
        EventUid = e.Uid.ToString(),
    };

    public static AuditRow Of(long sequence, DateTime time, AuditFact fact, int count) => new()
    {
        Sequence = sequence,
        Time = time,
        Caller = AuditText.Limit(fact.Caller),
        Credential = AuditText.Limit(fact.Credential),
        Peer = AuditText.Limit(fact.Peer),
        Method = AuditText.Limit(fact.Method.TrimStart('/')),
        Resource = AuditText.Limit(fact.Resource),
        Project = AuditText.Limit(fact.Project),
        Code = fact.Code,
        Reason = AuditText.Limit(fact.Reason),
        RequestId = AuditText.Limit(fact.RequestId),
        TraceId = fact.TraceId,
        Count = count,
    };

    public AuditEntry ToProto() => new()
    {
        Sequence = Sequence,
        Time = Time.ToTimestamp(),
        Caller = Caller,
        Credential = Credential,
        Peer = Peer,
        Method = Method,
        Resource = Resource,
        Project = Project.Length == 0 ? "" : "projects/" + Project,
        Code = (int)Code,
        Reason = Reason,
        RequestId = RequestId,
        TraceId = TraceId,
        EventType = EventType,
        EventUid = EventUid,
        Count = Count,
        Digest = ByteString.CopyFrom(Digest),
    };
}

/// <summary>Where the audit log ends on either side. One row.</summary>
internal sealed class AuditEndsRow
{
    public int Id { get; init; } = 1;

    /// <summary>The newest entry's sequence; 0 before the first.</summary>
    public long Last { get; set; }

    /// <summary>Of the newest entry; empty before the first.</summary>
    public byte[] Digest { get; set; } = [];

    /// <summary>Entries up to this one are no longer kept.</summary>
    public long TrimmedThrough { get; set; }

    /// <summary>Of that entry: what the oldest one that is kept joins on to.</summary>
    public byte[] TrimmedDigest { get; set; } = [];
}
