using CsCheck;
using Monolith.Compute.LiveMigration;
using Monolith.Compute.Servers;
using Monolith.Compute.Servers.Ports;
using Monolith.Compute.V1;
using State = Monolith.Compute.V1.Migration.Types.State;

namespace Monolith.Modules.Tests.Compute;

/// <summary>Which servers leave a hypervisor that is drained.</summary>
public sealed class DrainStepTests
{
    static readonly DateTime Now = new(2030, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    static readonly Gen<ServerRow> AnyServer =
        from id in Gen.Int[0, 100_000]
        from state in Gen.Int[0, 2].Select(i => new[] { Server.Types.State.Ready, Server.Types.State.Stopped, Server.Types.State.Failed }[i])
        from memory in Gen.Int[1, 8].Select(m => m * 128)
        from migration in Gen.Int[0, 4].Select(i => new State?[] { null, State.Copying, State.Failed, State.Aborted, State.Succeeded }[i])
        from ago in Gen.Int[0, 120]
        from here in Gen.Bool
        select new ServerRow
        {
            Name = $"projects/p/servers/s{id}",
            Flavor = "flavors/f",
            Image = "i",
            ImageSha256 = "0",
            ImageFormat = "raw",
            Hostname = "h",
            Detail = new([], [], []),
            Hypervisor = "hv1",
            MemoryMib = memory,
            State = migration == State.Copying ? Server.Types.State.Ready : state,
            Migration = migration is { } m
                ? new ServerMigration("m", "", here ? "hv1" : "hv2", "", m, Now, Now.AddSeconds(-ago), Now, Message: "no room")
                : null,
        };

    [Fact]
    public void NoMoreThanTwoAreOnTheirWay_TheLargestFirst_AndNoneThatFailedAMomentAgo() =>
        AnyServer.List[0, 12].Sample(there =>
        {
            var step = Drain.Next("hv1", there, 0, Now);
            var moving = there.Count(s => s.IsMigrating);
            Assert.True(step.Go.Count == 0 || moving + step.Go.Count <= Drain.AtOnce);
            Assert.All(step.Go, s => Assert.True(s.State != Server.Types.State.Failed && !s.IsMigrating));
            Assert.All(step.Go, s => Assert.False(s.Migration is { State: State.Failed, Source: "hv1" }
                && Now - s.Migration.StateTime < Drain.Pause));
            // Who could go and does not is no larger than who goes, and waits for a turn.
            var could = there.Where(s => s.State != Server.Types.State.Failed && !s.IsMigrating
                && !(s.Migration is { State: State.Failed, Source: "hv1" } && Now - s.Migration.StateTime < Drain.Pause)).ToList();
            if (step.Go.Count < could.Count) Assert.True(moving + step.Go.Count >= Drain.AtOnce);
            Assert.All(could.Except(step.Go), s => Assert.All(step.Go, g => Assert.True(g.MemoryMib >= s.MemoryMib)));
            Assert.Equal(there.Count, step.Left);
        });

    [Fact]
    public void WhatCannotGo_IsNamedWithItsCause()
    {
        ServerRow Of(string id, Server.Types.State state, ServerMigration? migration = null) => new()
        {
            Name = "projects/p/servers/" + id, Flavor = "f", Image = "i", ImageSha256 = "0", ImageFormat = "raw",
            Hostname = "h", Detail = new([], [], []), Hypervisor = "hv1", State = state, Migration = migration,
        };
        var failed = new ServerMigration("m", "", "hv1", "", State.Failed, Now, Now, Now, Message: "No other has room.");
        Assert.Equal("2 left, 0 on their way. 2 cannot go: projects/p/servers/a: No other has room.; projects/p/servers/b is STOPPING",
            Drain.Next("hv1", [Of("a", Server.Types.State.Ready, failed), Of("b", Server.Types.State.Stopping)], 0, Now).Message);
        var lost = Of("l", Server.Types.State.Stopped);
        lost.Hypervisor = "";
        Assert.Equal("1 left, 0 on their way. 1 cannot go: projects/p/servers/l is made anew elsewhere",
            Drain.Next("hv1", [lost], 0, Now).Message);
        var rescued = Of("c", Server.Types.State.Ready);
        rescued.Detail = rescued.Detail with { Rescue = new RescueChoice("i", "0", 1, "raw", Now) };
        // What does not run goes as well, unless something else speaks against it.
        var stopped = Of("s", Server.Types.State.Stopped);
        Assert.Equal("1 left, 1 on their way.", Drain.Next("hv1", [stopped], 0, Now).Message);
        stopped.Detail = rescued.Detail;
        Assert.Equal("1 left, 0 on their way. 1 cannot go: projects/p/servers/s is rescued", Drain.Next("hv1", [stopped], 0, Now).Message);
        var plugged = Of("d", Server.Types.State.Ready);
        plugged.Detail = PortChoices.Attach(plugged.Detail with { Networks = [new("n", [], "")] }, new("n", [], ""), grows: false)!;
        Assert.Equal("2 left, 0 on their way. 2 cannot go: projects/p/servers/c is rescued; "
            + "projects/p/servers/d has a port that comes or goes", Drain.Next("hv1", [rescued, plugged], 0, Now).Message);
        // Whoever is told that nothing is left may switch the machine off.
        Assert.Equal("1 left, 1 on their way.", Drain.Next("hv1", [], 1, Now).Message);
        Assert.Equal("Nothing is left.", Drain.Next("hv1", [], 0, Now).Message);
    }
}
