using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Monolith.Events.V1;
using Monolith.Platform.Events;

namespace Monolith.Events.Log;

/// <summary>An event in the log. Immutable.</summary>
internal sealed class LogRow
{
    /// <summary>The place in the log: 1, 2, 3, … in the order of commits, without a gap.</summary>
    public long Sequence { get; init; }
    public Guid Uid { get; init; }
    public required string Type { get; init; }
    public required string Resource { get; init; }
    /// <summary>The project's id, or empty.</summary>
    public required string Project { get; init; }
    /// <summary>UTC; when the module committed it.</summary>
    public DateTime Time { get; init; }
    public required string Actor { get; init; }
    public required string RequestId { get; init; }
    public required string TraceId { get; init; }
    public required string DataType { get; init; }
    public required byte[] Data { get; init; }

    public static LogRow Of(long sequence, EventEnvelope e) => new()
    {
        Sequence = sequence,
        Uid = e.Uid,
        Type = e.Type,
        Resource = e.Resource,
        Project = e.Project,
        Time = e.Time,
        Actor = e.Actor,
        RequestId = e.RequestId,
        TraceId = e.TraceId,
        DataType = e.DataType,
        Data = e.Data,
    };

    public Event ToProto() => new()
    {
        Sequence = Sequence,
        Uid = Uid.ToString(),
        Type = Type,
        Resource = Resource,
        Project = Project.Length == 0 ? "" : "projects/" + Project,
        Time = Time.ToTimestamp(),
        Actor = Actor,
        RequestId = RequestId,
        TraceId = TraceId,
        Data = new Any { TypeUrl = "type.googleapis.com/" + DataType, Value = ByteString.CopyFrom(Data) },
    };
}

/// <summary>How far the log has a module's events, in the module's own numbers.</summary>
internal sealed class SourceRow
{
    public required string Module { get; init; }
    public long Through { get; set; }
}

/// <summary>Where the log ends on either side. One row.</summary>
internal sealed class EndsRow
{
    public int Id { get; init; } = 1;

    /// <summary>The newest event's sequence; 0 before the first.</summary>
    public long Last { get; set; }

    /// <summary>Events up to this one are no longer kept.</summary>
    public long TrimmedThrough { get; set; }
}
