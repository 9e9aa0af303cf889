using System.Threading.Channels;
using Monolith.Agent.Images;
using Monolith.Agent.Network;
using Monolith.Agent.Vms;
using Monolith.Disks.Iso;

namespace Monolith.Agent.Emulated;

/// <summary>
/// VMs that are a few fields each. No thread, task or timer belongs to one that is idle; an operation's latency is a
/// delay of the caller's. They outlive the agents that drive them, as QEMUs do.
/// </summary>
public sealed partial class EmulatedVms : IVmDriver
{
    private const int EventsKept = 256;
    private readonly Dice dice;
    private readonly EmulatedDataPlane dataPlane;
    private readonly Lock gate = new();
    private readonly Dictionary<VmId, Machine> machines = [];
    private readonly Channel<VmEvent> events = Channel.CreateBounded<VmEvent>(
        new BoundedChannelOptions(EventsKept) { FullMode = BoundedChannelFullMode.DropOldest });

    private int pid = 1000;

    private sealed class Machine(VmPlan plan, DateTimeOffset since)
    {
        public VmPlan Plan { get; set; } = plan;
        public VmPlan? Running { get; set; }
        public VmPhase Phase { get; set; } = VmPhase.Stopped;
        public DateTimeOffset Since { get; set; } = since;
        public DateTimeOffset Answers { get; set; } = DateTimeOffset.MaxValue;
        public long Generation { get; set; }
        public int? Pid { get; set; }
        public string Cause { get; set; } = "";
        public TaskCompletionSource? Stopping { get; set; }
        public VmMigration? Migration { get; set; }
        public TaskCompletionSource? Giving { get; set; }

        public TaskCompletionSource? LetGo { get; set; }
        public EmulatedConsole? Console { get; set; }
        public VmSnapshot? Snapshot { get; set; }
    }

    public EmulatedVms(Emulation emulation, EmulatedDataPlane dataPlane, TimeProvider time) =>
        (dice, this.dataPlane) = (new Dice(emulation, time), dataPlane);

    public VmCapabilities Capabilities { get; } = new("emulated", "emulated", "", ["q35"], 0, "emulated", null);

    public ChannelReader<VmEvent> Events => events.Reader;

    public async Task EnsureDiskAsync(VmPlan plan, string baseImagePath, CancellationToken cancellation)
    {
        QemuFault.Check(plan);
        await dice.WaitAsync(dice.Emulation.DiskLatency, cancellation);
        lock (gate)
        {
            if (machines.TryGetValue(plan.Id, out var machine)) machine.Plan = plan;
            else machines[plan.Id] = new Machine(plan, dice.Now);
        }
    }

    /// <summary>What is on the disk that tells a guest who it is; null: it does not run, or has none.</summary>
    public IReadOnlyList<IsoFile>? DriveOf(VmId id)
    {
        lock (gate) return machines.GetValueOrDefault(id)?.Running?.Drive?.Files;
    }

    public async Task StartAsync(VmPlan plan, CancellationToken cancellation)
    {
        QemuFault.Check(plan);
        if (IsRunning(plan)) return;
        await dice.WaitAsync(dice.Emulation.StartLatency, cancellation);
        lock (gate)
        {
            var machine = machines.GetValueOrDefault(plan.Id)
                ?? throw new VmException(VmFailure.NotFound, $"VM {plan.Id} has no disk here: ensure it first");
            if (machine.Phase == VmPhase.Running) return;
            RefuseElsewhere(machine, "started");
            if (machine.Phase == VmPhase.Outgoing) machine.Migration = Ended(machine.Migration, "it was started");
            (machine.Plan, machine.Generation) = (plan, plan.Generation);
            var missing = plan.Ports.FirstOrDefault(p => !dataPlane.HasTap(p.Tap));
            if (missing is not null) Fail(machine, $"could not open the tap {missing.Tap}: there is no such interface");
            if (dice.Falls(dice.Emulation.StartFailures)) Fail(machine, "emulated failure of the start");
            Enter(machine, VmPhase.Running, "");
            (machine.Pid, machine.Running) = (++pid, plan);
            machine.Answers = dice.Falls(dice.Emulation.SilentGuests)
                ? DateTimeOffset.MaxValue
                : dice.Now + dice.Boot();
        }

        SetCarriers(plan, carrier: true);
        Tell(plan.Id, VmEventKind.Started, "");
    }

