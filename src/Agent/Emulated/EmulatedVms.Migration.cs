using Monolith.Agent.Vms;

namespace Monolith.Agent.Emulated;

/// <summary>Guests that come and go. A guest on its way goes on without an agent, as QEMU does.</summary>
public sealed partial class EmulatedVms
{
    private const long DiskBytes = 64 << 20;
    private const int Port = 49152;

    public async Task ReceiveAsync(VmPlan plan, VmIncoming incoming, CancellationToken cancellation)
    {
        QemuFault.Check(plan);
        await dice.WaitAsync(dice.Emulation.StartLatency, cancellation);
        lock (gate)
        {
            var machine = machines.GetValueOrDefault(plan.Id)
                ?? throw new VmException(VmFailure.NotFound, $"VM {plan.Id} has no disk here: ensure it first");
            if (machine.Migration?.Id == incoming.Migration)
            {
                (machine.Plan, machine.Generation) = (plan, plan.Generation);
                return;
            }
            if (machine.Running is not null || machine.Migration is not null)
                throw new VmException(VmFailure.Migrating, $"VM {plan.Id} has a guest, or had one");
            (machine.Plan, machine.Generation) = (plan, plan.Generation);
            if (!incoming.Stopped && plan.Ports.FirstOrDefault(p => !dataPlane.HasTap(p.Tap)) is { } missing)
                Fail(machine, $"could not open the tap {missing.Tap}: there is no such interface");
            if (dice.Falls(dice.Emulation.StartFailures)) Fail(machine, "emulated failure of the start");
            Enter(machine, VmPhase.Incoming, "");
            (machine.Pid, machine.Running) = (++pid, incoming.Stopped ? Carried(plan) : plan);
            machine.Migration = new VmMigration(
                incoming.Migration, MigrationPhase.Listening, incoming.Host, Port, Port + 1, Stopped: incoming.Stopped);
            EmulatedWire.Listen(incoming, this, plan.Id);
        }

        // The tap is held from now on, as by a QEMU that waits.
        if (!incoming.Stopped) SetCarriers(plan, carrier: true);
        Tell(plan.Id, VmEventKind.Migrated, "");
    }

