using Google.Protobuf.WellKnownTypes;
using Monolith.Agent.V1;
using Monolith.Agent.Vms;
using State = Monolith.Agent.V1.VmStatus.Types.State;

namespace Monolith.Agent.Reconcile;

/// <summary>A situation and what is done about it, as the host and the tenant are told. Pure.</summary>
internal static class VmReport
{
    private readonly record struct Line(State State, string Reason = "", string Message = "", bool Retrying = false);

    /// <returns>Null when there is nothing to tell yet.</returns>
    public static VmStatus? Of(string id, VmSituation now, VmDecision decision, VmStatus? last)
    {
        if (LineOf(now, decision) is not { } line) return null;
        var status = new VmStatus
        {
            Id = id,
            Generation = now.Desired?.Generation ?? 0,
            State = line.State,
            Reason = line.Reason,
            Message = line.Message,
            Retrying = line.Retrying,
            Answers = line.State == State.Running && now.Fact.Answers,
            Restarts = now.Fact.Restarts,
            Since = last is not null && last.State == line.State && last.Reason == line.Reason
                ? last.Since
                : Timestamp.FromDateTimeOffset(now.Now),
        };
        status.Steps.AddRange(now.Fact.Steps.Select(StepOf));
        if (now.Observed?.Migration is { } migration) status.Migration = MigrationOf(migration);
        if (SnapshotReport.Of(now.Desired?.Snapshot?.Id, now.Observed?.Snapshot, now.CopyTrouble) is { } copy) status.Snapshot = copy;
        return status;
    }

    private static Line? LineOf(VmSituation now, VmDecision decision) => now.Desired switch
    {
        null => UnwantedLine(now),
        _ when now.Fact.Gone && now.Observed is null => new Line(State.Gone),
        { Power: Vm.Types.Power.Absent } =>
            TroubleLine(now) ?? new Line(State.Working, "REMOVING", "It is being removed."),
        { Power: Vm.Types.Power.Stopped } => StoppedLine(now, decision),
        { Power: Vm.Types.Power.Running } => RunningLine(now, decision),
        _ => new Line(
            State.Failed, "UNKNOWN_POWER", "The hypervisor's agent does not know what is wanted: update the agent."),
    };

    private static Line? UnwantedLine(VmSituation now)
    {
        if (now.Fact.Gone && now.Observed is null) return new Line(State.Gone);
        if (now.Fact.UnwantedSince is null || now.Observed is not { } observed) return null;
        var state = observed.Phase switch
        {
            VmPhase.Running => State.Running,
            VmPhase.Starting => State.Working,
            VmPhase.Crashed => State.Failed,
            _ => State.Stopped,
        };
        return new Line(
            state, "UNWANTED", $"No server owns it; it is removed after {now.Policy.Grace.TotalMinutes:0.#} minutes.");
    }

    private static Line? TroubleLine(VmSituation now) => now.Fact.Trouble is { } trouble
        ? new Line(State.Failed, trouble.Reason, trouble.Message, trouble.RetryAt is not null)
        : null;

    private static Line StoppedLine(VmSituation now, VmDecision decision)
    {
        if (now.Observed?.Phase == VmPhase.Left)
            return new Line(State.Stopped, "MIGRATED", "The server is on another hypervisor now.");
        var comes = now.Desired!.Incoming is not null && !now.Fact.Arrived;
        if (comes && decision is VmDecision.Follow && now.Observed?.Migration is { Phase: MigrationPhase.Missed } missed)
            return new Line(State.Failed, missed.Reason, missed.Cause);
        var goes = decision is VmDecision.Follow or VmDecision.Send or VmDecision.LetGo or VmDecision.CancelSend;
        if (goes && !comes && now.Observed?.Phase != VmPhase.Running) return new Line(State.Stopped);
        if (TroubleLine(now) is { } trouble) return trouble;
        return decision switch
        {
            VmDecision.Settle => new Line(State.Stopped),
            _ when comes => new Line(State.Working, "INCOMING", "It waits for the server from another hypervisor."),
            VmDecision.FetchImage or VmDecision.MakeDisk => new Line(State.Stopped),
            _ => new Line(State.Working, "STOPPING", "The server is shutting down."),
        };
    }

