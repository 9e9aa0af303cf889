using Monolith.Compute.Servers;
using Monolith.Compute.Steps;
using Monolith.Compute.V1;
using Monolith.Compute.Vms;
using Monolith.Network.Contracts;
using Power = Monolith.Compute.Servers.Power;

namespace Monolith.Modules.Tests.Compute;

/// <summary>The table of decisions: a situation, and the one next thing.</summary>
public sealed class ServerLifecycleTests
{
    static readonly DateTime Now = new(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    static ServerRow Server(Action<ServerRow>? change = null)
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
            ReadyTimeoutSeconds = 300,
            State = Monolith.Compute.V1.Server.Types.State.Pending,
            OperationStart = Now,
        };
        change?.Invoke(server);
        return server;
    }

    static VmRow Vm(Action<VmRow>? change = null)
    {
        var vm = new VmRow { ServerUid = Guid.Empty, ServerName = "s", Hypervisor = "hv1", ImageSha256 = "00", Plan = [] };
        change?.Invoke(vm);
        return vm;
    }

    static Situation Facts(VmRow? vm = null, bool up = true, int minutes = 0, params PortFacts[] ports) =>
        new(vm, ports, up, Now.AddMinutes(minutes));

    static PortFacts Port(bool announced) => new(Guid.Empty, "port", "", ["10.0.0.1"], 1500, "n", announced, null);

    static VmRow Running(bool answers = true) => Vm(v =>
    {
        (v.State, v.ReportedGeneration, v.Answers) = (VmState.Running, v.Generation, answers);
        v.Steps = [new Step(StepNames.Running, StepStatus.True, "agent hv1", Now, Now)];
    });

    /// <summary>A decision that contradicts itself is written down again and again.</summary>
    [Theory]
    [InlineData(nameof(StepStatus.True), "", false)]
    [InlineData(nameof(StepStatus.Pending), "70 % of 3 MiB", false)]
    [InlineData(nameof(StepStatus.False), "it did not start", true)]
    public void NotRunningYet_WhateverTheAgentSaysOfThatStep_IsRecordedOnce(string word, string message, bool retrying)
    {
        var said = Enum.Parse<StepStatus>(word);
        var vm = Vm(v =>
        {
            (v.State, v.ReportedGeneration, v.Retrying) = (retrying ? VmState.Failed : VmState.Working, v.Generation, retrying);
            (v.Reason, v.Message) = ("RESTARTING", "The server is being restarted.");
            v.Steps = [new Step(StepNames.Running, said, "agent hv1", Now, Now, said == StepStatus.False ? "STEP_FAILED" : "",
                message)];
        });
        var server = Server(s => (s.PortsBoundTo, s.State) = ("hv1", Monolith.Compute.V1.Server.Types.State.Restarting));

        var first = Assert.IsType<Next.Record>(ServerLifecycle.Decide(server, Facts(vm)));
        (server.State, server.Steps, server.Unsettled) = (first.State, first.Steps, !first.Settled);

        Assert.IsType<Next.Wait>(ServerLifecycle.Decide(server, Facts(vm)));
    }

    /// <summary>An agent that died on the way left steps open, which no other agent knows of.</summary>
    [Theory]
    [InlineData(StepNames.Running, nameof(StepStatus.Pending))]
    [InlineData(StepNames.Plugged, nameof(StepStatus.Pending))]
    [InlineData(StepNames.ImageFetched, nameof(StepStatus.False))]
    public void Runs_WithAStepThatNobodyEnds_IsReady(string type, string left)
    {
        var server = Server(s =>
        {
            (s.PortsBoundTo, s.DnsName) = ("hv1", "s.p.cloud.internal");
            s.Steps = [new Step(type, Enum.Parse<StepStatus>(left), "agent hv1", Now, Now)];
        });
        var vm = Vm(v => (v.State, v.ReportedGeneration, v.Answers) = (VmState.Running, v.Generation, true));

        var next = Assert.IsType<Next.Record>(ServerLifecycle.Decide(server, Facts(vm, ports: Port(announced: true))));

        Assert.Equal(Monolith.Compute.V1.Server.Types.State.Ready, next.State);
        Assert.True(next.Steps.IsTrue(type));
    }

    [Fact]
    public void Created_WithoutVm_IsPlaced() => Assert.IsType<Next.Place>(ServerLifecycle.Decide(Server(), Facts()));

    [Fact]
    public void Placed_BindsItsPortsBeforeAnythingElse() =>
        Assert.Equal(new Next.BindPorts("hv1"), ServerLifecycle.Decide(Server(), Facts(Vm())));

    [Fact]
    public void Running_WithoutName_IsNamed() => Assert.IsType<Next.PublishName>(
        ServerLifecycle.Decide(Server(s => s.PortsBoundTo = "hv1"), Facts(Running(), ports: Port(true))));

    [Fact]
    public void RunningAnnouncedAnsweringNamed_IsReady()
    {
        var next = ServerLifecycle.Decide(Server(s => (s.PortsBoundTo, s.DnsName) = ("hv1", "s.p")),
            Facts(Running(), ports: Port(true)));
        var record = Assert.IsType<Next.Record>(next);
        Assert.Equal(Monolith.Compute.V1.Server.Types.State.Ready, record.State);
        Assert.True(record.Settled);
        Assert.All(record.Steps, s => Assert.Equal(StepStatus.True, s.Status));
    }

    [Theory]
    [InlineData(false, true, "Announced")]
    [InlineData(true, false, "Answering")]
    public void RunningButNotReachable_FailsAtItsDeadlineWithTheStepThatIsMissing(bool announced, bool answers, string step)
    {
        var next = ServerLifecycle.Decide(Server(s => (s.PortsBoundTo, s.DnsName) = ("hv1", "s.p")),
            Facts(Running(answers), minutes: 11, ports: Port(announced)));
        var record = Assert.IsType<Next.Record>(next);
        Assert.Equal(Monolith.Compute.V1.Server.Types.State.Failed, record.State);
        var failed = Assert.Single(record.Steps, s => s.Status == StepStatus.False);
        Assert.Equal(step, failed.Type);
        Assert.NotEmpty(failed.Message);
        Assert.NotEmpty(failed.Reason);
    }

    /// <summary>The name is another's: the step says so, the others go on, and it is tried until its deadline.</summary>
    [Fact]
    public void RunningWithANameThatIsTaken_ShowsTheCause_TriesAgain_AndFailsAtTheDeadline()
    {
        var named = new Step(StepNames.Named, StepStatus.Pending, "dns", Now, Now, "NAME_TAKEN", "it is another's",
            Now + ServerLifecycle.NameDeadline);
        var server = Server(s => (s.PortsBoundTo, s.Steps) = ("hv1", [named]));
        var first = Assert.IsType<Next.Record>(ServerLifecycle.Decide(server, Facts(Running(), ports: Port(true))));
        Assert.False(first.Settled);
        Assert.Equal([StepNames.Named], first.Steps.Where(s => s.Status != StepStatus.True).Select(s => s.Type));
        (server.State, server.Steps) = (first.State, first.Steps);
        Assert.IsType<Next.PublishName>(ServerLifecycle.Decide(server, Facts(Running(), ports: Port(true))));

        var late = Assert.IsType<Next.Record>(ServerLifecycle.Decide(server,
            Facts(Running(), minutes: 3, ports: Port(true))));
        Assert.Equal((Monolith.Compute.V1.Server.Types.State.Failed, true), (late.State, late.Settled));
        var failed = Assert.Single(late.Steps, s => s.Status == StepStatus.False);
        Assert.Equal((StepNames.Named, "NAME_TAKEN", "it is another's"), (failed.Type, failed.Reason, failed.Message));

        server.DnsName = "s.p";
        var ready = Assert.IsType<Next.Record>(ServerLifecycle.Decide(server, Facts(Running(), ports: Port(true))));
        Assert.Equal(Monolith.Compute.V1.Server.Types.State.Ready, ready.State);
    }

    [Fact]
    public void Vm_ThatFailedForGood_FailsTheServerWithItsCause()
    {
        var vm = Vm(v => (v.State, v.ReportedGeneration, v.Reason, v.Message) = (VmState.Failed, 1, "DISK_FULL", "no room"));
        var record = Assert.IsType<Next.Record>(
            ServerLifecycle.Decide(Server(s => s.PortsBoundTo = "hv1"), Facts(vm)));
        var failed = Assert.Single(record.Steps, s => s.Status == StepStatus.False);
        Assert.Equal(("DISK_FULL", "no room"), (failed.Reason, failed.Message));
    }

    [Fact]
    public void Deleted_WithItsHypervisorUp_WaitsForTheAgent()
    {
        var server = Server(s => s.Deleting = true);
        Assert.Equal(new Next.WantVm(VmPower.Absent), ServerLifecycle.Decide(server, Facts(Vm())));
        var vm = Vm(v => (v.Power, v.PowerTime) = (VmPower.Absent, Now));
        Assert.IsType<Next.Wait>(ServerLifecycle.Decide(server, Facts(vm)));
        Assert.IsType<Next.Purge>(ServerLifecycle.Decide(server, Facts(vm, minutes: 3)));
    }

    [Fact]
    public void Deleted_WithItsHypervisorDown_IsGoneAtOnce() => Assert.IsType<Next.Purge>(ServerLifecycle.Decide(
        Server(s => s.Deleting = true), Facts(Vm(v => (v.Power, v.PowerTime) = (VmPower.Absent, Now)), up: false)));

    [Fact]
    public void Deleted_BeforePlacement_GivesItsPortsBack()
    {
        var server = Server(s => s.Deleting = true);
        Assert.IsType<Next.ReleasePorts>(ServerLifecycle.Decide(server, Facts(ports: Port(false))));
        Assert.IsType<Next.Purge>(ServerLifecycle.Decide(server, Facts()));
    }

    [Fact]
    public void Stopped_IsAskedOfTheVmAndThenSettled()
    {
        var server = Server(s => (s.Power, s.State) = (Power.Stopped, Monolith.Compute.V1.Server.Types.State.Stopping));
        Assert.Equal(new Next.WantVm(VmPower.Stopped), ServerLifecycle.Decide(server, Facts(Vm())));
        var vm = Vm(v => (v.Power, v.State, v.ReportedGeneration) = (VmPower.Stopped, VmState.Stopped, 1));
        var record = Assert.IsType<Next.Record>(ServerLifecycle.Decide(server, Facts(vm)));
        Assert.Equal((Monolith.Compute.V1.Server.Types.State.Stopped, true), (record.State, record.Settled));
    }

    [Fact]
    public void NoDecision_IsEverMissing()
    {
        // Every combination of intent and fact leads somewhere, and what is written down is not written twice.
        foreach (var deleting in new[] { false, true })
            foreach (var power in Enum.GetValues<Power>())
                foreach (var state in Enum.GetValues<VmState>())
                    foreach (var vmPower in Enum.GetValues<VmPower>())
                        foreach (var up in new[] { false, true })
                            foreach (var minutes in new[] { 0, 5, 60 })
                            {
                                var server = Server(s => (s.Deleting, s.Power, s.PortsBoundTo) = (deleting, power, "hv1"));
                                var facts = Facts(Vm(v => (v.State, v.Power, v.ReportedGeneration, v.PowerTime) =
                                    (state, vmPower, 1, Now)), up, minutes);
                                if (ServerLifecycle.Decide(server, facts) is not Next.Record first) continue;
                                (server.State, server.Steps, server.Unsettled) = (first.State, first.Steps, !first.Settled);
                                Assert.IsNotType<Next.Record>(ServerLifecycle.Decide(server, facts));
                            }
    }
}
