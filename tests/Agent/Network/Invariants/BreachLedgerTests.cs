using Monolith.Agent.Network.Invariants;

namespace Monolith.Agent.Tests.Network.Invariants;

/// <summary>Breaches over time.</summary>
public sealed class BreachLedgerTests
{
    private static readonly DateTimeOffset Start = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly Breach Route = new(Invariant.OneOwner, "FOREIGN_ROUTE", "vt1", "words");
    private static readonly Breach Hop = new(Invariant.TwoNextHops, "SINGLE_NEXT_HOP", "10.64.0.1", "words", IsPassing: true);

    private static BreachLedger Looks(params (double Second, Breach[] Found)[] looks) =>
        looks.Aggregate(BreachLedger.None, (ledger, look) => ledger.Look(look.Found, Start.AddSeconds(look.Second)));

    [Fact]
    public void OneThatIsSeen_IsOpen_AndAnotherLookIsNoNews()
    {
        var one = Assert.Single(Looks((0, [Route]), (1, [Route])).Entries);
        Assert.Equal((Start, Start.AddSeconds(1), null), (one.Since, one.LastSeen, one.Mended));
        Assert.Equal(Looks((0, [Route])).ToProto(), Looks((0, [Route]), (9, [Route])).ToProto());
    }

    [Fact]
    public void OneThatIsMended_IsKeptForAnHour()
    {
        var one = Assert.Single(Looks((0, [Route]), (1, []), (5, [])).Entries);
        Assert.Equal((Start, Start, Start.AddSeconds(1)), (one.Since, one.LastSeen, one.Mended));
        Assert.Single(Looks((0, [Route]), (1, []), (3600, [])).Entries);
        Assert.Empty(Looks((0, [Route]), (1, []), (3602, [])).Entries);
    }

    [Fact]
    public void OneThatComesAgain_IsOpenAgain_SinceThen()
    {
        var one = Assert.Single(Looks((0, [Route]), (1, []), (5, [Route])).Entries);
        Assert.Equal((Start.AddSeconds(5), null), (one.Since, one.Mended));
    }

    /// <summary>Routes of a server that starts or moves are under way for a moment.</summary>
    [Fact]
    public void AnOversightOfTheFabric_IsNoBreach_UntilItLasts()
    {
        Assert.Empty(Looks((0, [Hop]), (1, [Hop]), (1.4, [Hop])).Entries);
        Assert.Empty(Looks((0, [Hop]), (1, []), (2, [Hop]), (3, [Hop])).Entries);
        Assert.Equal(Start, Assert.Single(Looks((0, [Hop]), (1, [Hop]), (2, [Hop])).Entries).Since);
        // And what it was before is told meanwhile.
        var again = Looks((0, [Hop]), (2, [Hop]), (3, []), (9, [Hop]));
        Assert.Equal(Start.AddSeconds(3), Assert.Single(again.Entries).Mended);
        Assert.Null(Assert.Single(again.Look([Hop], Start.AddSeconds(11)).Entries).Mended);
    }

    [Fact]
    public void OpenOnes_AreToldFirst_WhenThereAreTooMany()
    {
        var many = Enumerable.Range(0, BreachLedger.MostEntries).Select(i => Route with { Subject = $"vt{i}" }).ToArray();
        var ledger = Looks((0, many), (1, [Route with { Subject = "new" }]));
        Assert.Equal(BreachLedger.MostEntries, ledger.Entries.Count);
        Assert.Null(ledger.Entries.Single(e => e.Breach.Subject == "new").Mended);
    }

    [Fact]
    public void LongWords_AreCut()
    {
        var told = Assert.Single(Looks((0, [Route with { Message = new string('x', 9999) }])).ToProto());
        Assert.Equal(BreachLedger.MostMessage, told.Message.Length);
    }
}
