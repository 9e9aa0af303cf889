using Monolith.Compute.LiveMigration;
using Monolith.Compute.Servers.Ports;
using Monolith.Compute.Steps;
using Monolith.Compute.V1;
using Monolith.Compute.Vms;
using Monolith.Network.Contracts;

namespace Monolith.Compute.Servers;

/// <summary>What is to be done next for a server. Closed; each is one idempotent act.</summary>
internal abstract record Next
{
    Next() { }

    /// <summary>Claim ports from Network, then find a hypervisor.</summary>
    public sealed record Place : Next;

    /// <summary>Tell Network which hypervisor has the ports.</summary>
    public sealed record BindPorts(string Hypervisor) : Next;

    /// <summary>Tell the agent what is wanted of the vm.</summary>
    public sealed record WantVm(VmPower Power) : Next;

    /// <summary>Publish the name.</summary>
    public sealed record PublishName : Next;

    /// <summary>Write down what is known.</summary>
    /// <param name="Settled">Nothing more is to be done.</param>
    public sealed record Record(Server.Types.State State, IReadOnlyList<Step> Steps, bool Settled) : Next;

    public sealed record RemoveName : Next;

    /// <summary>Begin the deletion that was put off.</summary>
    public sealed record Expire : Next;

    /// <summary>Give ports and addresses back.</summary>
    public sealed record ReleasePorts : Next;

    /// <summary>Forget the server.</summary>
    public sealed record Purge : Next;

    /// <summary>Something must happen elsewhere; look again then at the latest.</summary>
    public sealed record Wait(TimeSpan AtMost) : Next;

    public sealed record Nothing : Next;

    /// <summary>Find a hypervisor for a running server, and make the vm that waits for its guest.</summary>
    public sealed record PlaceIncoming : Next;

    /// <summary>Have a hypervisor make the ports beside the one that has them; empty: none any more.</summary>
    public sealed record SharePorts(string Hypervisor, Guid Vm) : Next;

    public sealed record SendGuest(Agent.V1.VmMigration To, Guid Vm) : Next;

    /// <summary>The source shall not send its guest any more.</summary>
    public sealed record KeepGuest : Next;

    /// <summary>The source takes a guest back that is nowhere any more.</summary>
    public sealed record Reclaim : Next;

    public sealed record ClaimPorts : Next;

    /// <summary>Tell the agent which ports its guest is to have.</summary>
    public sealed record TellPorts : Next;

    /// <summary>A port that came is here, or one that goes is gone from the guest.</summary>
    public sealed record EndPortChange(int Index) : Next;

    /// <summary>A port that could not be had in time.</summary>
    public sealed record GiveUpPort(int Index) : Next;

    public sealed record DropIncoming : Next;

    /// <summary>The server is where its guest is.</summary>
    public sealed record SwitchOver(Guid To) : Next;

    public sealed record EndMigration(ServerMigration Migration) : Next;

    public sealed record RecordMigration(ServerMigration Migration) : Next;
}

/// <summary>What is known when deciding. Immutable for the decision.</summary>
/// <param name="Vm">The server's incarnation, if there is one.</param>
/// <param name="Ports">The server's ports.</param>
/// <param name="NodeUp">The incarnation's hypervisor is connected.</param>
internal sealed record Situation(VmRow? Vm, IReadOnlyList<PortFacts> Ports, bool NodeUp, DateTime Now)
{
    /// <summary>Those that a migration adds.</summary>
    public IReadOnlyList<VmRow> Others { get; init; } = [];

    /// <summary>By a hypervisor's id.</summary>
    public Func<string, bool> IsUp { get; init; } = _ => true;

    /// <summary>Why the incarnation's hypervisor is away, where people work on it; empty: nobody does.</summary>
    public string Maintenance { get; init; } = "";

    /// <summary>The step, where its agent is not connected.</summary>
    /// <param name="then">What happens when it is back.</param>
    public Step Away(Step step, string then) => NodeUp ? step : step with
    {
        Reason = Maintenance.Length > 0 ? "HYPERVISOR_MAINTENANCE" : "HYPERVISOR_DOWN",
        Message = $"The agent of {Vm!.Hypervisor} is not connected{(Maintenance.Length > 0 ? $", for people work on it ({Maintenance})" : "")}; {then}.",
    };
}

