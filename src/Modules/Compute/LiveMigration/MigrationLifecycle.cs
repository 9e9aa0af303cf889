using System.Collections.Immutable;
using Monolith.Agent.V1;
using Monolith.Compute.Servers;
using Monolith.Compute.Steps;
using Monolith.Compute.V1;
using Monolith.Compute.Vms;
using Phase = Monolith.Agent.V1.VmMigration.Types.Phase;
using State = Monolith.Compute.V1.Migration.Types.State;

namespace Monolith.Compute.LiveMigration;

/// <summary>
/// The way of a server from one hypervisor to another:
/// <code>
///   COPYING: PlaceIncoming ─▶ SharePorts ─▶ (target listens) ─▶ SendGuest ─▶ (guest runs at the target) ─▶ SwitchOver
///      │ aborted, failed, late, or the server is wanted otherwise                                     │
///      ▼                                                                                              ▼
///   ABORTING: KeepGuest ─▶ (source says it runs and does not send) ─▶ DropIncoming          FINISHING: announced,
///      │  └ too late, the guest has left: as COPYING from there                             nothing left at the source
///      │  └ it has left and was lost at the target: DropIncoming ─▶ (gone) ─▶ Reclaim                 │
///      ▼                                                                                              ▼
///   FAILED, ABORTED: as before                                                                   SUCCEEDED
/// </code>
/// A server that is STOPPED goes the same way with its disk alone: it is the target's once that is whole, and no ports are
/// made beside the source's.
/// Two things keep the guest from running twice, and its disk from counting twice: the target's vm is removed only once the
/// source says, for what is wanted of it now, that it does not go; and the source takes one back only once nothing is left at
/// the target.
/// Pure: looks at rows and facts, and says the one next thing to do; null: nothing that is not the server's own life.
/// </summary>
internal static class MigrationLifecycle
{
    public static readonly TimeSpan Deadline = TimeSpan.FromHours(1);
    /// <summary>How long the target has until it can be sent to.</summary>
    public static readonly TimeSpan ReadyDeadline = TimeSpan.FromMinutes(10);
    /// <summary>How long the end waits for the fabric, and for the source to say that nothing is left.</summary>
    public static readonly TimeSpan FinishDeadline = TimeSpan.FromMinutes(2);
    static readonly TimeSpan LastWord = TimeSpan.FromSeconds(2);
    /// <summary>Its steps, as they happen.</summary>
    public static readonly ImmutableArray<string> InOrder =
        [StepNames.Placed, StepNames.TargetReady, StepNames.DiskCopied, StepNames.MemoryCopied, StepNames.SwitchedOver,
            StepNames.Announced, StepNames.SourceRemoved];
    /// <summary>Those that nothing but a migration waits for.</summary>
    public static readonly ImmutableArray<string> Own = InOrder.Remove(StepNames.Announced);

    /// <summary>Progress is written down in steps of that part.</summary>
    const int Parts = 20;

    public static Next? Decide(ServerRow server, Situation facts)
    {
        if (server.Migration is not { IsOver: false } migration || facts.Vm is not { } vm) return null;
        if (migration.State == State.Finishing) return Finish(server, migration, vm, facts);
        var incoming = facts.Others.FirstOrDefault(v => v.Role == VmRole.Incoming);
        if (incoming is not null && Arrived(migration, incoming)) return SwitchOver(migration, vm, incoming, facts);
        if (migration.State == State.Aborting) return Abort(migration, vm, incoming, facts);
        if (WhyNot(server, migration, vm, incoming, facts) is var (reason, message))
            return new Next.RecordMigration(migration.Enter(State.Aborting, facts.Now, reason, message));
        // Its guest shut itself down: that is what is wanted from now on.
        if (migration.Stopped && vm.Power == VmPower.Running) return new Next.WantVm(VmPower.Stopped);
        if (incoming is null) return new Next.PlaceIncoming();
        // Who does not run has no address that would have to be where it goes on.
        if (!migration.Stopped && migration.PortsAt != incoming.Hypervisor) return new Next.SharePorts(incoming.Hypervisor, incoming.Uid);
        return Copy(server, migration, vm, incoming, facts);
    }

    /// <summary>What the agent says of one that is here and well.</summary>
    static VmState Here(ServerMigration migration) => migration.Stopped ? VmState.Stopped : VmState.Running;

    static bool Arrived(ServerMigration migration, VmRow incoming) => incoming.State == Here(migration)
        && incoming.MigrationOf(migration.Id)?.Phase == Phase.Arrived;

    /// <summary>Only the source knows how long the guest stood still: its last word is waited for, a moment.</summary>
    static Next SwitchOver(ServerMigration migration, VmRow vm, VmRow incoming, Situation facts)
    {
        if (vm.MigrationOf(migration.Id)?.Phase is Phase.Left or Phase.Failed or Phase.Cancelled || !facts.IsUp(vm.Hypervisor))
            return new Next.SwitchOver(incoming.Uid);
        var target = "agent " + incoming.Hypervisor;
        if (migration.Steps.Find(StepNames.SwitchedOver) is not { } step || step.Component != target)
            return new Next.RecordMigration(migration.With(Pending(StepNames.SwitchedOver, target, migration, facts)));
        var left = step.Since + LastWord - facts.Now;
        return left > TimeSpan.Zero ? new Next.Wait(left) : new Next.SwitchOver(incoming.Uid);
    }

