using Google.Protobuf.WellKnownTypes;
using Monolith.Agent.V1;

namespace Monolith.Agent.Routing;

/// <summary>What was seen of a session.</summary>
/// <param name="Since">When it was first seen as it is.</param>
/// <param name="Losses">When it was lost in the last hour, oldest first.</param>
internal sealed record FabricSighting(BgpSession Session, DateTimeOffset Since, IReadOnlyList<DateTimeOffset> Losses);

/// <summary>
/// The sessions of a machine over time, looked at again and again. A session that went down and came back between two looks
/// is given away by the time since when the daemon says that it is up. Immutable.
/// </summary>
internal sealed record FabricSightings(IReadOnlyList<FabricSighting> Sessions)
{
    public const string Unreachable = "Unreachable";
    public static readonly TimeSpan Remembered = TimeSpan.FromHours(1);
    public const int Most = 32;

    public static FabricSightings None { get; } = new([]);

    public FabricSightings Look(IEnumerable<BgpSession> sessions, DateTimeOffset now)
    {
        var before = Sessions.ToDictionary(s => s.Session.Name, StringComparer.Ordinal);
        return new([.. sessions.OrderBy(s => s.Name, StringComparer.Ordinal)
            .Select(s => Next(before.GetValueOrDefault(s.Name), s, now))]);
    }

    /// <summary>The daemon does not answer, and so it speaks to nobody either.</summary>
    public FabricSightings Miss(string why, DateTimeOffset now) => Look(Sessions.Select(s =>
        s.Session with { State = Unreachable, Since = "", Bfd = BfdState.None, LastError = why }), now);

    private static FabricSighting Next(FabricSighting? before, BgpSession session, DateTimeOffset now)
    {
        if (before is null) return new(session, now, []);
        var came = session.Established && before.Session.Established && session.Since != before.Session.Since;
        var lost = came || (before.Session.Established && !session.Established);
        var losses = before.Losses.Where(t => t > now - Remembered);
        return new(session, came || session.State != before.Session.State ? now : before.Since,
            [.. (lost ? losses.Append(now) : losses).TakeLast(Most)]);
    }

    public ReportFabricRequest ToReport() => new() { Sessions = { Sessions.Select(ToProto) } };

    private static FabricSession ToProto(FabricSighting sighting) => new()
    {
        Name = sighting.Session.Name,
        Neighbor = sighting.Session.Neighbor,
        State = sighting.Session.State,
        Bfd = sighting.Session.Bfd switch
        {
            BfdState.Up => FabricSession.Types.Bfd.Up,
            BfdState.Init => FabricSession.Types.Bfd.Init,
            BfdState.Down => FabricSession.Types.Bfd.Down,
            _ => FabricSession.Types.Bfd.None,
        },
        LastError = sighting.Session.LastError,
        Since = Timestamp.FromDateTimeOffset(sighting.Since),
        Losses = { sighting.Losses.Select(Timestamp.FromDateTimeOffset) },
    };
}