    public Task SendAsync(VmId id, VmOutgoing outgoing, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        Machine machine;
        lock (gate)
        {
            machine = machines.GetValueOrDefault(id)
                ?? throw new VmException(VmFailure.NotFound, $"VM {id} is not here: it cannot be sent");
            if (machine.Migration?.Id == outgoing.Migration) return Task.CompletedTask;
            if (machine.Phase == VmPhase.Left || machine.Migration is { IsSending: true })
                throw new VmException(VmFailure.Migrating, $"VM {id} is sent elsewhere already");
            if (outgoing.Stopped) OpenCarrier(machine);
            else if (machine.Phase != VmPhase.Running)
                throw new VmException(VmFailure.NotFound, $"VM {id} does not run: only a running guest can be sent");
            var total = DiskBytes + (outgoing.Stopped ? 0 : (long)machine.Running!.MemoryMib << 20);
            machine.Migration = new VmMigration(
                outgoing.Migration, MigrationPhase.CopyingDisk, BytesTotal: total, Stopped: outgoing.Stopped);
            if (machine.Snapshot is { Phase: SnapshotPhase.Copying } copying)
                machine.Snapshot = copying with
                {
                    Phase = SnapshotPhase.Failed,
                    Reason = "SERVER_MIGRATED",
                    Cause = "The server goes to another hypervisor.",
                };
            machine.Giving = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            machine.LetGo = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        Tell(id, VmEventKind.Migrated, "");
        _ = GoAsync(machine, outgoing);
        return Task.CompletedTask;
    }

    public Task LetGoAsync(VmId id, CancellationToken cancellation)
    {
        lock (gate)
        {
            if (machines.GetValueOrDefault(id) is { Migration: { IsSending: true } sent } machine)
            {
                machine.Migration = sent with { LetGo = true };
                machine.LetGo!.TrySetResult();
            }
        }

        return Task.CompletedTask;
    }

    public Task CancelSendAsync(VmId id, CancellationToken cancellation)
    {
        lock (gate)
        {
            if (machines.GetValueOrDefault(id) is { Migration: { IsSending: true } sent } machine
                && sent.Phase != MigrationPhase.Switching)
            {
                machine.Migration = sent.GiveUp("CANCELLED", "The migration was given up.");
                machine.Giving!.TrySetResult();
            }
        }

        return Task.CompletedTask;
    }

    public Task ReclaimAsync(VmPlan plan, CancellationToken cancellation)
    {
        lock (gate)
        {
            if (machines.GetValueOrDefault(plan.Id) is not { Phase: VmPhase.Left } machine) return Task.CompletedTask;
            var stopped = machine.Migration!.Stopped;
            if (stopped) machine.Running = null;
            var alive = machine.Running is not null;
            Enter(machine, stopped ? VmPhase.Stopped : alive ? VmPhase.Running : VmPhase.Crashed, alive || stopped ? "" : "its memory was lost");
            (machine.Plan, machine.Generation) = (plan, plan.Generation);
            (machine.Pid, machine.Answers) = (alive ? ++pid : null, alive ? dice.Now : DateTimeOffset.MaxValue);
            machine.Migration = machine.Migration with
            {
                Phase = MigrationPhase.Failed,
                Reason = "TARGET_LOST",
                Cause = "The guest was lost at the target and goes on where it was.",
            };
        }

        Tell(plan.Id, VmEventKind.Started, "");
        return Task.CompletedTask;
    }

    /// <returns>Whether there was somebody to take the guest.</returns>
    internal bool Arrive(VmId id, DateTimeOffset answers, bool stopped)
    {
        lock (gate)
        {
            if (machines.GetValueOrDefault(id) is not { Phase: VmPhase.Incoming } machine) return false;
            // Machines that are not alike do not understand each other.
            if (machine.Migration!.Stopped != stopped) return false;
            var held = machine.Pid;
            Enter(machine, stopped ? VmPhase.Stopped : VmPhase.Running, "");
            if (stopped) machine.Running = null;
            else (machine.Pid, machine.Answers) = (held, answers);
            machine.Migration = machine.Migration! with { Phase = MigrationPhase.Arrived };
        }

        Tell(id, stopped ? VmEventKind.Migrated : VmEventKind.Started, "it has arrived");
        return true;
    }

    /// <summary>What has the disk of a stopped VM has no cards.</summary>
    private static VmPlan Carried(VmPlan plan) => plan with { Ports = [] };

    private void OpenCarrier(Machine machine)
    {
        RefuseElsewhere(machine, "sent");
        if (machine.Phase is not (VmPhase.Stopped or VmPhase.Crashed))
            throw new VmException(
                VmFailure.Migrating, $"VM {machine.Plan.Id} runs: it cannot be sent as one that is stopped");
        Enter(machine, VmPhase.Outgoing, "");
        (machine.Pid, machine.Running) = (++pid, Carried(machine.Plan));
    }

    private async Task GoAsync(Machine machine, VmOutgoing outgoing)
    {
        var half = dice.Emulation.MigrationLatency / 2;
        if (!EmulatedWire.IsOpen(outgoing))
        {
            Stay(machine, outgoing, "TARGET_UNREACHABLE", "The target hypervisor cannot be reached.");
            return;
        }

        await Task.WhenAny(machine.Giving!.Task, dice.WaitAsync(half, CancellationToken.None));
        if (!Move(machine, outgoing, MigrationPhase.CopyingMemory)) return;
        await Task.WhenAny(machine.Giving.Task, dice.WaitAsync(half, CancellationToken.None));
        if (dice.Falls(dice.Emulation.MigrationFailures))
        {
            Stay(machine, outgoing, "MEMORY_COPY_FAILED", "Emulated failure of the migration.");
            return;
        }

        if (!Move(machine, outgoing, MigrationPhase.Switching)) return;
        await machine.LetGo!.Task;
        if (EmulatedWire.Deliver(outgoing, machine.Answers)) Leave(machine, outgoing);
        else Stay(machine, outgoing, "MEMORY_COPY_FAILED", "The memory could not be copied to the target.");
    }

    /// <returns>False when it was given up, or its machine is no more.</returns>
    private bool Move(Machine machine, VmOutgoing outgoing, MigrationPhase phase)
    {
        lock (gate)
        {
            if (machine.Migration is not { IsSending: true } sent || sent.Id != outgoing.Migration) return false;
            if (!sent.Giving)
            {
                machine.Migration = sent with
                {
                    Phase = phase,
                    BytesDone = phase == MigrationPhase.Switching ? sent.BytesTotal : DiskBytes,
                };
                Tell(machine.Plan.Id, VmEventKind.Migrated, "");
                return true;
            }
        }

        Stay(machine, outgoing, "CANCELLED", "The migration was given up.");
        return false;
    }

    private void Stay(Machine machine, VmOutgoing outgoing, string reason, string cause)
    {
        lock (gate)
        {
            if (machine.Migration is not { IsSending: true } sent || sent.Id != outgoing.Migration) return;
            machine.Migration = sent with
            {
                Phase = reason == "CANCELLED" ? MigrationPhase.Cancelled : MigrationPhase.Failed,
                Giving = false,
                Reason = reason,
                Cause = cause,
            };
            if (sent.Stopped)
            {
                machine.Running = null;
                Enter(machine, VmPhase.Stopped, cause);
            }
        }

        Tell(machine.Plan.Id, VmEventKind.Migrated, cause);
    }

    private void Leave(Machine machine, VmOutgoing outgoing)
    {
        lock (gate)
        {
            if (machine.Migration is not { } sent || sent.Id != outgoing.Migration) return;
            var (held, running) = (machine.Pid, machine.Running);
            // The process is still there, and holds the tap.
            Enter(machine, VmPhase.Left, "it has left for another hypervisor");
            (machine.Pid, machine.Running) = (held, running);
            machine.Migration = sent with
            {
                Phase = MigrationPhase.Left,
                Downtime = sent.Stopped ? null : TimeSpan.FromMilliseconds(20),
            };
        }

        Tell(machine.Plan.Id, VmEventKind.Migrated, "");
    }

    private static VmMigration? Ended(VmMigration? migration, string cause) => migration switch
    {
        { Phase: MigrationPhase.Switching } sent => sent with { Phase = MigrationPhase.Left, Cause = cause },
        { IsSending: true } sent => sent with
        {
            Phase = MigrationPhase.Failed,
            Giving = false,
            Reason = "SOURCE_ENDED",
            Cause = $"The server's machine ended while it was being sent: {cause}.",
        },
        { Phase: MigrationPhase.Listening } came => came with
        {
            Phase = MigrationPhase.Missed,
            Reason = "TARGET_ENDED",
            Cause = $"The machine that waited for the guest ended: {cause}.",
        },
        var over => over,
    };

    private static void RefuseElsewhere(Machine machine, string what)
    {
        if (machine.Migration is { IsElsewhere: true })
            throw new VmException(
                VmFailure.Migrating,
                $"VM {machine.Plan.Id} cannot be {what}: its guest is on its way between two hypervisors");
    }
}