    /// <summary>What ends it before the switch; null: nothing does.</summary>
    static (string Reason, string Message)? WhyNot(ServerRow server, ServerMigration migration, VmRow vm, VmRow? incoming,
        Situation facts)
    {
        var otherwise = migration.Stopped
            ? server.Power != Power.Stopped
            : server.Power != Power.Running || server.Restarts != vm.Restarts;
        if (otherwise || server.ExpireTime is not null)
            return ("SUPERSEDED", migration.Stopped
                ? "It was given up because the server is to be started or deleted."
                : "It was given up because the server is to be stopped, restarted or deleted.");
        if (migration.Placed && incoming is null)
            return ("TARGET_LOST", "The target is no more.");
        var sent = vm.MigrationOf(migration.Id);
        if (sent is { Phase: Phase.Failed or Phase.Cancelled })
            return (sent.Reason, sent.Message);
        if (vm is { IsCurrent: true, State: VmState.Failed })
            return ("SERVER_FAILED", "The server failed meanwhile: " + vm.Message);
        if (incoming is { IsCurrent: true, State: VmState.Failed, Retrying: false })
            return (incoming.Reason, "The target could not take the server: " + incoming.Message);
        // What has left comes to an end by itself: there is nothing left to give up.
        if (sent?.Phase is Phase.Left or Phase.Switching) return null;
        if (facts.Now >= migration.Deadline)
            return ("DEADLINE", migration.Stopped
                ? "Its disk was not copied by its deadline. Migrate it again when the hypervisors are less busy."
                : "It did not converge by its deadline: the guest changes its memory or its disk faster than "
                + "they can be copied. Migrate it again when it is less busy.");
        if (migration.Steps.Find(StepNames.TargetReady) is { Status: StepStatus.Pending } ready
            && facts.Now >= ready.Deadline)
            return ("TARGET_NOT_READY", ready.Message.Length > 0
                ? ready.Message : "The target was not ready to take the server in time.");
        return null;
    }

    static Next Copy(ServerRow server, ServerMigration migration, VmRow vm, VmRow incoming, Situation facts)
    {
        var open = incoming.MigrationOf(migration.Id);
        var next = migration;
        if (open is not { Phase: Phase.Listening or Phase.Arrived })
        {
            var why = !facts.IsUp(incoming.Hypervisor)
                ? $"The agent of {incoming.Hypervisor} is not connected; the work goes on when it is back."
                : incoming.Message;
            next = next.With(new Step(StepNames.TargetReady, StepStatus.Pending, "agent " + incoming.Hypervisor,
                migration.StateTime, migration.StateTime, incoming.Reason, why, migration.StateTime + ReadyDeadline));
            return RecordOrWait(server, next, migration.StateTime + ReadyDeadline, facts);
        }
        next = Done(next, StepNames.TargetReady, "agent " + incoming.Hypervisor, facts.Now);
        if (vm.Moving().Outgoing is null)
            return next != migration ? new Next.RecordMigration(next) : new Next.SendGuest(open, incoming.Uid);
        next = Progress(next, vm, facts);
        return RecordOrWait(server, next, migration.Deadline, facts);
    }

    static ServerMigration Progress(ServerMigration migration, VmRow vm, Situation facts)
    {
        var source = "agent " + vm.Hypervisor;
        var sent = vm.MigrationOf(migration.Id);
        if (!facts.IsUp(vm.Hypervisor))
            return migration.With(Pending(StepNames.DiskCopied, source, migration, facts, "HYPERVISOR_DOWN",
                $"The agent of {vm.Hypervisor} is not connected; " + (migration.Stopped
                    ? "the migration goes on when it is back." : "the server runs on, and so does its migration.")));
        if (sent is null) return migration.With(Pending(StepNames.DiskCopied, source, migration, facts));
        if (migration.Total != sent.BytesTotal
            || Math.Abs(sent.BytesDone - migration.Done) * Parts >= Math.Max(1, sent.BytesTotal))
            migration = migration with { Done = sent.BytesDone, Total = sent.BytesTotal };
        var part = migration.Total == 0 ? "" : $"{migration.Done * 100 / migration.Total} % of {migration.Total >> 20} MiB.";
        if (sent.Phase == Phase.CopyingDisk)
            return migration.With(Pending(StepNames.DiskCopied, source, migration, facts, message: part));
        migration = Done(migration, StepNames.DiskCopied, source, facts.Now);
        if (!migration.Stopped && sent.Phase == Phase.CopyingMemory)
            return migration.With(Pending(StepNames.MemoryCopied, source, migration, facts, message: part));
        if (!migration.Stopped) migration = Done(migration, StepNames.MemoryCopied, source, facts.Now);
        return migration.With(Pending(StepNames.SwitchedOver, source, migration, facts));
    }