/// <summary>
/// The life of a server:
/// <code>
///             ┌───────────── start ◀──────────────┐
///             ▼                                   │
///   PENDING ─▶ READY ─ stop ─▶ STOPPING ─▶ STOPPED
///      │        │ ▲
///      │        │ └── restart: RESTARTING, start: STARTING
///      ▼        ▼
///    FAILED   (the vm died: STARTING until it answers again)
///
///   resize, rebuild: RESIZING, REBUILDING, then as start
///   its guest shuts itself down: STOPPED
///   delete from anywhere: DELETING ─▶ gone; with an undelete window first SOFT_DELETED, which undelete takes back
/// </code>
/// On the way to READY: PortsClaimed, Placed, ImageFetched, DiskReady, Plugged, Running, Announced, Answering, Named.
/// Pure: looks at rows and facts, and says the one next thing to do.
/// </summary>
internal static class ServerLifecycle
{
    /// <summary>How long the agent has to bring the guest to life.</summary>
    public static readonly TimeSpan StartDeadline = TimeSpan.FromMinutes(10);
    /// <summary>How long the fabric has to take the routes, once the guest runs.</summary>
    public static readonly TimeSpan AnnounceDeadline = TimeSpan.FromMinutes(2);
    /// <summary>How long a server waits for a hypervisor and for ports.</summary>
    public static readonly TimeSpan PlaceDeadline = TimeSpan.FromMinutes(2);
    /// <summary>How long a running server waits for a name that it cannot have.</summary>
    public static readonly TimeSpan NameDeadline = TimeSpan.FromMinutes(2);
    public static readonly TimeSpan StopDeadline = TimeSpan.FromMinutes(3);
    /// <summary>How long delete waits for a connected agent before it goes on without.</summary>
    public static readonly TimeSpan RemoveDeadline = TimeSpan.FromMinutes(2);

    /// <summary>What an agent says of a guest that shut itself down.</summary>
    const string PoweredOff = "GUEST_POWERED_OFF";

    static readonly string[] AgentSteps =
        [StepNames.ImageFetched, StepNames.DiskReady, StepNames.Plugged, StepNames.Running];

    public static Next Decide(ServerRow server, Situation facts)
    {
        if (server.Deleting) return Delete(server, facts);
        if (server.ExpireTime is { } end && facts.Now >= end) return new Next.Expire();
        if (MigrationLifecycle.Decide(server, facts) is { } migrating) return migrating;
        if (PortChanges.Decide(server, facts) is { } ports) return ports;
        var next = Live(server, facts);
        if (!server.IsChangingAside) return next;
        // The server is done with, its migration or its ports are not; and a server that migrates is READY or STOPPED all the way.
        if (next is Next.Nothing) return new Next.Wait(TimeSpan.FromSeconds(15));
        if (next is not Next.Record record) return next;
        if (record.State == Server.Types.State.Starting && server.State == Server.Types.State.Ready)
            record = record with { State = Server.Types.State.Ready };
        if (record.State == Server.Types.State.Stopping && server is { State: Server.Types.State.Stopped, IsMigrating: true })
            record = record with { State = Server.Types.State.Stopped };
        return record.State == server.State && ReferenceEquals(record.Steps, server.Steps) && server.Unsettled
            ? new Next.Wait(TimeSpan.FromSeconds(15))
            : record with { Settled = false };
    }

    static Next Live(ServerRow server, Situation facts)
    {
        if (server.ExpireTime is not null) return Rest(server, facts);
        if (facts.Vm is { } vm && vm.Incarnation != server.Incarnation) return Renew(server, vm, facts);
        return server.Power == Power.Stopped ? Stop(server, facts, Server.Types.State.Stopped) : Run(server, facts);
    }