    private static Line RunningLine(VmSituation now, VmDecision decision)
    {
        if (now.Observed?.Phase == VmPhase.Left)
            return new Line(State.Stopped, "MIGRATED", "The server runs on another hypervisor now.");
        if (TroubleLine(now) is { } trouble) return trouble;
        return decision switch
        {
            VmDecision.Follow when now.Observed?.Migration is { Phase: MigrationPhase.Missed } missed =>
                new Line(State.Failed, missed.Reason, missed.Cause),
            VmDecision.Follow when now.Observed?.Phase == VmPhase.Incoming =>
                new Line(State.Working, "INCOMING", "It waits for the server from another hypervisor."),
            VmDecision.Follow or VmDecision.Send or VmDecision.LetGo or VmDecision.CancelSend
                when now.Observed?.Phase == VmPhase.Running => new Line(State.Running),
            VmDecision.Plug => new Line(State.Running, "PORTS_CHANGING",
                now.Fact.CardTrouble?.Message ?? now.PortTrouble?.Message ?? "The guest's network cards are being changed."),
            VmDecision.Probe { Slow: true } => new Line(
                State.Running,
                "GUEST_SILENT",
                now.Desired!.ReadyTcpPort > 0
                    ? $"The server runs but does not answer on TCP port {now.Desired.ReadyTcpPort}: "
                        + "see its console log."
                    : "The server runs but does not answer in its network: see its console log."),
            VmDecision.Probe or VmDecision.Settle when now.Observed?.Phase == VmPhase.Running => new Line(
                State.Running,
                decision is VmDecision.Probe && VmDecide.CardsDiffer(now.Desired!, now.Observed) ? "PORTS_CHANGING"
                    : now.Observed.NeedsRestart ? "RESTART_NEEDED" : "",
                now.Observed.NeedsRestart ? "A change takes effect at the next restart of the server." : ""),
            VmDecision.Settle when now.Fact.PoweredOffAt is not null => new Line(
                State.Stopped,
                "GUEST_POWERED_OFF", "The server shut itself down: start or restart it to run it again."),
            VmDecision.AwaitPorts { Trouble: { } wrong } => new Line(State.Failed, wrong.Reason, wrong.Message, Retrying: true),
            VmDecision.AwaitPorts waiting => new Line(State.Working, "WAITING_FOR_PORT", PortMessage(now, waiting)),
            VmDecision.AwaitHost => new Line(State.Working, "WAITING_FOR_HOST",
                "The hypervisor's agent began anew, and waits to hear from the host that the server is still to run there."),
            VmDecision.FetchImage => new Line(State.Working, "FETCHING_IMAGE", "Its image is being fetched."),
            VmDecision.Restart => new Line(State.Working, "RESTARTING", "The server is being restarted."),
            VmDecision.Stop => new Line(State.Working, "STOPPING", "The server is shutting down."),
            _ => new Line(State.Working, "STARTING", "The server is being started."),
        };
    }

    private static string PortMessage(VmSituation now, VmDecision.AwaitPorts waiting)
    {
        var names = string.Join(", ", waiting.Missing);
        var begun = now.Fact.Steps.FirstOrDefault(s => s.Name == VmSteps.Plugged)?.Start;
        return begun is { } start && now.Now - start >= now.Policy.PortDeadline
            ? $"Its network port {names} is still not in place on the hypervisor: see the state of the port."
            : $"Its network port {names} is being put in place.";
    }

    private static V1.VmMigration MigrationOf(Vms.VmMigration migration)
    {
        var told = new V1.VmMigration
        {
            Migration = migration.Id,
            Phase = migration.Phase switch
            {
                MigrationPhase.Opening => V1.VmMigration.Types.Phase.Opening,
                MigrationPhase.Listening => V1.VmMigration.Types.Phase.Listening,
                MigrationPhase.Arrived => V1.VmMigration.Types.Phase.Arrived,
                MigrationPhase.Missed => V1.VmMigration.Types.Phase.Missed,
                MigrationPhase.CopyingDisk => V1.VmMigration.Types.Phase.CopyingDisk,
                MigrationPhase.CopyingMemory => V1.VmMigration.Types.Phase.CopyingMemory,
                MigrationPhase.Switching => V1.VmMigration.Types.Phase.Switching,
                MigrationPhase.Left => V1.VmMigration.Types.Phase.Left,
                MigrationPhase.Cancelled => V1.VmMigration.Types.Phase.Cancelled,
                _ => V1.VmMigration.Types.Phase.Failed,
            },
            Host = migration.Host,
            MemoryPort = migration.MemoryPort,
            DiskPort = migration.DiskPort,
            BytesDone = migration.BytesDone,
            BytesTotal = migration.BytesTotal,
            Reason = migration.Reason,
            Message = migration.Cause,
        };
        if (migration.Downtime is { } downtime) told.Downtime = Duration.FromTimeSpan(downtime);
        return told;
    }

    private static VmStep StepOf(StepFact step)
    {
        var told = new VmStep
        {
            Name = step.Name,
            StartTime = Timestamp.FromDateTimeOffset(step.Start),
            Failed = step.Failed,
            Message = step.Message,
        };
        if (step.Duration is { } duration) told.Duration = Duration.FromTimeSpan(duration);
        return told;
    }
}
