using System.Globalization;
using Google.Protobuf.WellKnownTypes;
using Monolith.Network.V1;
using Monolith.Platform.Storage;
using State = Monolith.Network.V1.FabricPeer.Types.State;

namespace Monolith.Network.Fabric;

/// <summary>A BGP session, as its node saw it last. What follows from a report is decided here and nowhere else. Pure.</summary>
internal sealed class FabricPeerRow : ResourceRow
{
    /// <summary>So many losses within that time are no accident.</summary>
    public const int FlapLosses = 3;
    public static readonly TimeSpan FlapTime = TimeSpan.FromMinutes(10);

    /// <summary>How long losses are remembered, and how many.</summary>
    public static readonly TimeSpan LossTime = TimeSpan.FromHours(1);
    public const int MostLosses = 32;

    public required string Node { get; init; }
    public string Neighbor { get; set; } = "";
    public State State { get; set; } = State.Unknown;
    public string BgpState { get; set; } = "";
    public FabricPeer.Types.Bfd Bfd { get; set; }
    public string LastError { get; set; } = "";
    public DateTime StateTime { get; set; }
    public bool Flapping { get; set; }
    /// <summary>Unix seconds, oldest first.</summary>
    public string Losses { get; set; } = "";

    /// <summary>What the node says now.</summary>
    /// <returns>Whether that is news.</returns>
    public bool Take(FabricSight sight, DateTime now)
    {
        var before = (Neighbor, State, BgpState, Bfd, LastError, StateTime, Losses, Flapping);
        (Neighbor, BgpState, Bfd, LastError, StateTime) =
            (sight.Neighbor, sight.BgpState, sight.Bfd, sight.LastError, sight.Since);
        State = sight.IsEstablished ? State.Established : State.Down;
        var losses = Load(Losses).Union(sight.Losses).Where(t => t > now - LossTime).Order().TakeLast(MostLosses).ToList();
        Losses = string.Join(' ', losses.Select(t => ((DateTimeOffset)t).ToUnixTimeSeconds()));
        Flapping = losses.Count(t => t > now - FlapTime) >= FlapLosses;
        return before != (Neighbor, State, BgpState, Bfd, LastError, StateTime, Losses, Flapping);
    }

    /// <summary>Its node is not heard.</summary>
    public void Lose(DateTime now) => (State, StateTime) = (State.Unknown, now);

    static IEnumerable<DateTime> Load(string losses) => losses.Split(' ', StringSplitOptions.RemoveEmptyEntries)
        .Select(s => DateTimeOffset.FromUnixTimeSeconds(long.Parse(s, CultureInfo.InvariantCulture)).UtcDateTime);

    public FabricPeer ToProto()
    {
        var losses = Load(Losses).ToList();
        return new()
        {
            Name = Name,
            Uid = Uid.ToString(),
            Etag = Etag,
            Node = Node,
            Neighbor = Neighbor,
            State = State,
            BgpState = BgpState,
            Bfd = Bfd,
            LastError = LastError,
            StateTime = StateTime.ToTimestamp(),
            Flapping = Flapping,
            LossCount = losses.Count,
            LastLossTime = losses.Count > 0 ? losses[^1].ToTimestamp() : null,
            CreateTime = CreateTime.ToTimestamp(),
            UpdateTime = UpdateTime.ToTimestamp(),
        };
    }
}
