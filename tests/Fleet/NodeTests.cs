using Microsoft.Extensions.Logging.Abstractions;
using Monolith.Fleet.Nodes;

namespace Monolith.Fleet.Tests;

public sealed class NodeTests
{
    [Fact]
    public async Task TheSameSeed_GivesTheSameNodes_AndAnotherOthers()
    {
        var (first, again, other) = (await ThrownAsync(7), await ThrownAsync(7), await ThrownAsync(8));

        Assert.Equal(first, again);
        Assert.NotEqual(first, other);
    }

    // What a fleet's seed decides: who is slow, who belongs to a sample, and each node's own dice.
    static async Task<string> ThrownAsync(int seed)
    {
        var shape = new FleetShape
        {
            Hypervisors = 40, Seed = seed, Slow = new SlowNodes { Part = 0.5 },
        };
        await using var fleet = new NodeFleet(shape, NullLoggerFactory.Instance);
        var dice = Enumerable.Range(0, shape.Hypervisors).Select(i => shape.Emulation(i, false).Seed).ToList();
        Assert.Equal(dice.Count, dice.Distinct().Count());
        return string.Join(' ', fleet.Nodes.Where(n => n.IsSlow).Select(n => n.Name)) + "; "
            + string.Join(' ', fleet.Sample(0.5).Select(n => n.Name)) + "; " + string.Join(' ', dice);
    }

    [Fact]
    public async Task Racks_AreDealtOutInTurn_EachInOneZone()
    {
        var shape = new FleetShape { Hypervisors = 20, Racks = 6, Zones = 3 };
        await using var fleet = new NodeFleet(shape, NullLoggerFactory.Instance);

        Assert.Equal(6, fleet.Nodes.Select(n => n.Rack).Distinct().Count());
        Assert.All(Enumerable.Range(0, 20).GroupBy(shape.Rack),
            rack => Assert.Single(rack.Select(shape.Zone).Distinct()));
        Assert.Equal(3, Enumerable.Range(0, 20).Select(shape.Zone).Distinct().Count());
    }

    [Fact]
    public void AClock_IsAhead_AndNeverGoesBack()
    {
        var clock = new FleetClock(10, TimeSpan.FromDays(400));
        var before = TimeProvider.System.GetUtcNow();

        var (now, stamp) = (clock.GetUtcNow(), clock.GetTimestamp());

        Assert.InRange(now - before, TimeSpan.FromDays(400) - TimeSpan.FromSeconds(1), TimeSpan.FromDays(401));
        Assert.True(clock.GetUtcNow() >= now);
        Assert.True(clock.GetTimestamp() >= stamp);
    }

    [Fact]
    public async Task AFastClock_RingsEarly_AndItsTimestampsAgreeWithItsTime()
    {
        var clock = new FleetClock(1000, TimeSpan.Zero);
        var (utc, stamp) = (clock.GetUtcNow(), clock.GetTimestamp());

        // Ten minutes of that clock: 0.6 s.
        await Task.Delay(TimeSpan.FromMinutes(10), clock).WaitAsync(TimeSpan.FromSeconds(30));

        var passed = clock.GetUtcNow() - utc;
        Assert.True(passed >= TimeSpan.FromMinutes(9.5), $"{passed}");
        // Both are read one after the other, and a moment of ours is a thousand of theirs.
        Assert.InRange(clock.GetElapsedTime(stamp) / passed, 0.5, 2);
    }
}
