using Google.Protobuf;
using Monolith.Agent.V1;
using Monolith.Compute.LiveMigration;
using Monolith.Compute.Servers;
using Monolith.Compute.Steps;
using Monolith.Compute.V1;
using Monolith.Compute.Vms;
using Monolith.Network.Contracts;
using Phase = Monolith.Agent.V1.VmMigration.Types.Phase;
using Power = Monolith.Compute.Servers.Power;
using State = Monolith.Compute.V1.Migration.Types.State;

namespace Monolith.Modules.Tests.Compute;

/// <summary>The way of a server between two hypervisors, as a table: a situation, and the one next thing.</summary>
public sealed class MigrationLifecycleTests
{
    const string Attempt = "m-1";
    static readonly DateTime Now = new(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    static ServerRow Server(State state, Action<ServerRow>? change = null)
    {
        var server = new ServerRow
        {
            Name = "projects/p/servers/s",
            Project = "p",
            Flavor = "flavors/small",
            Image = "projects/p/images/i",
            ImageSha256 = "00",
            ImageFormat = "qcow2",
            Hostname = "s",
            Detail = new ServerDetail([], [], []),
            State = Monolith.Compute.V1.Server.Types.State.Ready,
            Operation = "migrate",
            PortsBoundTo = "hv1",
            DnsName = "s.p.cloud.internal",
            Migration = new ServerMigration(Attempt, "", "hv1", "hv2", state, Now, Now, Now + MigrationLifecycle.Deadline,
                Placed: true, PortsAt: "hv2"),
        };
        change?.Invoke(server);
        return server;
    }

    static VmRow Vm(VmRole role, VmState state, Phase phase, bool sent = false, bool current = true, bool retrying = false)
    {
        var vm = new VmRow
        {
            ServerUid = Guid.Empty,
            ServerName = "s",
            Hypervisor = role == VmRole.Incoming ? "hv2" : "hv1",
            ImageSha256 = "00",
            Plan = [],
            Role = role,
            State = state,
            Retrying = retrying,
            PowerTime = Now,
            Move = sent ? new Vm { Outgoing = new VmOutgoing { Migration = Attempt } }.ToByteArray() : [],
            ReportedMigration = phase == Phase.Unspecified
                ? []
                : new VmMigration { Migration = Attempt, Phase = phase, Reason = "WHY", Message = "Because." }.ToByteArray(),
        };
        vm.ReportedGeneration = current ? vm.Generation : vm.Generation - 1;
        return vm;
    }

    static VmRow Source(Phase phase = Phase.Unspecified, bool sent = false, bool current = true) =>
        Vm(VmRole.Current, phase == Phase.Left ? VmState.Stopped : VmState.Running, phase, sent, current);

    static VmRow Target(Phase phase, VmState state = VmState.Working, bool current = true) =>
        Vm(VmRole.Incoming, state, phase, current: current);

    static Situation Facts(VmRow source, VmRow? other = null, TimeSpan later = default, bool up = true) =>
        new(source, [], up, Now + later) { Others = other is null ? [] : [other], IsUp = _ => up };

    static Next? Decide(ServerRow server, VmRow source, VmRow? other = null, TimeSpan later = default) =>
        MigrationLifecycle.Decide(server, Facts(source, other, later));

    /// <summary>Writes down what is decided until something else is to be done; a loop would never end.</summary>
    static Next? Settle(ServerRow server, VmRow source, VmRow? other = null, TimeSpan later = default)
    {
        for (var i = 0; i < 10; i++)
        {
            var next = Decide(server, source, other, later);
            if (next is not Next.RecordMigration record) return next;
            server.Migration = record.Migration;
        }
        throw new InvalidOperationException("It is written down again and again.");
    }

    [Fact]
    public void Begun_ATargetIsFoundAndThePortsAreMadeThere()
    {
        var server = Server(State.Copying, s => s.Migration = s.Migration! with { Placed = false, PortsAt = "" });
        Assert.IsType<Next.PlaceIncoming>(Decide(server, Source()));
        var share = Assert.IsType<Next.SharePorts>(Decide(server, Source(), Target(Phase.Unspecified)));
        Assert.Equal("hv2", share.Hypervisor);
    }

    [Fact]
    public void TheSourceIsToldOnceTheTargetListens_AndNotTwice()
    {
        var server = Server(State.Copying);
        Assert.IsType<Next.Wait>(Settle(server, Source(), Target(Phase.Unspecified)));
        Assert.IsType<Next.Wait>(Settle(server, Source(), Target(Phase.Opening)));
        Assert.IsType<Next.SendGuest>(Settle(server, Source(), Target(Phase.Listening)));
        Assert.IsType<Next.Wait>(Settle(server, Source(sent: true), Target(Phase.Listening)));
    }

    [Theory]
    [InlineData(Phase.CopyingDisk, StepNames.TargetReady, StepNames.DiskCopied)]
    [InlineData(Phase.CopyingMemory, StepNames.DiskCopied, StepNames.MemoryCopied)]
    [InlineData(Phase.Switching, StepNames.MemoryCopied, StepNames.SwitchedOver)]
    [InlineData(Phase.Left, StepNames.MemoryCopied, StepNames.SwitchedOver)]
    public void WhatTheSourceSays_IsTheStep_AndNothingButTheTargetSwitchesOver(Phase phase, string done, string under)
    {
        var server = Server(State.Copying);
        Assert.IsType<Next.Wait>(Settle(server, Source(phase, sent: true), Target(Phase.Listening)));
        Assert.True(server.Migration!.Steps.IsTrue(done));
        Assert.Equal(StepStatus.Pending, server.Migration.Steps.Find(under)!.Status);
    }

    [Theory]
    [InlineData(State.Copying, Phase.Left)]
    [InlineData(State.Copying, Phase.CopyingMemory)]
    [InlineData(State.Aborting, Phase.Left)]
    [InlineData(State.Aborting, Phase.Unspecified)]
    public void AGuestThatRunsAtTheTarget_IsTheTargets_WhateverTheSourceSaidLast(State state, Phase source)
    {
        var (server, from, to) = (Server(state), Source(source, sent: true, current: false), Target(Phase.Arrived, VmState.Running));
        // How long it stood still, the source alone can say: it has a moment for that.
        if (source != Phase.Left) Assert.IsType<Next.Wait>(Settle(server, from, to));
        Assert.IsType<Next.SwitchOver>(Settle(server, from, to, later: TimeSpan.FromSeconds(2)));
        Assert.IsType<Next.SwitchOver>(MigrationLifecycle.Decide(Server(state), Facts(from, to, up: false)));
    }

    [Theory]
    [InlineData(Phase.Failed)]
    [InlineData(Phase.Cancelled)]
    public void WhatTheSourceGaveUp_IsAbortedWithItsCause(Phase phase)
    {
        var next = Assert.IsType<Next.RecordMigration>(Decide(Server(State.Copying), Source(phase, sent: true),
            Target(Phase.Listening)));
        Assert.Equal((State.Aborting, "WHY", "Because."),
            (next.Migration.State, next.Migration.Reason, next.Migration.Message));
    }

    [Fact]
    public void WhatIsLate_LostOrNotWantedAnyMore_IsAborted()
    {
        void Aborted(string reason, ServerRow server, VmRow source, VmRow? target, TimeSpan later = default)
        {
            var next = Assert.IsType<Next.RecordMigration>(Decide(server, source, target, later));
            Assert.Equal((State.Aborting, reason), (next.Migration.State, next.Migration.Reason));
            Assert.NotEmpty(next.Migration.Message);
        }

        var listening = Target(Phase.Listening);
        Aborted("SUPERSEDED", Server(State.Copying, s => s.Power = Power.Stopped), Source(), listening);
        Aborted("SUPERSEDED", Server(State.Copying, s => s.Restarts = 1), Source(), listening);
        Aborted("TARGET_LOST", Server(State.Copying), Source(), null);
        Aborted("DEADLINE", Server(State.Copying), Source(Phase.CopyingMemory, sent: true), listening,
            MigrationLifecycle.Deadline);
        var slow = Server(State.Copying);
        Assert.IsType<Next.Wait>(Settle(slow, Source(), Target(Phase.Opening)));
        Aborted("TARGET_NOT_READY", slow, Source(), Target(Phase.Opening), MigrationLifecycle.ReadyDeadline);
        var failed = Target(Phase.Missed, VmState.Failed);
        (failed.Reason, failed.Message) = ("TARGET_ENDED", "It ended.");
        Aborted("TARGET_ENDED", Server(State.Copying), Source(), failed);
        // A guest that has left comes to an end by itself, however late.
        Assert.IsType<Next.Wait>(Settle(Server(State.Copying), Source(Phase.Left, sent: true), listening,
            MigrationLifecycle.Deadline * 2));
    }

    /// <summary>The target's vm goes only once the source says, for what is wanted of it now, that its guest stays.</summary>
    [Fact]
    public void Aborted_TheSourceIsTold_ThenHeard_AndOnlyThenTheTargetGoes()
    {
        var server = Server(State.Aborting);
        var listening = Target(Phase.Listening);
        Assert.IsType<Next.KeepGuest>(Decide(server, Source(Phase.CopyingMemory, sent: true), listening));
        Assert.IsType<Next.Wait>(Decide(server, Source(Phase.CopyingMemory, current: false), listening));
        Assert.IsType<Next.Wait>(Decide(server, Source(Phase.CopyingMemory), listening));
        Assert.IsType<Next.Wait>(Decide(server, Source(Phase.Switching), listening));
        Assert.IsType<Next.Wait>(Decide(server, Source(Phase.Left), listening));
        Assert.IsType<Next.DropIncoming>(Decide(server, Source(Phase.Cancelled), listening));
        listening.Power = VmPower.Absent;
        Assert.IsType<Next.Wait>(Decide(server, Source(Phase.Cancelled), listening));
        Assert.IsType<Next.SharePorts>(Decide(server, Source(Phase.Cancelled)));
        server.Migration = server.Migration! with { PortsAt = "" };
        Assert.IsType<Next.EndMigration>(Decide(server, Source(Phase.Cancelled)));
    }

    [Theory]
    [InlineData("ABORTED", State.Aborted)]
    [InlineData("SUPERSEDED", State.Aborted)]
    [InlineData("TARGET_UNREACHABLE", State.Failed)]
    public void Ended_ItSaysWhetherItWasWished(string reason, State state)
    {
        var server = Server(State.Aborting, s => s.Migration = s.Migration! with { PortsAt = "", Reason = reason });
        server.Migration = server.Migration!.With(new Step(StepNames.DiskCopied, StepStatus.Pending, "agent hv1", Now, Now));
        var end = Assert.IsType<Next.EndMigration>(Decide(server, Source(Phase.Cancelled)));
        Assert.Equal(state, end.Migration.State);
        Assert.Equal((StepStatus.False, reason),
            (end.Migration.Steps.Find(StepNames.DiskCopied)!.Status, end.Migration.Steps.Find(StepNames.DiskCopied)!.Reason));
    }

    /// <summary>A guest that was lost at the target is taken back only once nothing is left of it there.</summary>
    [Fact]
    public void LostAtTheTarget_ItIsRemovedThere_AndOnlyThenTakenBack()
    {
        var server = Server(State.Aborting);
        var missed = Target(Phase.Missed, VmState.Failed);
        Assert.IsType<Next.DropIncoming>(Decide(server, Source(Phase.Left), missed));
        missed.Power = VmPower.Absent;
        Assert.IsType<Next.Wait>(Decide(server, Source(Phase.Left), missed));
        Assert.IsType<Next.Reclaim>(Decide(server, Source(Phase.Left)));
        var back = Source(Phase.Left);
        back.Move = new Vm { Reclaim = true }.ToByteArray();
        Assert.IsType<Next.Wait>(Decide(server, back));
        back.State = VmState.Running;
        Assert.IsType<Next.EndMigration>(Decide(server, back));
    }

    [Fact]
    public void SwitchedOver_ItEndsWhenItIsAnnouncedAndTheSourceIsGone_OrSaysWhatIsLeft()
    {
        var port = new PortFacts(Guid.Empty, "port", "", ["10.0.0.1"], 1500, "n", true, null, 0);
        var server = Server(State.Finishing, s => s.PortsBoundTo = "hv1");
        var here = Vm(VmRole.Current, VmState.Running, Phase.Arrived);
        var left = Vm(VmRole.Left, VmState.Stopped, Phase.Left);
        Situation At(VmRow? other, TimeSpan later = default) => Facts(here, other, later) with { Ports = [port] };

        // The ports follow by the server's own life.
        server.PortsBoundTo = "hv0";
        Assert.Null(MigrationLifecycle.Decide(server, At(left)));
        server.PortsBoundTo = here.Hypervisor;
        var record = Assert.IsType<Next.RecordMigration>(MigrationLifecycle.Decide(server, At(left)));
        server.Migration = record.Migration;
        Assert.Null(MigrationLifecycle.Decide(server, At(left)));
        var end = Assert.IsType<Next.EndMigration>(MigrationLifecycle.Decide(server, At(null)));
        Assert.Equal(State.Succeeded, end.Migration.State);
        end = Assert.IsType<Next.EndMigration>(MigrationLifecycle.Decide(server, At(left, MigrationLifecycle.FinishDeadline)));
        Assert.Equal("NOT_REMOVED", end.Migration.Steps.Find(StepNames.SourceRemoved)!.Reason);
    }

    static ServerRow Rested(State state, Action<ServerRow>? change = null) => Server(state, s =>
    {
        (s.State, s.Power) = (Monolith.Compute.V1.Server.Types.State.Stopped, Power.Stopped);
        s.Migration = s.Migration! with { Stopped = true, PortsAt = "" };
        change?.Invoke(s);
    });

    static VmRow Resting(Phase phase = Phase.Unspecified, bool sent = false, bool current = true) =>
        Powered(Vm(VmRole.Current, VmState.Stopped, phase, sent, current));

    static VmRow Awaiting(Phase phase, VmState state = VmState.Working) => Powered(Vm(VmRole.Incoming, state, phase));

    static VmRow Powered(VmRow vm)
    {
        vm.Power = VmPower.Stopped;
        return vm;
    }

    [Fact]
    public void Stopped_ItGoesTheSameWay_WithoutPortsAndWithoutMemory()
    {
        var server = Rested(State.Copying, s => s.Migration = s.Migration! with { Placed = false });
        // Its guest shut itself down, and the agent takes it for one that is to run.
        var down = Resting();
        down.Power = VmPower.Running;
        Assert.Equal(new Next.WantVm(VmPower.Stopped), Decide(server, down));
        Assert.IsType<Next.PlaceIncoming>(Decide(server, Resting()));
        server.Migration = server.Migration! with { Placed = true };
        Assert.IsType<Next.Wait>(Settle(server, Resting(), Awaiting(Phase.Unspecified)));
        Assert.IsType<Next.SendGuest>(Settle(server, Resting(), Awaiting(Phase.Listening)));
        foreach (var phase in new[] { Phase.CopyingDisk, Phase.CopyingMemory, Phase.Switching, Phase.Left })
            Assert.IsType<Next.Wait>(Settle(server, Resting(phase, sent: true), Awaiting(Phase.Listening)));
        Assert.Equal([StepNames.TargetReady, StepNames.DiskCopied, StepNames.SwitchedOver],
            server.Migration.Steps.Select(s => s.Type));
        // Whole is what the agent says is STOPPED; the QEMU that took it may be there still.
        Assert.IsType<Next.Wait>(Settle(server, Resting(Phase.Left, sent: true), Awaiting(Phase.Arrived)));
        Assert.IsType<Next.SwitchOver>(Settle(server, Resting(Phase.Left, sent: true), Awaiting(Phase.Arrived, VmState.Stopped)));
        Assert.IsType<Next.SwitchOver>(Settle(Rested(State.Aborting), Resting(Phase.Left), Awaiting(Phase.Arrived, VmState.Stopped)));
    }

    [Fact]
    public void Stopped_ItIsGivenUpWhenItIsToRunOrToGo()
    {
        void Aborted(string reason, ServerRow server, VmRow source, VmRow? target)
        {
            var next = Assert.IsType<Next.RecordMigration>(Decide(server, source, target));
            Assert.Equal((State.Aborting, reason), (next.Migration.State, next.Migration.Reason));
        }

        var listening = Awaiting(Phase.Listening);
        Aborted("SUPERSEDED", Rested(State.Copying, s => s.Power = Power.Running), Resting(), listening);
        Aborted("SUPERSEDED", Rested(State.Copying, s => (s.Power, s.Restarts) = (Power.Running, 1)), Resting(), listening);
        Aborted("SUPERSEDED", Rested(State.Copying, s => s.ExpireTime = Now.AddDays(1)), Resting(), listening);
        Aborted("TARGET_LOST", Rested(State.Copying), Resting(), null);
        Aborted("WHY", Rested(State.Copying), Resting(Phase.Failed, sent: true), listening);
        // Restarts that nobody was told of are none of what does not run.
        Assert.IsType<Next.SendGuest>(Settle(Rested(State.Copying, s => s.Restarts = 1), Resting(), listening));
    }

    [Fact]
    public void Stopped_LostAtTheTarget_ItIsBackOnceTheSourceSaysThatItHasNotLeft()
    {
        var server = Rested(State.Aborting);
        Assert.IsType<Next.KeepGuest>(Decide(server, Resting(Phase.CopyingDisk, sent: true), Awaiting(Phase.Listening)));
        Assert.IsType<Next.Wait>(Decide(server, Resting(Phase.CopyingDisk), Awaiting(Phase.Listening)));
        Assert.IsType<Next.DropIncoming>(Decide(server, Resting(Phase.Cancelled), Awaiting(Phase.Listening)));
        Assert.IsType<Next.DropIncoming>(Decide(server, Resting(Phase.Left), Awaiting(Phase.Missed, VmState.Failed)));
        Assert.IsType<Next.Reclaim>(Decide(server, Resting(Phase.Left)));
        var back = Resting(Phase.Left);
        back.Move = new Vm { Reclaim = true }.ToByteArray();
        // What has left is STOPPED, too: that alone says nothing.
        Assert.IsType<Next.Wait>(Decide(server, back));
        back.ReportedMigration = new VmMigration { Migration = Attempt, Phase = Phase.Failed }.ToByteArray();
        Assert.IsType<Next.EndMigration>(Decide(server, back));
    }

    [Fact]
    public void Stopped_SwitchedOver_ThePortsFollow_AndItStaysStoppedHoweverLongItTook()
    {
        var late = TimeSpan.FromMinutes(30);
        var server = Rested(State.Finishing, s =>
        {
            s.PortsBoundTo = "hv0";
            s.OperationStart = Now;
            s.Migration = s.Migration! with { StateTime = Now + late };
        });
        var (here, left) = (Powered(Vm(VmRole.Current, VmState.Stopped, Phase.Arrived, current: false)), Vm(VmRole.Left, VmState.Stopped, Phase.Left));
        var facts = Facts(here, left, late);
        Assert.Equal(new Next.BindPorts("hv1"), ServerLifecycle.Decide(server, facts));
        server.PortsBoundTo = "hv1";
        var removing = Assert.IsType<Next.RecordMigration>(ServerLifecycle.Decide(server, facts));
        server.Migration = removing.Migration;
        var record = Assert.IsType<Next.Record>(ServerLifecycle.Decide(server, facts));
        Assert.Equal((Monolith.Compute.V1.Server.Types.State.Stopped, false), (record.State, record.Settled));
        server.Steps = record.Steps;
        server.Migration = Assert.IsType<Next.RecordMigration>(ServerLifecycle.Decide(server, Facts(here, later: late))).Migration;
        Assert.IsType<Next.Wait>(ServerLifecycle.Decide(server, Facts(here, later: late)));
        here.ReportedGeneration = here.Generation;
        var end = Assert.IsType<Next.EndMigration>(ServerLifecycle.Decide(server, Facts(here, later: late)));
        Assert.Equal(State.Succeeded, end.Migration.State);
        Assert.DoesNotContain(end.Migration.Steps, s => s.Type is StepNames.Announced or StepNames.MemoryCopied);
        server.Migration = end.Migration;
        record = Assert.IsType<Next.Record>(ServerLifecycle.Decide(server, Facts(here, later: late)));
        Assert.Equal((Monolith.Compute.V1.Server.Types.State.Stopped, true), (record.State, record.Settled));
    }

    [Fact]
    public void Stopped_AndStoppedHarderMeanwhile_NothingBegins()
    {
        Assert.False(ServerOperations.Stop(Rested(State.Copying), hard: true, Now));
        Assert.True(ServerOperations.Stop(Server(State.Copying), hard: true, Now));
    }

    [Fact]
    public void FailedMigration_LeavesTheServerReady()
    {
        var server = Server(State.Failed, s => s.Steps =
        [
            new Step(StepNames.DiskCopied, StepStatus.False, "agent hv1", Now, Now, "WHY", "Because.", Now),
            new Step(StepNames.Placed, StepStatus.False, "compute", Now, Now, "WHY", "Because.", Now),
        ]);
        var vm = Source();
        vm.Answers = true;
        var facts = Facts(vm, later: TimeSpan.FromHours(2)) with
        {
            Ports = [new PortFacts(Guid.Empty, "port", "", ["10.0.0.1"], 1500, "n", true, null, 0)],
        };
        var next = Assert.IsType<Next.Record>(ServerLifecycle.Decide(server, facts));
        Assert.Equal((Monolith.Compute.V1.Server.Types.State.Ready, true), (next.State, next.Settled));
    }

    [Fact]
    public void Deleted_BothVmsGo_AndBothAreWaitedFor()
    {
        var server = Server(State.Copying, s => (s.Deleting, s.DnsName) = (true, ""));
        var (source, target) = (Source(), Target(Phase.Listening));
        source.Power = VmPower.Absent;
        Assert.Equal(new Next.WantVm(VmPower.Absent), ServerLifecycle.Decide(server, Facts(source, target)));
        target.Power = VmPower.Absent;
        source.State = VmState.Gone;
        Assert.IsType<Next.Wait>(ServerLifecycle.Decide(server, Facts(source, target)));
        target.State = VmState.Gone;
        Assert.IsType<Next.Purge>(ServerLifecycle.Decide(server, Facts(source, target)));
    }
}
