using System.Globalization;
using Monolith.Platform.Faults;

namespace Monolith.Platform.Storage;

/// <summary>What every resource's row has.</summary>
public abstract class ResourceRow
{
    /// <summary>UUIDv7; the primary key. Immutable.</summary>
    public Guid Uid { get; init; } = Chance.NewUid();

    /// <summary>The full resource name, unique in its table, and the key of lists. Immutable.</summary>
    public required string Name { get; init; }

    /// <summary>The project's id; empty for a resource of the cloud. Immutable.</summary>
    public string Project { get; init; } = "";

    /// <summary>Rises with every change; the concurrency token.</summary>
    public long Generation { get; set; } = 1;

    public string DisplayName { get; set; } = "";

    /// <summary>As <c>Labels.Store</c> writes them.</summary>
    public string Labels { get; set; } = "";

    /// <summary>UTC. Immutable.</summary>
    public DateTime CreateTime { get; init; }

    /// <summary>UTC.</summary>
    public DateTime UpdateTime { get; set; }

    /// <summary>AIP-154.</summary>
    public string Etag => Generation.ToString(CultureInfo.InvariantCulture);

    /// <summary>Marks a change: checks the caller's etag, when there is one, and makes a new one.</summary>
    /// <exception cref="Fault">ABORTED when the etag is another's.</exception>
    public void Touch(string etag, DateTime now)
    {
        if (etag.Length > 0 && etag != Etag) throw Fault.EtagMismatch(Name, Etag);
        Generation++;
        UpdateTime = now;
    }
}

/// <summary>An event, committed with the change that it tells of.</summary>
public sealed class EventRow
{
    /// <summary>Order of commits in the module: 1, 2, 3, … given by the writer.</summary>
    public long Sequence { get; internal set; }
    public Guid Uid { get; init; } = Chance.NewUid();
    /// <summary><c>monolith.compute.server.created</c></summary>
    public required string Type { get; init; }
    /// <summary>The resource's name.</summary>
    public required string Resource { get; init; }
    public required string Project { get; init; }
    public DateTime Time { get; init; }
    public required string Actor { get; init; }
    public string RequestId { get; init; } = "";
    public string TraceId { get; init; } = "";
    /// <summary>The span that made the change, as W3C's <c>traceparent</c>; empty when it was not recorded.</summary>
    public string TraceParent { get; init; } = "";
    /// <summary>The call that changed it, <c>/monolith.compute.v1.ServerService/CreateServer</c>, in the last event of its
    /// write; empty in all others, and where no call did.</summary>
    public string Method { get; internal set; } = "";
    /// <summary>What that call's caller showed.</summary>
    public string Credential { get; internal set; } = "";
    /// <summary>The address that it came from.</summary>
    public string Peer { get; internal set; } = "";
    /// <summary>Full name of the protobuf message in <see cref="Data"/>.</summary>
    public required string DataType { get; init; }
    /// <summary>The resource as the change left it.</summary>
    public required byte[] Data { get; init; }
}

/// <summary>An answered request (AIP-155).</summary>
public sealed class RequestRow
{
    /// <summary>Caller, method and request id.</summary>
    public required string Key { get; init; }
    /// <summary>SHA-256 over the request without its id.</summary>
    public required byte[] Payload { get; init; }
    public required byte[] Response { get; init; }
    public DateTime Time { get; init; }
}

/// <summary>How far the event log has this module's events. One row.</summary>
public sealed class RelayRow
{
    public int Id { get; init; } = 1;
    public long LoggedThrough { get; set; }
}