    static Next Delete(ServerRow server, Situation facts)
    {
        if (server.DnsName.Length > 0) return new Next.RemoveName();
        if (facts.Others.Append(facts.Vm).OfType<VmRow>().ToList() is { Count: > 0 } vms)
        {
            if (vms.Exists(v => v.Power != VmPower.Absent)) return new Next.WantVm(VmPower.Absent);
            // With the agent away the vm's row stays behind as a tombstone that holds capacity and ports until the
            // agent says that nothing is left; the tenant does not have to wait for it.
            foreach (var vm in vms)
            {
                var up = vm == facts.Vm ? facts.NodeUp : facts.IsUp(vm.Hypervisor);
                var left = vm.PowerTime + RemoveDeadline - facts.Now;
                if (up && vm.State != VmState.Gone && left > TimeSpan.Zero) return new Next.Wait(left);
            }
            return new Next.Purge();
        }
        return facts.Ports.Count > 0 ? new Next.ReleasePorts() : new Next.Purge();
    }

    /// <summary>Deleted, and still to be had back.</summary>
    static Next Rest(ServerRow server, Situation facts) =>
        server.DnsName.Length > 0 ? new Next.RemoveName() : Stop(server, facts, Server.Types.State.SoftDeleted);

    /// <summary>The vm goes and its successor is placed: not before nothing is left of it, or there would be two.</summary>
    static Next Renew(ServerRow server, VmRow vm, Situation facts)
    {
        if (vm.Power != VmPower.Absent) return new Next.WantVm(VmPower.Absent);
        if (server.State == Server.Types.State.Failed)
            return Record(server, Server.Types.State.Failed, server.Steps, settled: true);
        var step = new Step(StepNames.VmRemoved, StepStatus.Pending, "agent " + vm.Hypervisor, server.OperationStart,
            server.OperationStart, Deadline: server.OperationStart + StopDeadline);
        step = facts.Away(step, "the server is made anew when it is back");
        if (facts.Now >= step.Deadline)
            return Fail(server, server.Steps.With(Failed(step, facts, facts.NodeUp ? "DEADLINE" : step.Reason, facts.NodeUp
                ? $"The agent of {vm.Hypervisor} did not remove the old one in time. Start the server to try on, or delete it."
                : step.Message)));
        return RecordOrWait(server, Underway(server), server.Steps.With(step), step.Deadline!.Value, facts);
    }

    /// <param name="rested">What it is in once it has stopped.</param>
    static Next Stop(ServerRow server, Situation facts, Server.Types.State rested)
    {
        if (facts.Vm is not { } vm) return Record(server, rested, server.Steps, settled: true);
        // A migration took it elsewhere.
        if (server.IsMigrating && server.PortsBoundTo != vm.Hypervisor) return new Next.BindPorts(vm.Hypervisor);
        if (vm.Power != VmPower.Stopped) return new Next.WantVm(VmPower.Stopped);
        // To migrate takes its time, and to be stopped after that another.
        var since = server is { Operation: "migrate", Migration: { } moved } ? moved.StateTime : server.OperationStart;
        var step = new Step(StepNames.Stopped, StepStatus.Pending, "agent " + vm.Hypervisor, since, since,
            Deadline: since + StopDeadline);
        if (vm is { IsCurrent: true, State: VmState.Stopped })
            return Record(server, rested,
                server.Steps.With(step with { Status = StepStatus.True, Since = facts.Now }), settled: true);
        if (vm is { IsCurrent: true, State: VmState.Failed })
        {
            step = step with { Reason = vm.Reason, Message = vm.Message };
            if (!vm.Retrying) return Fail(server, server.Steps.With(Failed(step, facts, vm.Reason, vm.Message)));
        }
        else step = facts.Away(step, "the server stops when it is back");
        if (facts.Now >= step.Deadline)
            return Fail(server, server.Steps.With(step.Reason.Length > 0
                ? Failed(step, facts, step.Reason, step.Message)
                : Failed(step, facts, "DEADLINE",
                    $"The agent of {vm.Hypervisor} did not stop it in time. Stop it again, with hard.")));
        return RecordOrWait(server, rested == Server.Types.State.Stopped ? Server.Types.State.Stopping : rested,
            server.Steps.With(step), step.Deadline!.Value, facts);
    }

