using Google.Protobuf.WellKnownTypes;
using Monolith.Network.V1;
using Monolith.Platform.Storage;
using State = Monolith.Network.V1.FabricBreach.Types.State;

namespace Monolith.Network.FabricBreaches;

/// <summary>
/// A breach, as its hypervisor saw it last. Pure.
/// <code>
///  seen ──▶ OPEN ◀──────────▶ UNKNOWN (not heard)
///            │ ▲ seen again      │
///      mended▼ │                 │ mended
///           MENDED ◀─────────────┘ ──▶ gone, after an hour
/// </code>
/// </summary>
internal sealed class FabricBreachRow : ResourceRow
{
    /// <summary>How long mended ones are kept.</summary>
    public static readonly TimeSpan Kept = TimeSpan.FromHours(1);

    public required string Node { get; init; }
    public required string Code { get; init; }
    public required string Subject { get; init; }
    public FabricBreach.Types.Invariant Invariant { get; set; }
    public State State { get; set; }
    /// <summary>The port's name; empty when it is about none.</summary>
    public string Port { get; set; } = "";
    public string Message { get; set; } = "";
    public DateTime FirstSeenTime { get; set; }
    public DateTime? LastSeenTime { get; set; }
    public DateTime? MendTime { get; set; }

    public static FabricBreachRow Of(string node, string code, string subject, DateTime now) => new()
    {
        Name = NameOf(node, code, subject), Node = node, Code = code, Subject = subject, CreateTime = now, UpdateTime = now,
    };

    public static string NameOf(string node, string code, string subject) =>
        $"fabricBreaches/{node}.{code.ToLowerInvariant().Replace('_', '-')}.{subject}";

    /// <summary>What the node says now.</summary>
    /// <param name="port">The port's name; empty when it is not known, and then it stays.</param>
    /// <returns>Whether that is news.</returns>
    public bool Take(BreachSight sight, string port)
    {
        var before = (Invariant, State, Port, Message, FirstSeenTime, LastSeenTime, MendTime);
        // An agent that begins anew sees for the first time what it saw before.
        if (State == State.Unspecified || (State == State.Mended && sight.Mended != MendTime)) FirstSeenTime = sight.Since;
        (Invariant, Message, LastSeenTime, MendTime) = (sight.Invariant, sight.Message, sight.LastSeen, sight.Mended);
        State = sight.Mended is null ? State.Open : State.Mended;
        if (port.Length > 0) Port = port;
        return before != (Invariant, State, Port, Message, FirstSeenTime, LastSeenTime, MendTime);
    }

    /// <summary>It is not seen any more.</summary>
    public void Mend(DateTime now) => (State, LastSeenTime, MendTime) = (State.Mended, now, now);

    /// <summary>Its node is not heard.</summary>
    public void Lose() => State = State.Unknown;

    public FabricBreach ToProto() => new()
    {
        Name = Name,
        Uid = Uid.ToString(),
        Etag = Etag,
        Hypervisor = "hypervisors/" + Node,
        State = State,
        Invariant = Invariant,
        Code = Code,
        Subject = Subject,
        Port = Port,
        Message = Message,
        FirstSeenTime = FirstSeenTime.ToTimestamp(),
        LastSeenTime = LastSeenTime?.ToTimestamp(),
        MendTime = MendTime?.ToTimestamp(),
        CreateTime = CreateTime.ToTimestamp(),
        UpdateTime = UpdateTime.ToTimestamp(),
    };
}