    public async Task StopAsync(VmId id, StopMode mode, TimeSpan deadline, CancellationToken cancellation)
    {
        Machine? machine;
        Task hurried;
        lock (gate)
        {
            if (!machines.TryGetValue(id, out machine)) return;
            if (machine.Phase is VmPhase.Running or VmPhase.Incoming) RefuseElsewhere(machine, "stopped");
            if (machine.Phase != VmPhase.Running)
            {
                if (machine.Phase == VmPhase.Crashed) Enter(machine, VmPhase.Stopped, "stopped on request");
                return;
            }

            machine.Stopping ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            if (mode == StopMode.Hard) machine.Stopping.TrySetResult();
            hurried = machine.Stopping.Task;
        }

        var latency = dice.Emulation.ShutdownLatency;
        if (mode == StopMode.Graceful && latency > TimeSpan.Zero)
            await Task.WhenAny(hurried, dice.WaitAsync(latency < deadline ? latency : deadline, cancellation));
        cancellation.ThrowIfCancellationRequested();
        End(machine, VmPhase.Stopped, "stopped on request", VmEventKind.Stopped);
    }

    public IReadOnlySet<ImageDigest> ImagesInUse()
    {
        lock (gate) return machines.Values.Select(m => m.Plan.Image).ToHashSet();
    }

    public async Task RestartAsync(VmPlan plan, StopMode mode, TimeSpan deadline, CancellationToken cancellation)
    {
        await StopAsync(plan.Id, mode, deadline, cancellation);
        await StartAsync(plan, cancellation);
    }

    public async Task PlugAsync(VmPlan plan, CancellationToken cancellation)
    {
        QemuFault.Check(plan);
        await Task.Yield();
        cancellation.ThrowIfCancellationRequested();
        IReadOnlyList<VmPort> before;
        lock (gate)
        {
            if (!machines.TryGetValue(plan.Id, out var machine) || machine is not { Phase: VmPhase.Running, Running: { } running })
                throw new VmException(
                    VmFailure.NotRunning, $"VM {plan.Id} does not run: it has its cards from its next start");
            RefuseElsewhere(machine, "given other cards");
            if (plan.Ports.FirstOrDefault(p => !dataPlane.HasTap(p.Tap)) is { } missing)
                throw new VmException(
                    VmFailure.Unresponsive, $"could not open the tap {missing.Tap}: there is no such interface");
            before = running.Ports;
            (machine.Plan, machine.Running) = (plan, running with { Ports = plan.Placed(), Slots = plan.Slots });
            machine.Generation = plan.Generation;
        }

        foreach (var port in before.Where(b => plan.Ports.All(p => p.Tap != b.Tap))) dataPlane.SetCarrier(port.Tap, false);
        SetCarriers(plan, carrier: true);
        Tell(plan.Id, VmEventKind.Plugged, "");
    }

    public async Task RemoveAsync(VmId id, CancellationToken cancellation)
    {
        await Task.Yield();
        cancellation.ThrowIfCancellationRequested();
        Machine? machine;
        lock (gate)
        {
            if (!machines.Remove(id, out machine)) return;
            machine.Stopping?.TrySetResult();
            machine.Console?.Remove();
        }

        EmulatedWire.Close(this, id);
        End(machine, VmPhase.Stopped, "removed", VmEventKind.Stopped);

        Tell(id, VmEventKind.Removed, "");
    }

    public Task<IReadOnlyList<VmObservation>> ObserveAsync(CancellationToken cancellation)
    {
        lock (gate) return Task.FromResult<IReadOnlyList<VmObservation>>([.. machines.Values.Select(Observe)]);
    }