    static Next Run(ServerRow server, Situation facts)
    {
        var failed = server.State == Server.Types.State.Failed;
        if (facts.Vm is not { } vm)
        {
            if (failed) return new Next.Nothing();
            // Its guest may have come there in the moment when the source was given up: there would be two.
            if (facts.Others.Any(v => v.Role == VmRole.Incoming)) return new Next.Wait(TimeSpan.FromSeconds(15));
            return PlaceOverdue(server, facts) ?? new Next.Place();
        }
        if (vm.Power == VmPower.Absent) return new Next.Wait(TimeSpan.FromSeconds(15));
        if (server.PortsBoundTo != vm.Hypervisor) return new Next.BindPorts(vm.Hypervisor);
        if (vm.Power != VmPower.Running || vm.Restarts != server.Restarts) return new Next.WantVm(VmPower.Running);

        var steps = server.Steps;
        var running = vm is { IsCurrent: true, State: VmState.Running } && vm.ReportedRestarts == vm.Restarts;
        if (vm.IsCurrent)
            foreach (var step in vm.Steps)
                // While it does not run, or not again yet, that step is told by what the agent says of the whole vm.
                if (AgentSteps.Contains(step.Type)
                    && (running ? step.Status == StepStatus.True : step.Type != StepNames.Running))
                    steps = steps.With(step with { Message = Words(step, vm) });
        if (!running) return NotRunning(server, vm, steps, facts);
        // What runs has come all the way, also when the agent that brought it there died before it could say so.
        foreach (var behind in steps.Where(s => s.Status != StepStatus.True && AgentSteps.Contains(s.Type)).ToList())
            steps = steps.With(new Step(behind.Type, StepStatus.True, behind.Component, behind.Start, facts.Now));

        // A name that cannot be had is a step with a cause; the others go on meanwhile.
        var unnamed = server.DnsName.Length == 0;
        if (unnamed && steps.Find(StepNames.Named) is null) return new Next.PublishName();
        var since = steps.Find(StepNames.Running)?.Since ?? facts.Now;
        steps = steps.With(Announced(PortChanges.AttachedOf(server.Detail, facts.Ports), facts, since));
        steps = steps.With(Answering(server, vm, facts, since));
        if (!unnamed) steps = steps.With(new Step(StepNames.Named, StepStatus.True, "dns", since, facts.Now));
        var pending = steps.Where(s => s.Status != StepStatus.True && s.Type is not (StepNames.Ready or StepNames.PortsPlugged)
            && !MigrationLifecycle.Own.Contains(s.Type)).ToList();
        if (pending.Count == 0)
        {
            steps = steps.With(new Step(StepNames.Ready, StepStatus.True, "compute", server.OperationStart, facts.Now));
            return Record(server, Server.Types.State.Ready, steps, settled: true);
        }
        if (pending.Find(s => facts.Now >= s.Deadline) is { } late)
            return Fail(server, steps.With(Failed(late, facts, late.Reason, late.Message)));
        if (failed) return Record(server, Server.Types.State.Failed, steps, settled: true);
        var next = RecordOrWait(server, Underway(server), steps,
            pending.Min(s => s.Deadline ?? facts.Now.AddMinutes(1)), facts);
        return unnamed && next is Next.Wait ? new Next.PublishName() : next;
    }

    static Next NotRunning(ServerRow server, VmRow vm, IReadOnlyList<Step> steps, Situation facts)
    {
        var deadline = server.OperationStart + StartDeadline;
        var step = new Step(StepNames.Running, StepStatus.Pending, "agent " + vm.Hypervisor, server.OperationStart,
            server.OperationStart, Deadline: deadline);
        if (vm is { IsCurrent: true, State: VmState.Failed })
        {
            step = Failed(step, facts, vm.Reason, vm.Message);
            if (!vm.Retrying) return Fail(server, steps.With(step));
        }
        else step = facts.Away(step, "the work goes on when it is back");
        // What its guest wanted is no failure, and nobody's to undo.
        if (vm is { IsCurrent: true, State: VmState.Stopped, Reason: PoweredOff })
            return Record(server, Server.Types.State.Stopped, steps.With(Failed(step, facts, vm.Reason, vm.Message)), settled: true);
        if (server.State == Server.Types.State.Failed)
            return Record(server, Server.Types.State.Failed, server.Steps, settled: true);
        // A server that was READY lost its guest by itself: that is an operation of its own, with its own deadline.
        if (server.State == Server.Types.State.Ready && vm.IsCurrent && !vm.Retrying && vm.State != VmState.Working)
            deadline = facts.Now + StartDeadline;
        if (facts.Now >= deadline)
            return Fail(server, steps.With(Failed(step, facts, step.Reason.Length > 0 ? step.Reason : "DEADLINE",
                step.Message.Length > 0
                    ? step.Message
                    : $"The agent of {vm.Hypervisor} did not bring it up within {StartDeadline.TotalMinutes:0} minutes. "
                        + "Delete it and create it again, or ask the operators to look at that hypervisor.")));
        return RecordOrWait(server, Underway(server), steps.With(step), deadline, facts);
    }

