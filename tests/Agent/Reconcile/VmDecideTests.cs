using CsCheck;
using Monolith.Agent.Reconcile;
using Monolith.Agent.Tests.Nodes;
using Monolith.Agent.V1;
using Monolith.Agent.Vms;
using PlanPort = Monolith.Agent.Vms.VmPort;
using Power = Monolith.Agent.V1.Vm.Types.Power;

namespace Monolith.Agent.Tests.Reconcile;

public class VmDecideTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    private static VmObservation Observed(VmPhase phase, DateTimeOffset? since = null) =>
        new(new(Wishes.VmId(1)), phase, 1, since ?? Now.AddMinutes(-1), "cause", 1, false);

    private static VmSituation At(Vm? desired, VmObservation? observed, VmFact? fact = null, bool inSync = true) =>
        new(desired, observed, fact ?? VmFact.None, [], [], inSync, "boot", Now, new VmPolicy());

    private static VmFact Ran =>
        new() { RunSince = Now.AddMinutes(-1), BootId = "boot", Generation = 1, Answers = true };

    private static readonly Gen<VmSituation> Situations =
        from power in Gen.Int[0, 3].Select(p => (Power)p)
        from wanted in Gen.Bool
        from phase in Gen.Int[-1, 3]
        from stage in Gen.Int[0, 2]
        from inSync in Gen.Bool
        from restarts in Gen.UInt[0, 2]
        from acted in Gen.UInt[0, 2]
        from since in Gen.Int[0, 30]
        from unwanted in Gen.Int[-1, 20]
        from gone in Gen.Bool
        from hard in Gen.Bool
        from trouble in Gen.Int[-1, 3]
        select new VmSituation(
            wanted ? Wishes.Vm(1, 2, power, restarts, hard) : null,
            phase < 0 ? null : Observed((VmPhase)phase, Now.AddMinutes(-since)),
            new VmFact
            {
                Generation = 1, Restarts = acted, Stage = (VmStage)stage, Gone = gone,
                UnwantedSince = unwanted < 0 ? null : Now.AddMinutes(-unwanted),
                Trouble = trouble < 0
                    ? null
                    : new VmTrouble((ulong)trouble, acted, "R", "m", Now.AddSeconds(trouble - 1), 1),
            },
            [], [], inSync, "boot", Now, new VmPolicy());

    /// <summary>
    /// Nothing that nobody asked to end ends: the promise that a wrong snapshot cannot break quickly.
    /// </summary>
    [Fact]
    public void Remove_OnlyWhenAskedOrAfterTheGrace() => Situations.Sample(now =>
    {
        if (VmDecide.Decide(now) is not VmDecision.Remove) return;
        Assert.True(
            now.Desired?.Power == Power.Absent
            || (now.Desired is null && now.InSync && now.Fact.UnwantedSince <= Now - now.Policy.Grace));
    });

    [Fact]
    public void Stop_OnlyWhenAsked() => Situations.Sample(now =>
    {
        if (VmDecide.Decide(now) is VmDecision.Stop) Assert.Equal(Power.Stopped, now.Desired?.Power);
        if (VmDecide.Decide(now) is VmDecision.Restart)
            Assert.True(now.Desired?.Power == Power.Running && now.Desired.Restarts > now.Fact.Restarts);
    });

    /// <summary>Cards are changed under a guest that is there, once their taps are, and not while the last try is fresh.</summary>
    [Fact]
    public void Plug_WhenTheGuestHasOtherCards_AndTheirTapsAreThere()
    {
        var wish = Wishes.Vm(1);
        VmSituation Having(params PlanPort[] cards) => At(wish, Observed(VmPhase.Running) with { Cards = VmPlan.CardsOf(cards) }, Ran);
        PlanPort[] wanted = [.. wish.Ports.Select((p, i) => new PlanPort(p.MacAddress, $"t{i}", 1500, i + 1))];
        Assert.IsType<VmDecision.Settle>(VmDecide.Decide(Having(wanted)));
        Assert.Equal(new VmDecision.Plug(null), VmDecide.Decide(Having()));
        Assert.Equal(new VmDecision.Plug(null), VmDecide.Decide(Having([.. wanted, new("02:00:00:00:00:99", "more", 1500, 7)])));
        Assert.Equal(new VmDecision.Plug(null), VmDecide.Decide(Having([.. wanted.Select(w => w with { Slot = w.Slot + 1 })])));
        Assert.IsType<VmDecision.Plug>(VmDecide.Decide(Having() with { MissingPorts = ["p"] }));
        Assert.NotEqual(new VmDecision.Plug(null), VmDecide.Decide(Having() with { MissingPorts = ["p"] }));
        var failed = Ran with { CardTrouble = new VmTrouble(wish.Generation, 0, "R", "m", Now.AddSeconds(3), 1) };
        Assert.Equal(new VmDecision.Plug(TimeSpan.FromSeconds(3)), VmDecide.Decide(Having() with { Fact = failed }));
        Assert.Equal(new VmDecision.Plug(null), VmDecide.Decide(Having() with { Fact = failed, Now = Now.AddSeconds(3) }));
        // A guest that is coming up has other things to do.
        Assert.IsType<VmDecision.Probe>(VmDecide.Decide(Having() with { Fact = Ran with { Answers = false } }));
    }

    /// <summary>A note leads somewhere: taking notes ends within a few decisions.</summary>
    [Fact]
    public void Notes_ComeToAnEnd() => Situations.Sample(now =>
    {
        for (var round = 0; round < 10; round++)
        {
            if (VmDecide.Decide(now) is not VmDecision.Note note) return;
            now = now with { Fact = note.Fact };
        }

        Assert.Fail($"notes without end: {now}");
    });

    [Fact]
    public void Decide_AndReport_TakeAnySituation() => Situations.Sample(now =>
    {
        var decision = VmDecide.Decide(now);
        var status = VmReport.Of(Wishes.VmId(1), now, decision, null);
        if (status is null) return;
        Assert.Equal(now.Desired?.Generation ?? 0, status.Generation);
        if (status.State == VmStatus.Types.State.Failed) Assert.Matches("^[A-Z_]*$", status.Reason);
    });

    /// <summary>While its agent was away its server may have been made anew elsewhere: the host knows.</summary>
    [Fact]
    public void Start_OnlyOnceTheHostWasHeard() => Situations.Sample(now =>
    {
        if (VmDecide.Decide(now) is VmDecision.Start) Assert.True(now.InSync);
        if (VmDecide.Decide(now) is VmDecision.AwaitHost) Assert.IsType<VmDecision.Start>(VmDecide.Decide(now with { InSync = true }));
    });

    [Theory]
    [InlineData(VmPhase.Left, MigrationPhase.Left, true, false)]
    [InlineData(VmPhase.Running, MigrationPhase.Switching, true, false)]
    [InlineData(VmPhase.Running, MigrationPhase.CopyingMemory, true, true)]
    [InlineData(VmPhase.Running, MigrationPhase.Failed, true, true)]
    [InlineData(VmPhase.Incoming, MigrationPhase.Listening, false, false)]
    [InlineData(VmPhase.Running, MigrationPhase.Arrived, false, true)]
    public void Addresses_AreWhereTheGuestIs(VmPhase phase, MigrationPhase migration, bool sends, bool here)
    {
        var vm = Wishes.Vm(1);
        if (!sends) vm.Incoming = new Monolith.Agent.V1.VmIncoming { Migration = "m" };
        var observed = Observed(phase) with { Migration = new Monolith.Agent.Vms.VmMigration("m", migration) };
        Assert.Equal(here, VmDecide.IsGuestHere(vm, observed, VmFact.None));
    }

    [Fact]
    public void AGuestThatIsToCome_IsNotHere_BeforeAnythingIsMadeForIt()
    {
        var vm = Wishes.Vm(1);
        vm.Incoming = new Monolith.Agent.V1.VmIncoming { Migration = "m" };
        Assert.False(VmDecide.IsGuestHere(vm, null, VmFact.None));
        Assert.True(VmDecide.IsGuestHere(vm, Observed(VmPhase.Running), VmFact.None with { Arrived = true }));
    }

    [Fact]
    public void AGuestAtTheSwitch_IsLetGo_OnceNothingLeadsToItHere()
    {
        var observed = Observed(VmPhase.Running) with { Migration = new Monolith.Agent.Vms.VmMigration("m", MigrationPhase.Switching) };
        var now = At(Wishes.Vm(1), observed, Ran);
        Assert.IsType<VmDecision.Follow>(VmDecide.Decide(now with { RoutedPorts = ["p"] }));
        Assert.IsType<VmDecision.LetGo>(VmDecide.Decide(now));
        var gone = observed with { Migration = observed.Migration with { LetGo = true } };
        Assert.IsType<VmDecision.Follow>(VmDecide.Decide(now with { Observed = gone }));
    }

    private static Vm Wished(Power power, bool goes = false, bool comes = false)
    {
        var vm = Wishes.Vm(1, 2, power);
        if (goes) vm.Outgoing = new Monolith.Agent.V1.VmOutgoing { Migration = "m" };
        if (comes) vm.Incoming = new Monolith.Agent.V1.VmIncoming { Migration = "m" };
        return vm;
    }

    private static VmObservation In(VmPhase phase, MigrationPhase migration) =>
        Observed(phase) with { Migration = new Monolith.Agent.Vms.VmMigration("m", migration, Stopped: true) };

    private static (Type Decision, VmStatus.Types.State State) Told(VmSituation now)
    {
        var decision = VmDecide.Decide(now);
        return (decision.GetType(), VmReport.Of(Wishes.VmId(1), now, decision, null)!.State);
    }

    /// <summary>It is stopped first, then its disk is made sure of, and then it goes; it is STOPPED all the way.</summary>
    [Fact]
    public void WhatIsToGoStopped_GoesOnceItIs_AndSaysThatItIsStopped()
    {
        var wish = Wished(Power.Stopped, goes: true);
        var facts = VmFact.None with { Stage = VmStage.Disked };
        Assert.IsType<VmDecision.Stop>(VmDecide.Decide(At(wish, Observed(VmPhase.Running), Ran)));
        Assert.IsType<VmDecision.Stop>(VmDecide.Decide(At(wish, Observed(VmPhase.Starting), Ran)));
        foreach (var phase in new[] { VmPhase.Stopped, VmPhase.Crashed })
        {
            Assert.Equal((typeof(VmDecision.FetchImage), VmStatus.Types.State.Stopped), Told(At(wish, Observed(phase))));
            Assert.Equal((typeof(VmDecision.MakeDisk), VmStatus.Types.State.Stopped),
                Told(At(wish, Observed(phase), VmFact.None with { Stage = VmStage.Imaged })));
            // Ports that are not there are those of a guest that is not there either.
            Assert.Equal((typeof(VmDecision.Send), VmStatus.Types.State.Stopped),
                Told(At(wish, Observed(phase), facts) with { MissingPorts = ["p"] }));
        }

        foreach (var phase in new[] { MigrationPhase.CopyingDisk, MigrationPhase.CopyingMemory })
            Assert.Equal((typeof(VmDecision.Follow), VmStatus.Types.State.Stopped), Told(At(wish, In(VmPhase.Outgoing, phase))));
        Assert.Equal((typeof(VmDecision.LetGo), VmStatus.Types.State.Stopped), Told(At(wish, In(VmPhase.Outgoing, MigrationPhase.Switching))));
        Assert.IsType<VmDecision.Note>(VmDecide.Decide(At(wish, In(VmPhase.Left, MigrationPhase.Left))));
        var departed = VmFact.None with { Departed = true };
        Assert.Equal((typeof(VmDecision.Follow), VmStatus.Types.State.Stopped), Told(At(wish, In(VmPhase.Left, MigrationPhase.Left), departed)));
        var back = Wished(Power.Stopped);
        back.Reclaim = true;
        Assert.IsType<VmDecision.Reclaim>(VmDecide.Decide(At(back, In(VmPhase.Left, MigrationPhase.Left), departed)));
        // What has failed is not begun again under its name, and what cannot be sent says so.
        Assert.Equal((typeof(VmDecision.Settle), VmStatus.Types.State.Stopped), Told(At(wish, In(VmPhase.Stopped, MigrationPhase.Failed),
            Assert.IsType<VmDecision.Note>(VmDecide.Decide(At(wish, In(VmPhase.Stopped, MigrationPhase.Failed)))).Fact)));
        foreach (DateTimeOffset? retry in new DateTimeOffset?[] { null, Now.AddSeconds(3) })
            Assert.Equal(VmStatus.Types.State.Failed, Told(At(wish, Observed(VmPhase.Stopped),
                facts with { Trouble = new VmTrouble(2, 0, "R", "m", retry, 1) })).State);
    }

    [Theory]
    [InlineData(VmPhase.Running, Power.Stopped, true)]
    [InlineData(VmPhase.Outgoing, Power.Running, true)]
    [InlineData(VmPhase.Outgoing, Power.Stopped, false)]
    [InlineData(VmPhase.Outgoing, Power.Running, false)]
    public void AnotherPower_OrNoTarget_GivesTheSendingUp(VmPhase phase, Power power, bool goes)
    {
        var now = At(Wished(power, goes), In(phase, MigrationPhase.CopyingDisk), Ran);
        Assert.IsType<VmDecision.CancelSend>(VmDecide.Decide(now));
        if (phase == VmPhase.Outgoing) Assert.NotEqual(VmStatus.Types.State.Running, Told(now).State);
        // While QEMU has the disk nothing is started over it.
        var ending = now with { Observed = In(phase, MigrationPhase.Cancelled) };
        if (phase == VmPhase.Outgoing && power == Power.Running) Assert.IsType<VmDecision.Wait>(VmDecide.Decide(ending));
    }

    [Fact]
    public void WhatIsToComeStopped_NeedsNoPorts_AndIsStoppedOnceItIsWhole()
    {
        var wish = Wished(Power.Stopped, comes: true);
        var disked = VmFact.None with { Stage = VmStage.Disked };
        Assert.Equal((typeof(VmDecision.FetchImage), VmStatus.Types.State.Working), Told(At(wish, null)));
        Assert.Equal((typeof(VmDecision.Receive), VmStatus.Types.State.Working), Told(At(wish, Observed(VmPhase.Stopped), disked) with { MissingPorts = ["p"] }));
        Assert.IsType<VmDecision.AwaitHost>(VmDecide.Decide(At(wish, Observed(VmPhase.Stopped), disked, inSync: false)));
        disked = disked with { Generation = 2 };
        Assert.Equal((typeof(VmDecision.Follow), VmStatus.Types.State.Working), Told(At(wish, In(VmPhase.Incoming, MigrationPhase.Listening), disked)));
        // The QEMU that took it is to end yet.
        Assert.Equal((typeof(VmDecision.Follow), VmStatus.Types.State.Working), Told(At(wish, In(VmPhase.Incoming, MigrationPhase.Arrived), disked)));
        Assert.Equal((typeof(VmDecision.Follow), VmStatus.Types.State.Failed), Told(At(wish, In(VmPhase.Stopped, MigrationPhase.Missed), disked)));
        var now = At(wish, In(VmPhase.Stopped, MigrationPhase.Arrived), disked);
        while (VmDecide.Decide(now) is VmDecision.Note note) now = now with { Fact = note.Fact };
        Assert.True(now.Fact.Arrived);
        Assert.Equal((typeof(VmDecision.Settle), VmStatus.Types.State.Stopped), Told(now));
    }

    [Fact]
    public void Running_WithTheRestartOfADeadAgent_IsNotRestartedAgain()
    {
        var fact = Ran with { Restarting = new RestartBegun(1, Now.AddMinutes(-5)) };
        var note = Assert.IsType<VmDecision.Note>(
            VmDecide.Decide(At(Wishes.Vm(1, restarts: 1), Observed(VmPhase.Running), fact)));
        Assert.Equal(1u, note.Fact.Restarts);
    }

    [Fact]
    public void Crashed_WithItsMachine_DoesNotCount()
    {
        var fact = Ran with { BootId = "earlier" };
        var note = Assert.IsType<VmDecision.Note>(VmDecide.Decide(At(Wishes.Vm(1), Observed(VmPhase.Crashed), fact)));
        Assert.Empty(note.Fact.Crashes);
        Assert.Null(note.Fact.Trouble);
        Assert.IsType<VmDecision.FetchImage>(VmDecide.Decide(At(Wishes.Vm(1), Observed(VmPhase.Crashed), note.Fact)));
    }

    [Fact]
    public void Crashes_LongAgo_AreForgiven()
    {
        var fact = Ran with { Crashes = [Now.AddHours(-1), Now.AddHours(-1), Now.AddHours(-1)] };
        var note = Assert.IsType<VmDecision.Note>(VmDecide.Decide(At(Wishes.Vm(1), Observed(VmPhase.Crashed), fact)));
        Assert.Equal("VM_CRASHED", note.Fact.Trouble?.Reason);
    }

    [Fact]
    public void Fact_SurvivesItsBytes()
    {
        var fact = Ran with
        {
            Crashes = [Now],
            Restarting = new RestartBegun(3, Now),
            Steps = [new StepFact("Running", Now, TimeSpan.FromTicks(7))],
            Trouble = new VmTrouble(1, 2, "R", "m", Now, 3),
            PoweredOffAt = 4,
        };
        var read = VmFact.Decode(fact.Encode())!;
        Assert.Equal(fact.Encode(), read.Encode());
        Assert.Equal(fact.RunSince, read.RunSince);
        Assert.Equal(fact.Steps, read.Steps.AsEnumerable());
    }
}
