using Monolith.Agent.Routing;
using Monolith.Agent.V1;

namespace Monolith.Agent.Tests.Routing;

/// <summary>What a machine says of its BGP sessions, from looking again and again.</summary>
public sealed class FabricSightingsTests
{
    private static readonly DateTimeOffset Start = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private static BgpSession Session(string state = "Established", string since = "10:00:00", string error = "") =>
        new("tor1", state, since, "fe80::1%up1", state == "Established" ? BfdState.Up : BfdState.Down, error);

    private static FabricSightings Looks(params (int Second, BgpSession Session)[] looks) =>
        looks.Aggregate(FabricSightings.None, (seen, look) => seen.Look([look.Session], Start.AddSeconds(look.Second)));

    [Fact]
    public void ASessionThatStays_IsWhatItWas_SinceItWasSeen()
    {
        var seen = Assert.Single(Looks((0, Session()), (1, Session()), (2, Session())).Sessions);
        Assert.Equal((Start, 0), (seen.Since, seen.Losses.Count));
        Assert.Equal(Looks((0, Session()), (1, Session())).ToReport(), Looks((0, Session()), (9, Session())).ToReport());
    }

    [Fact]
    public void OneThatGoesDown_IsLostOnce_HoweverLongItIsAway()
    {
        var seen = Assert.Single(Looks((0, Session()), (5, Session("Active")), (6, Session("Connect")), (7, Session("Active"))).Sessions);
        Assert.Equal([Start.AddSeconds(5)], seen.Losses);
        Assert.Equal(Start.AddSeconds(7), seen.Since);
        Assert.Empty(Assert.Single(Looks((0, Session("Active")), (5, Session())).Sessions).Losses);
    }

    [Fact]
    public void OneThatWentAndCame_BetweenTwoLooks_IsGivenAwayByItsTime()
    {
        var seen = Assert.Single(Looks((0, Session()), (1, Session(since: "10:00:09"))).Sessions);
        Assert.Equal([Start.AddSeconds(1)], seen.Losses);
        Assert.Equal(Start.AddSeconds(1), seen.Since);
    }

    [Fact]
    public void Losses_AreForgottenAfterAnHour_AndAreNotEndless()
    {
        var flaps = Enumerable.Range(0, 100).Select(i => (i, Session(since: $"10:00:{i:00}"))).ToArray();
        Assert.Equal(FabricSightings.Most, Assert.Single(Looks(flaps).Sessions).Losses.Count);
        Assert.Empty(Assert.Single(Looks([.. flaps, (3700 + 100, flaps[^1].Item2)]).Sessions).Losses);
    }

    [Fact]
    public void ADaemonThatDoesNotAnswer_SpeaksToNobody()
    {
        var seen = Looks((0, Session())).Miss("BIRD does not answer", Start.AddSeconds(3));
        var told = Assert.Single(seen.ToReport().Sessions);
        Assert.Equal((FabricSightings.Unreachable, "BIRD does not answer", FabricSession.Types.Bfd.None, 1),
            (told.State, told.LastError, told.Bfd, told.Losses.Count));
        Assert.Equal(seen.ToReport(), seen.Miss("BIRD does not answer", Start.AddSeconds(9)).ToReport());
        Assert.Empty(seen.Look([], Start.AddSeconds(10)).Sessions);
    }
}