    static Next Abort(ServerMigration migration, VmRow vm, VmRow? incoming, Situation facts)
    {
        var sent = vm.MigrationOf(migration.Id);
        var moving = vm.Moving();
        if (moving.Reclaim)
        {
            // Of what is stopped, one that has left is so as well: only one that has not is back.
            var away = migration.Stopped && sent?.Phase == Phase.Left;
            return vm.IsCurrent && vm.State == Here(migration) && !away ? new Next.EndMigration(Ended(migration, facts.Now))
                : new Next.Wait(TimeSpan.FromSeconds(15));
        }
        if (moving.Outgoing is not null) return new Next.KeepGuest();
        if (sent?.Phase is Phase.Left or Phase.Switching)
        {
            // It is the target's, unless that is gone for good: then, and only then, it is taken back.
            var missed = incoming?.MigrationOf(migration.Id)?.Phase == Phase.Missed;
            if (incoming is null) return new Next.Reclaim();
            return missed && incoming.Power != VmPower.Absent
                ? new Next.DropIncoming() : new Next.Wait(TimeSpan.FromSeconds(15));
        }
        if (sent is not null && (!vm.IsCurrent || IsSending(sent.Phase)) || sent is null && !vm.IsCurrent)
            return new Next.Wait(TimeSpan.FromSeconds(15));
        if (incoming is not null)
        {
            if (incoming.Power != VmPower.Absent) return new Next.DropIncoming();
            // With its agent away the vm's row stays behind as a tombstone that holds its capacity.
            var left = incoming.PowerTime + ServerLifecycle.RemoveDeadline - facts.Now;
            if (facts.IsUp(incoming.Hypervisor) && incoming.State != VmState.Gone && left > TimeSpan.Zero)
                return new Next.Wait(left);
        }
        if (migration.PortsAt.Length > 0) return new Next.SharePorts("", default);
        return new Next.EndMigration(Ended(migration, facts.Now));
    }

    static ServerMigration Ended(ServerMigration migration, DateTime now)
    {
        var state = migration.Reason is "ABORTED" or "SUPERSEDED" ? State.Aborted : State.Failed;
        foreach (var open in migration.Steps.Where(s => s.Status == StepStatus.Pending).ToList())
            migration = migration.With(open with
            {
                Status = StepStatus.False,
                Since = now,
                Reason = migration.Reason,
                Message = migration.Message,
            });
        return migration.Enter(state, now);
    }

    static bool IsSending(Phase phase) => phase is Phase.CopyingDisk or Phase.CopyingMemory or Phase.Switching;

    static Next? Finish(ServerRow server, ServerMigration migration, VmRow vm, Situation facts)
    {
        // The ports follow the server: that is its own life's.
        if (server.PortsBoundTo != vm.Hypervisor) return null;
        var next = migration;
        var until = migration.StateTime + FinishDeadline;
        var late = facts.Now >= until;
        var announced = migration.Stopped || facts.Ports.Count == 0 || facts.Ports.All(p => p.Announced);
        var removed = !facts.Others.Any(v => v.Role == VmRole.Left);
        if (!migration.Stopped) next = announced
            ? Done(next, StepNames.Announced, "network", facts.Now)
            : next.With(new Step(StepNames.Announced, late ? StepStatus.False : StepStatus.Pending, "network",
                migration.StateTime, facts.Now, "NOT_ANNOUNCED", "The fabric has not taken the server's routes yet.", until));
        next = removed
            ? Done(next, StepNames.SourceRemoved, "agent " + migration.Source, facts.Now)
            : next.With(new Step(StepNames.SourceRemoved, late ? StepStatus.False : StepStatus.Pending,
                "agent " + migration.Source, migration.StateTime, facts.Now, late ? "NOT_REMOVED" : "",
                late ? $"The agent of {migration.Source} has not said yet that nothing is left there." : "", until));
        // It is STOPPED all the way: its agent has said so of what is wanted now.
        var rests = !migration.Stopped || vm.IsCurrent;
        if (announced && removed && rests || late) return new Next.EndMigration(next.Enter(State.Succeeded, facts.Now));
        return next != migration ? new Next.RecordMigration(next) : null;
    }

    static Step Pending(string name, string component, ServerMigration migration, Situation facts, string reason = "",
        string message = "") =>
        new(name, StepStatus.Pending, component, facts.Now, facts.Now, reason, message, migration.Deadline);

    static ServerMigration Done(ServerMigration migration, string name, string component, DateTime now) =>
        migration.Steps.IsTrue(name) ? migration : migration.With(new Step(name, StepStatus.True, component,
            migration.Steps.Find(name)?.Start ?? (migration.Steps.Count > 0 ? migration.Steps[^1].Since : now), now));

    static Next RecordOrWait(ServerRow server, ServerMigration next, DateTime until, Situation facts)
    {
        if (next != server.Migration) return new Next.RecordMigration(next);
        var left = until - facts.Now;
        return new Next.Wait(left > TimeSpan.FromSeconds(1) ? left : TimeSpan.FromSeconds(1));
    }
}
