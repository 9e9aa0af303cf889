using Google.Protobuf.Collections;
using Monolith.Agent.V1;
using Monolith.Network.V1;
using Monolith.Platform.Faults;

namespace Monolith.Network.Fabric;

/// <summary>A session as a node reports it, within what a node can mean: times are past, words are short. Immutable.</summary>
/// <param name="Since">Whole milliseconds.</param>
/// <param name="Losses">Whole seconds.</param>
internal sealed record FabricSight(string Session, string Neighbor, string BgpState, FabricPeer.Types.Bfd Bfd,
    string LastError, DateTime Since, IReadOnlyList<DateTime> Losses)
{
    const int MostSessions = 64, MostWords = 64, MostError = 256;

    public bool IsEstablished => BgpState == "Established";

    /// <exception cref="Fault">INVALID_ARGUMENT with every violation.</exception>
    public static IReadOnlyList<FabricSight> Read(RepeatedField<FabricSession> sessions, DateTime now)
    {
        var violations = new Violations();
        violations.Require(sessions.Count <= MostSessions, "sessions", $"must be at most {MostSessions}");
        violations.Require(sessions.DistinctBy(s => s.Name).Count() == sessions.Count, "sessions", "must have names of their own");
        for (var i = 0; i < Math.Min(sessions.Count, MostSessions); i++)
        {
            var (field, session) = ($"sessions[{i}]", sessions[i]);
            violations.Require(IsWord(session.Name, MostWords) && !session.Name.Contains('/', StringComparison.Ordinal),
                field + ".name", $"must have 1 to {MostWords} characters, no slash and no control character");
            violations.Require(IsWord(session.State, MostWords), field + ".state",
                $"must have 1 to {MostWords} characters and no control character");
            violations.Require(session.Neighbor.Length <= MostWords, field + ".neighbor", $"must have at most {MostWords} characters");
            violations.Require(session.Losses.Count <= FabricPeerRow.MostLosses, field + ".losses",
                $"must be at most {FabricPeerRow.MostLosses}");
        }
        violations.ThrowIfAny();
        return [.. sessions.Select(s => new FabricSight(s.Name, s.Neighbor, s.State, BfdOf(s.Bfd),
            s.LastError.Length <= MostError ? s.LastError : s.LastError[..MostError],
            ReportTimes.Past(s.Since, now, TimeSpan.TicksPerMillisecond),
            [.. s.Losses.Select(t => ReportTimes.Past(t, now, TimeSpan.TicksPerSecond))]))];
    }

    static bool IsWord(string word, int most) => word.Length > 0 && word.Length <= most && !word.Any(char.IsControl);

    static FabricPeer.Types.Bfd BfdOf(FabricSession.Types.Bfd bfd) => bfd switch
    {
        FabricSession.Types.Bfd.Up => FabricPeer.Types.Bfd.Up,
        FabricSession.Types.Bfd.Init => FabricPeer.Types.Bfd.Init,
        FabricSession.Types.Bfd.Down => FabricPeer.Types.Bfd.Down,
        _ => FabricPeer.Types.Bfd.None,
    };
}
