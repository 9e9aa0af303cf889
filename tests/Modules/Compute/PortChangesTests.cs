using CsCheck;
using Google.Protobuf;
using Monolith.Agent.V1;
using Monolith.Compute.Servers;
using Monolith.Compute.Servers.Ports;
using Monolith.Compute.Steps;
using Monolith.Compute.Vms;
using Monolith.Network.Contracts;
using ServerState = Monolith.Compute.V1.Server.Types.State;

namespace Monolith.Modules.Tests.Compute;

/// <summary>Ports that come and go, as a table: a situation, and the one next thing.</summary>
public sealed class PortChangesTests
{
    static readonly DateTime Now = new(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    static NetworkChoice Choice(string network = "n") => new(network, [], "");

    static ServerDetail Detail(int ports) => new([.. Enumerable.Range(0, ports).Select(i => Choice($"n{i}"))], [], []);

    static ServerRow Server(ServerDetail detail, ServerState state = ServerState.Ready) => new()
    {
        Name = "projects/p/servers/s",
        Project = "p",
        Flavor = "flavors/small",
        Image = "projects/p/images/i",
        ImageSha256 = "00",
        ImageFormat = "qcow2",
        Hostname = "s",
        Detail = detail,
        State = state,
        OperationStart = Now,
        PortsBoundTo = "hv1",
        DnsName = "s.p.cloud.internal",
    };

    static PortFacts Port(int index, bool announced = true) =>
        new(Uid(index), $"projects/p/ports/s-{index}", "", [$"10.0.0.{index + 1}"], 1500, "n", announced, null, index);

    static Guid Uid(int index) => new(index + 1, 0, 0, new byte[8]);

    static VmRow Vm(VmState state, bool heard, string reason, params int[] ports)
    {
        var plan = new Vm();
        foreach (var port in ports) plan.Ports.Add(new VmPort { Id = Uid(port).ToString() });
        return new VmRow
        {
            ServerUid = Guid.Empty,
            ServerName = "s",
            Hypervisor = "hv1",
            ImageSha256 = "00",
            Plan = plan.ToByteArray(),
            State = state,
            Generation = 2,
            ReportedGeneration = heard ? 2 : 1,
            Reason = reason,
            Message = reason.Length > 0 ? "Because." : "",
        };
    }

    static Next? Decide(ServerRow server, VmRow? vm, PortFacts[] ports, DateTime? now = null) =>
        PortChanges.Decide(server, new Situation(vm, ports, NodeUp: true, now ?? Now));

    static ServerDetail Attaching(int before = 1) => PortChoices.Attach(Detail(before), Choice("more"), grows: false)!;

    [Fact]
    public void NothingChanges_NothingIsDone() =>
        Assert.Null(Decide(Server(Detail(2)), Vm(VmState.Running, true, "", 0, 1), [Port(0), Port(1)]));

    [Fact]
    public void AttachedStepByStep()
    {
        var server = Server(Attaching());
        Assert.IsType<Next.ClaimPorts>(Decide(server, Vm(VmState.Running, true, "", 0), [Port(0)]));
        Assert.IsType<Next.TellPorts>(Decide(server, Vm(VmState.Running, true, "", 0), [Port(0), Port(1, false)]));
        // It has no word of the agent's yet, then the agent is at it, then the fabric.
        foreach (var (vm, reason) in new[]
            {
                (Vm(VmState.Running, false, "", 0, 1), PortChanges.Underway),
                (Vm(VmState.Running, true, PortChanges.Underway, 0, 1), PortChanges.Underway),
                (Vm(VmState.Running, true, "RESTART_NEEDED", 0, 1), "RESTART_NEEDED"),
                (Vm(VmState.Running, true, "", 0, 1), "NOT_ANNOUNCED"),
            })
        {
            var record = Assert.IsType<Next.Record>(Decide(server, vm, [Port(0), Port(1, false)]));
            var step = record.Steps.Find(StepNames.PortsPlugged)!;
            Assert.Equal((ServerState.Ready, StepStatus.Pending, reason), (record.State, step.Status, step.Reason));
        }
        Assert.Equal(new Next.EndPortChange(1), Decide(server, Vm(VmState.Running, true, "", 0, 1), [Port(0), Port(1)]));
        // What is stopped has nothing to announce.
        Assert.Equal(new Next.EndPortChange(1), Decide(server, Vm(VmState.Stopped, true, "", 0, 1), [Port(0), Port(1, false)]));
    }

    [Fact]
    public void DetachedStepByStep()
    {
        var server = Server(PortChoices.Enter(Detail(2), 0, PortPhase.Detaching));
        PortFacts[] ports = [Port(0), Port(1)];
        Assert.IsType<Next.TellPorts>(Decide(server, Vm(VmState.Running, true, "", 0, 1), ports));
        var record = Assert.IsType<Next.Record>(Decide(server, Vm(VmState.Running, true, PortChanges.Underway, 1), ports));
        Assert.Equal("Because.", record.Steps.Find(StepNames.PortsPlugged)!.Message);
        Assert.Equal(new Next.EndPortChange(0), Decide(server, Vm(VmState.Running, true, "", 1), ports));
    }

    [Fact]
    public void WhatCannotBeHadInTime_IsGivenUp_AndWhatTakesItsTime_IsToldAndGoesOn()
    {
        var late = Now + PortChanges.Deadline;
        var server = Server(Attaching());
        Assert.Equal(new Next.GiveUpPort(1), Decide(server, Vm(VmState.Running, true, "", 0), [Port(0)], late));
        var record = Assert.IsType<Next.Record>(
            Decide(server, Vm(VmState.Running, true, PortChanges.Underway, 0, 1), [Port(0), Port(1)], late));
        Assert.Equal(StepStatus.False, record.Steps.Find(StepNames.PortsPlugged)!.Status);
        server.Steps = record.Steps;
        Assert.Equal(new Next.EndPortChange(1), Decide(server, Vm(VmState.Running, true, "", 0, 1), [Port(0), Port(1)], late));
    }

    [Fact]
    public void WithoutAVm_ItsSuccessorIsMadeWithWhatIsWanted()
    {
        Assert.Equal(new Next.EndPortChange(1), Decide(Server(Attaching()), null, [Port(0)]));
        Assert.Equal(["n0", "more"], ServerReconciler.Claims(Server(Attaching())).Select(c => c.Network));
        var detaching = Server(PortChoices.Enter(Detail(2), 0, PortPhase.Detaching));
        Assert.Equal(new Next.EndPortChange(0), Decide(detaching, null, [Port(0), Port(1)]));
        Assert.Equal(["n1"], ServerReconciler.Claims(detaching).Select(c => c.Network));
    }

    /// <summary>Whatever comes and goes: no index is given twice, no slot is shared, and nobody moves.</summary>
    [Fact]
    public void Choices_KeepTheirIndexAndTheirSlot() => Gen.Int[0, 9].Array[0, 40].Sample(acts =>
    {
        var detail = Detail(2);
        var given = new HashSet<int> { 0, 1 };
        var places = new Dictionary<int, int> { [0] = 1, [1] = 2 };
        foreach (var act in acts)
        {
            var placed = detail.Placed().ToList();
            if (act < 5)
            {
                var more = PortChoices.Attach(detail, Choice(), grows: act == 0);
                if (more is null)
                {
                    Assert.Equal(detail.Slots > 0 ? detail.Slots - 1 : placed.Count + 4, placed.Count);
                    continue;
                }
                var added = more.Placed().Last();
                Assert.True(given.Add(added.Index));
                places[added.Index] = added.Slot;
                detail = PortChoices.Enter(more, added.Index, PortPhase.Attached);
            }
            else if (placed.Count > 1)
            {
                var goes = placed[act % placed.Count].Index;
                detail = PortChoices.Drop(PortChoices.Enter(detail, goes, PortPhase.Detaching), goes);
                places.Remove(goes);
            }
            Assert.Equal(places.OrderBy(p => p.Key), detail.Placed().Select(p => KeyValuePair.Create(p.Index, p.Slot)).OrderBy(p => p.Key));
            Assert.Equal(places.Count, places.Values.Distinct().Count());
            Assert.All(places.Values, slot => Assert.True(detail.Slots == 0 ? slot <= 2 : slot < detail.Slots));
        }
    });
}