    /// <summary>What each disk that is here was last made for.</summary>
    public IReadOnlyList<VmPlan> Plans()
    {
        lock (gate) return [.. machines.Values.Select(m => m.Plan)];
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    /// <summary>QEMU dies.</summary>
    public void Crash(VmId id, string cause) => EndOf(id, VmPhase.Crashed, cause, VmEventKind.Crashed);

    /// <summary>The guest shuts itself down.</summary>
    public void PowerOff(VmId id) => EndOf(id, VmPhase.Stopped, "its guest powered off", VmEventKind.Stopped);

    /// <summary>The machine loses power: every VM ends, disks stay.</summary>
    public void LosePower()
    {
        VmId[] all;
        lock (gate) all = [.. machines.Keys];
        foreach (var id in all) Crash(id, "the hypervisor was restarted");
    }

    /// <summary>When the guest behind a tap answers; null when none runs there.</summary>
    internal DateTimeOffset? AnswersAt(string tapName)
    {
        lock (gate)
        {
            foreach (var machine in machines.Values)
            {
                if (machine.Phase == VmPhase.Running && machine.Running!.Ports.Any(p => p.Tap == tapName))
                    return machine.Answers;
            }

            return null;
        }
    }

    private bool IsRunning(VmPlan plan)
    {
        lock (gate)
        {
            if (!machines.TryGetValue(plan.Id, out var machine) || machine.Phase != VmPhase.Running) return false;
            machine.Plan = plan;
            if (!NeedsRestart(machine)) machine.Generation = plan.Generation;
            return true;
        }
    }

    private void EndOf(VmId id, VmPhase phase, string cause, VmEventKind kind)
    {
        Machine? machine;
        lock (gate) machine = machines.GetValueOrDefault(id);
        if (machine is not null) End(machine, phase, cause, kind);
    }

    private void End(Machine machine, VmPhase phase, string cause, VmEventKind kind)
    {
        VmPlan plan;
        lock (gate)
        {
            if (machine.Running is null) return;
            plan = machine.Running;
            // A guest that has left stays left, whatever becomes of the process that it left.
            var ran = machine.Phase != VmPhase.Outgoing && machine is not { Phase: VmPhase.Incoming, Migration.Stopped: true };
            var left = machine.Phase == VmPhase.Left || machine.Migration is { Phase: MigrationPhase.Switching };
            Enter(machine, left ? VmPhase.Left : ran ? phase : VmPhase.Stopped, cause);
            (machine.Running, machine.Stopping) = (null, null);
            machine.Migration = Ended(machine.Migration, cause);
        }

        SetCarriers(plan, carrier: false);
        Tell(plan.Id, kind, cause);
    }

    private void SetCarriers(VmPlan plan, bool carrier)
    {
        foreach (var port in plan.Ports) dataPlane.SetCarrier(port.Tap, carrier);
    }

    private void Fail(Machine machine, string cause)
    {
        Enter(machine, VmPhase.Crashed, cause);
        throw new VmException(VmFailure.StartFailed, $"QEMU of VM {machine.Plan.Id} ended while it started: {cause}");
    }

    /// <summary>Time moves on with every phase, as it does on a real machine: a younger run is told by it.</summary>
    private void Enter(Machine machine, VmPhase phase, string cause)
    {
        var now = dice.Now;
        machine.Since = now > machine.Since ? now : machine.Since.AddTicks(1);
        (machine.Phase, machine.Cause, machine.Pid) = (phase, cause, null);
        machine.Answers = DateTimeOffset.MaxValue;
        machine.Console?.Enter(machine.Plan, phase);
    }

    private void Tell(VmId id, VmEventKind kind, string cause) =>
        events.Writer.TryWrite(new VmEvent(id, kind, dice.Now, cause));

    private static bool NeedsRestart(Machine machine) => machine.Running is { } running
        && (running.Vcpus != machine.Plan.Vcpus || running.MemoryMib != machine.Plan.MemoryMib
            || running.Rescue?.Image != machine.Plan.Rescue?.Image
            || !running.Placed().SequenceEqual(machine.Plan.Placed()));

    private static VmObservation Observe(Machine machine) => new(
        machine.Plan.Id, machine.Phase, machine.Pid, machine.Since, machine.Cause, machine.Generation,
        NeedsRestart(machine), machine.Migration, machine.Snapshot, machine.Running?.Cards);
}
