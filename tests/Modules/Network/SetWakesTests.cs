using Microsoft.Extensions.Time.Testing;
using Monolith.Network.Ports;

namespace Monolith.Modules.Tests.Network;

public sealed class SetWakesTests
{
    readonly FakeTimeProvider time = new();
    readonly List<Guid> told = [];
    readonly Guid set = Guid.NewGuid();

    [Fact]
    public void Wake_AfterQuiet_TellsAtOnce()
    {
        var wakes = new SetWakes(time, told.Add);
        wakes.Wake(set);
        time.Advance(SetWakes.Pause);
        wakes.Wake(set);
        Assert.Equal([set, set], told);
    }

    [Fact]
    public void ManyWakes_TellOnceNow_AndOnceWhenThePauseIsOver()
    {
        var wakes = new SetWakes(time, told.Add);
        for (var i = 0; i < 100; i++) wakes.Wake(set);
        Assert.Equal([set], told);
        time.Advance(SetWakes.Pause);
        Assert.Equal([set, set], told);
        // Nothing came meanwhile.
        time.Advance(SetWakes.Pause * 3);
        Assert.Equal([set, set], told);
    }

    [Fact]
    public void SetsDoNotWaitForEachOther()
    {
        var wakes = new SetWakes(time, told.Add);
        var other = Guid.NewGuid();
        wakes.Wake(set);
        wakes.Wake(other);
        Assert.Equal([set, other], told);
    }

    [Fact]
    public void EveryWake_IsFollowedByATelling_HoweverTheyFall()
    {
        var random = new Random(1);
        var lastTold = -1;
        var now = 0;
        var wakes = new SetWakes(time, _ => lastTold = now);
        for (now = 0; now < 2_000; now++)
        {
            time.Advance(TimeSpan.FromMilliseconds(random.Next(200)));
            if (random.Next(3) == 0) wakes.Wake(set);
            var woken = now;
            if (random.Next(50) != 0) continue;
            wakes.Wake(set);
            now++;
            time.Advance(SetWakes.Pause);
            Assert.True(lastTold >= woken, $"woken at {woken}, told at {lastTold}");
        }
    }
}
