using Google.Protobuf.WellKnownTypes;
using Monolith.Lb.V1;

namespace Monolith.Lb.Nodes;

/// <summary>A machine that carries load balancers. The row is made when its agent connects for the first time.</summary>
internal sealed class NodeRow
{
    /// <summary>The node's id, as in <c>nodes/{node}</c>.</summary>
    public required string Id { get; init; }

    /// <summary>Stays true over a restart of the host until the grace period ends.</summary>
    public bool Connected { get; set; }

    public string AgentVersion { get; set; } = "";

    /// <summary>UTC.</summary>
    public DateTime FirstConnectTime { get; init; }

    /// <summary>When <see cref="Connected"/> last changed; UTC.</summary>
    public DateTime ChangeTime { get; set; }

    public Node ToProto(IEnumerable<string> heldAddresses) => new()
    {
        Name = "nodes/" + Id,
        State = Connected ? Node.Types.State.Up : Node.Types.State.Down,
        StateTime = ChangeTime.ToTimestamp(),
        AgentVersion = AgentVersion,
        HeldAddresses = { heldAddresses.Order(StringComparer.Ordinal) },
        CreateTime = FirstConnectTime.ToTimestamp(),
    };
}