    static Next? PlaceOverdue(ServerRow server, Situation facts)
    {
        var waiting = server.Steps.FirstOrDefault(s => s.Status == StepStatus.Pending
            && s.Type is StepNames.Placed or StepNames.PortsClaimed && facts.Now >= s.Deadline);
        return waiting is null ? null : Fail(server, server.Steps.With(waiting with
        {
            Status = StepStatus.False,
            Since = facts.Now,
        }));
    }

    static Step Announced(IReadOnlyList<PortFacts> ports, Situation facts, DateTime since)
    {
        var step = new Step(StepNames.Announced, StepStatus.Pending, "network", since, since,
            Deadline: since + AnnounceDeadline);
        if (ports.Count > 0 && ports.All(p => p.Announced))
            return step with { Status = StepStatus.True, Since = facts.Now };
        var failure = ports.FirstOrDefault(p => p.Failure is not null);
        return step with
        {
            Reason = failure is null ? "NOT_ANNOUNCED" : "PORT_FAILED",
            Message = failure?.Failure
                ?? "The fabric has not taken the server's routes yet. If it stays so, ask the operators for the "
                    + "hypervisor's BGP sessions.",
        };
    }

    static Step Answering(ServerRow server, VmRow vm, Situation facts, DateTime since)
    {
        var step = new Step(StepNames.Answering, StepStatus.Pending, "agent " + vm.Hypervisor, since, since,
            Deadline: since + TimeSpan.FromSeconds(server.ReadyTimeoutSeconds));
        if (vm.Answers)
        {
            var seen = vm.Steps.Find(StepNames.Answering);
            return seen is { Status: StepStatus.True } ? seen : step with { Status = StepStatus.True, Since = facts.Now };
        }
        return step with
        {
            Reason = "GUEST_SILENT",
            Message = server.ReadyTcpPort > 0
                ? $"The guest runs but does not accept connections on TCP port {server.ReadyTcpPort}. Look at its console."
                : "The guest runs but does not answer ARP for its address. Look at its console.",
        };
    }

    static Step Failed(Step step, Situation facts, string reason, string message) => step with
    {
        Status = StepStatus.False,
        Since = facts.Now,
        Reason = reason,
        Message = message,
    };

    static string Words(Step step, VmRow vm) =>
        step.Status == StepStatus.False && vm.Message.Length > 0 ? vm.Message : step.Message;

    static Server.Types.State Underway(ServerRow server) => server.State switch
    {
        Server.Types.State.Pending or Server.Types.State.Restarting or Server.Types.State.Starting
            or Server.Types.State.Resizing or Server.Types.State.Rebuilding => server.State,
        _ => Server.Types.State.Starting,
    };

    static Next Fail(ServerRow server, IReadOnlyList<Step> steps) =>
        Record(server, Server.Types.State.Failed, steps, settled: true);

    static Next RecordOrWait(ServerRow server, Server.Types.State state, IReadOnlyList<Step> steps, DateTime until,
        Situation facts)
    {
        if (state != server.State || !ReferenceEquals(steps, server.Steps) || !server.Unsettled)
            return new Next.Record(state, steps, Settled: false);
        var left = until - facts.Now;
        return new Next.Wait(left > TimeSpan.FromSeconds(1) ? left : TimeSpan.FromSeconds(1));
    }

    static Next Record(ServerRow server, Server.Types.State state, IReadOnlyList<Step> steps, bool settled) =>
        state == server.State && ReferenceEquals(steps, server.Steps) && server.Unsettled == !settled
            ? new Next.Nothing()
            : new Next.Record(state, steps, settled);
}
