using System.Threading.Channels;
using Monolith.Agent.Cgroups;
using Monolith.Agent.Consoles;
using Monolith.Agent.Native.Safe;
using Monolith.Agent.Vms.Qmp;

namespace Monolith.Agent.Vms;

/// <summary>
/// One VM: one task, one bounded queue, nothing shared but an immutable observation.
/// <code>
///              EnsureDisk            Start              QEMU answers
///   (absent) ─────────────► Stopped ───────► Starting ─────────────► Running
///                            ▲  ▲  ▲            │                     │  │
///                            │  │  └────────────│── Stop, guest down ─┘  │ QEMU ends unasked
///                            │  │ Stop          ▼ ends, deadline         │
///                            │  └─────────── Crashed ◄───────────────────┘
///                            └──── Start ───────┘
///   any ── Remove ──► (absent)
///
///   Stopped ── Receive ──► Incoming ── its guest arrives ──► Running ── Send ── its guest leaves ──► Left
///                             └── QEMU ends ──► Crashed                 Running or Stopped ◄── Reclaim ──┘
///   of what is stopped:
///   Stopped ── Receive ──► Incoming ── its disk is whole ──► Stopped ── Send ──► Outgoing ── it is whole there ──► Left
/// </code>
/// Each phase is on disk before the act that leads out of it, so that a new agent knows what the dead one was at:
/// "Starting" without a process is looked up in /proc by QEMU's arguments, "Running" without one has crashed.
/// </summary>
internal sealed partial class QemuVm : IAsyncDisposable
{
    private abstract record Request(TaskCompletionSource Done)
    {
        public sealed record EnsureDisk(VmPlan Plan, string BaseImage, TaskCompletionSource Done) : Request(Done);

        public sealed record Start(VmPlan Plan, TaskCompletionSource Done) : Request(Done);

        public sealed record Stop(StopMode Mode, TimeSpan Deadline, TaskCompletionSource Done) : Request(Done);

        public sealed record Restart(VmPlan Plan, StopMode Mode, TimeSpan Deadline, TaskCompletionSource Done)
            : Request(Done);

        public sealed record Plug(VmPlan Plan, TaskCompletionSource Done) : Request(Done);

        public sealed record Remove(TaskCompletionSource Done) : Request(Done);

        public sealed record Receive(VmPlan Plan, VmIncoming Incoming, TaskCompletionSource Done) : Request(Done);

        public sealed record Send(VmOutgoing Outgoing, TaskCompletionSource Done) : Request(Done);

        public sealed record LetGo(TaskCompletionSource Done) : Request(Done);

        public sealed record CancelSend(TaskCompletionSource Done) : Request(Done);

        public sealed record Reclaim(VmPlan Plan, TaskCompletionSource Done) : Request(Done);

        public sealed record Snapshot(string Id, TaskCompletionSource Done) : Request(Done);

        public sealed record DropSnapshot(TaskCompletionSource Done) : Request(Done);
    }

    private const int QueueLength = 16;
    private const long QemuLogLimit = 256 * 1024;
    private static readonly TimeSpan AdoptDeadline = TimeSpan.FromSeconds(5);

    private readonly VmId id;
    private readonly QemuSettings settings;
    private readonly VmFiles files;
    private readonly SerialLog serial;
    private readonly SerialPort port;
    private readonly Channel<Request> requests = Channel.CreateBounded<Request>(QueueLength);
    private readonly CancellationTokenSource disposed = new();
    private readonly Task running;
    private readonly Lock gate = new();
    private TaskCompletionSource hurry = NewDone();
    private int hurrying;
    private volatile VmObservation? observation;
    private volatile string guestTrouble = "";
    private VmPlan? plan;
    private VmRecord record;
    private QemuProcess? process;
    private long logStart;

    public QemuVm(VmId id, QemuSettings settings)
    {
        this.id = id;
        this.settings = settings;
        files = new VmFiles(Path.Combine(settings.Options.VmsDirectory, id.Value));
        serial = new SerialLog(id, files.SerialLog);
        port = new SerialPort(id, files.Directory, serial);
        plan = files.ReadPlan();
        record = files.ReadRecord() ?? new VmRecord(VmPhase.Stopped, 0, "", null, Now, "");
        Ready = AdoptAsync();
        running = Task.Run(RunAsync);
    }

    /// <summary>Completes when a QEMU of an earlier agent was taken over, or found to be gone.</summary>
    public Task Ready { get; }

    public VmPlan? Plan => Volatile.Read(ref plan);

    public bool IsRemoved { get; private set; }

    /// <summary>Null before there is a disk, and after removal.</summary>
    public VmObservation? Observation => observation;

    private Task HurryTask
    {
        get
        {
            lock (gate) return hurry.Task;
        }
    }

    private DateTimeOffset Now => settings.Time.GetUtcNow();

    public Task EnsureDiskAsync(VmPlan plan, string baseImage, CancellationToken cancellation) =>
        SubmitAsync(new Request.EnsureDisk(plan, baseImage, NewDone()), cancellation);

    public Task StartAsync(VmPlan plan, CancellationToken cancellation) =>
        SubmitAsync(new Request.Start(plan, NewDone()), cancellation);

    public Task StopAsync(StopMode mode, TimeSpan deadline, CancellationToken cancellation) =>
        SubmitAsync(new Request.Stop(mode, deadline, NewDone()), cancellation, mode == StopMode.Hard);

    public Task RestartAsync(VmPlan plan, StopMode mode, TimeSpan deadline, CancellationToken cancellation) =>
        SubmitAsync(new Request.Restart(plan, mode, deadline, NewDone()), cancellation, mode == StopMode.Hard);

    public Task ReceiveAsync(VmPlan plan, VmIncoming incoming, CancellationToken cancellation) =>
        SubmitAsync(new Request.Receive(plan, incoming, NewDone()), cancellation);

    public Task SendAsync(VmOutgoing outgoing, CancellationToken cancellation) =>
        SubmitAsync(new Request.Send(outgoing, NewDone()), cancellation);

    public Task LetGoAsync(CancellationToken cancellation) =>
        SubmitAsync(new Request.LetGo(NewDone()), cancellation);

    public Task CancelSendAsync(CancellationToken cancellation) =>
        SubmitAsync(new Request.CancelSend(NewDone()), cancellation);

    public Task ReclaimAsync(VmPlan plan, CancellationToken cancellation) =>
        SubmitAsync(new Request.Reclaim(plan, NewDone()), cancellation);

    public Task RemoveAsync(CancellationToken cancellation) =>
        SubmitAsync(new Request.Remove(NewDone()), cancellation, hurry: true);

    private static TaskCompletionSource NewDone() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private async Task SubmitAsync(Request request, CancellationToken cancellation, bool hurry = false)
    {
        if (hurry) Hurry(+1);
        if (!this.requests.Writer.TryWrite(request))
        {
            if (hurry) Hurry(-1);
            throw IsRemoved
                ? new VmException(VmFailure.NotFound, $"VM {id} has just been removed: ask again")
                : new VmException(
                    VmFailure.Busy, $"{QueueLength} requests wait for VM {id}: ask again when they are done");
        }
        await request.Done.Task.WaitAsync(cancellation);
    }

    /// <summary>Whoever waits for a guest stops waiting while a request is queued that will not.</summary>
    private void Hurry(int change)
    {
        lock (gate)
        {
            hurrying += change;
            if (hurrying > 0) hurry.TrySetResult();
            else if (hurry.Task.IsCompleted) hurry = NewDone();
        }
    }

    private async Task RunAsync()
    {
        await Ready;
        var never = new TaskCompletionSource();
        Task? arrived = null, check = null;
        while (!disposed.IsCancellationRequested && !IsRemoved)
        {
            arrived ??= requests.Reader.WaitToReadAsync(disposed.Token).AsTask();
            check ??= Task.Delay(settings.Options.CheckEvery, settings.Time, disposed.Token);
            Task ended = process?.Exited ?? never.Task, down = process?.GuestDown ?? never.Task;
            var moving = IsMoving ? MoveDueAsync() : never.Task;
            var copying = IsCopying ? CopyDueAsync() : never.Task;
            await Task.WhenAny(ended, down, arrived, check, moving, copying);
            if (disposed.IsCancellationRequested) break;
            try
            {
                if (ended.IsCompleted) await OnEndedAsync();
                else if (down.IsCompleted) await OnGuestDownAsync();
                else if (moving.IsCompleted) await MoveAsync();
                else if (copying.IsCompleted) await CopyAsync();
                if (check.IsCompleted) await CheckAsync();
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                if (disposed.IsCancellationRequested) break;
                QemuLog.StepFailed(settings.Logger, e, id, "check");
            }
            if (check.IsCompleted) check = null;
            if (!arrived.IsCompleted) continue;
            arrived = null;
            if (requests.Reader.TryRead(out var request)) await HandleAsync(request);
        }
        requests.Writer.TryComplete();
        var gone = new VmException(VmFailure.NotFound, $"VM {id} is no longer driven here: ask again");
        while (requests.Reader.TryRead(out var late)) late.Done.TrySetException(gone);
        if (process is not null) await process.DisposeAsync();
        if (copier is not null) await copier.DisposeAsync();
    }

    private async Task HandleAsync(Request request)
    {
        if (request is Request.Stop { Mode: StopMode.Hard } or Request.Restart { Mode: StopMode.Hard }
            or Request.Remove)
            Hurry(-1);
        try
        {
            await (request switch
            {
                Request.EnsureDisk r => EnsureDiskAsync(r.Plan, r.BaseImage),
                Request.Start r => StartAsync(r.Plan),
                Request.Stop r => StopAsync(r.Mode, r.Deadline),
                Request.Restart r => RestartAsync(r.Plan, r.Mode, r.Deadline),
                Request.Plug r => PlugAsync(r.Plan),
                Request.Remove => RemoveAsync(),
                Request.Receive r => ReceiveAsync(r.Plan, r.Incoming),
                Request.Send r => SendAsync(r.Outgoing),
                Request.LetGo => LetGoAsync(),
                Request.CancelSend => CancelSendAsync(),
                Request.Reclaim r => ReclaimAsync(r.Plan),
                Request.Snapshot r => SnapshotAsync(r.Id),
                Request.DropSnapshot => DropSnapshotAsync(),
                _ => throw new InvalidOperationException(),
            });
            request.Done.TrySetResult();
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            if (e is not VmException) QemuLog.StepFailed(settings.Logger, e, id, request.GetType().Name);
            request.Done.TrySetException(QemuFault.From(e, id, request.GetType().Name));
        }
    }

    private async Task EnsureDiskAsync(VmPlan plan, string baseImage)
    {
        QemuFault.Check(plan);
        files.Make(settings.User);
        // The plan is first: it is what keeps the image in the cache.
        Keep(plan);
        if (!File.Exists(files.Disk))
            await settings.Disks.CreateAsync(files, plan, baseImage, disposed.Token);
        else if (QemuDisk.Lacks(files, plan) > 0)
        {
            await EndCopierAsync();
            if (process is null) await settings.Disks.GrowAsync(files, plan, disposed.Token);
            else await process.Commands.BlockResizeAsync(
                VmCommandLine.DiskNode, QemuDisk.SizeOf(plan), disposed.Token);
        }
        if (observation is null) Enter(record with { Since = Now });
    }

    private async Task StartAsync(VmPlan plan)
    {
        QemuFault.Check(plan);
        var shape = VmCommandLine.Shape(plan);
        RefuseElsewhere("started");
        if (process is { Exited.IsCompleted: false, GuestDown.IsCompleted: false } && record.Phase == VmPhase.Running)
        {
            Keep(plan);
            // What the guest has is what the plan says: nothing to do, and this generation has been acted on.
            if (shape == record.Shape) Enter(record with { Generation = plan.Generation });
            else Publish();
            return;
        }
        if (process is not null) await EndAsync("");
        if (!File.Exists(files.Disk))
            throw new VmException(VmFailure.NotFound, $"VM {id} has no disk here: ensure it first");
        Keep(plan);
        await EndCopierAsync();
        Enter(new VmRecord(
            VmPhase.Starting, plan.Generation, shape, null, Now, "", record.Migration, record.Snapshot));
        try
        {
            File.Delete(files.Rescue);
            if (plan.Rescue is { } rescue) await settings.Disks.CreateRescueAsync(files, rescue, disposed.Token);
            await SpawnAsync(plan);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            var fault = QemuFault.From(e, id, "start");
            await EndAsync("");
            Enter(record with { Phase = VmPhase.Crashed, Process = null, Since = Now, Cause = fault.Message });
            throw fault;
        }
        Enter(record with { Phase = VmPhase.Running, Since = Now });
        Tell(VmEventKind.Started, "");
    }

    private async Task StopAsync(StopMode mode, TimeSpan deadline)
    {
        // A guest that has left is stopped where it is, and what is sent stopped has none.
        if (record.Phase is VmPhase.Left or VmPhase.Outgoing) return;
        if (process is not null) RefuseElsewhere("stopped");
        if (record.Phase == VmPhase.Incoming) mode = StopMode.Hard;
        if (process is null)
        {
            if (record.Phase != VmPhase.Stopped && observation is not null)
                Enter(
                    record with { Phase = VmPhase.Stopped, Process = null, Since = Now, Cause = "stopped on request" });
            return;
        }
        var how = await process.StopAsync(mode, deadline, HurryTask, disposed.Token);
        await EndAsync(how);
        Tell(VmEventKind.Stopped, how);
    }

    private async Task RestartAsync(VmPlan plan, StopMode mode, TimeSpan deadline)
    {
        QemuFault.Check(plan);
        await StopAsync(mode, deadline);
        await StartAsync(plan);
    }

    private async Task RemoveAsync()
    {
        if (process is not null) await process.StopAsync(StopMode.Hard, TimeSpan.Zero, HurryTask, disposed.Token);
        await EndAsync("removed");
        await EndCopierAsync();
        var trash = Path.Combine(settings.Options.VmsDirectory, QemuDriver.TrashPrefix + id.Value);
        if (Directory.Exists(files.Directory))
        {
            // One rename decides: after it there is no VM, whatever becomes of the rest.
            if (Directory.Exists(trash)) Directory.Delete(trash, recursive: true);
            Directory.Move(files.Directory, trash);
            ProcessDirectory.Sync(settings.Options.VmsDirectory);
            Directory.Delete(trash, recursive: true);
        }
        IsRemoved = true;
        observation = null;
        requests.Writer.TryComplete();
        Tell(VmEventKind.Removed, "");
    }

    private void Crash(string cause)
    {
        Enter(record with { Phase = VmPhase.Crashed, Process = null, Since = Now, Cause = cause });
        QemuLog.Crashed(settings.Logger, id, record.Generation, cause);
        Tell(VmEventKind.Crashed, cause);
    }

    private async Task CheckAsync()
    {
        if (plan is null || process is null) return;
        serial.Bound(plan.ConsoleLogKib * 1024L);
        VmFiles.Bound(files.Log, QemuLogLimit);
        var status = process.IsConnected
            ? await process.Commands.QueryStatusAsync(disposed.Token)
            : await process.ConnectAsync(AdoptDeadline, disposed.Token);
        if (status != "io-error") return;
        guestTrouble = "paused: its disk could not be written, the hypervisor's disk may be full; retried";
        Publish();
        await process.Commands.ContAsync(disposed.Token);
        guestTrouble = "";
        Publish();
    }

    private void OnGuest(VmEventKind kind, string cause)
    {
        if (kind == VmEventKind.Migrated)
        {
            moved.TrySetResult();
            copied.TrySetResult();
            return;
        }
        if (kind is VmEventKind.GuestPanicked or VmEventKind.GuestReset)
        {
            guestTrouble = cause;
            Publish();
        }
        Tell(kind, cause);
    }

    private void Keep(VmPlan plan)
    {
        files.Write(plan);
        Volatile.Write(ref this.plan, plan);
    }

    private void Enter(VmRecord record)
    {
        var news = record.Phase != this.record.Phase;
        files.Write(record);
        lock (gate) this.record = record;
        Publish();
        if (news && record.Phase != VmPhase.Crashed)
            QemuLog.Entered(settings.Logger, id, record.Phase, record.Generation, record.Cause);
    }

    /// <summary>
    /// Called by the VM's task and by the monitor's reader: the last one to hold the gate knows the most.
    /// </summary>
    private void Publish()
    {
        lock (gate)
        {
            var record = this.record;
            var running = record.Phase == VmPhase.Running;
            observation = new VmObservation(
                id, record.Phase, record.Process?.Pid, record.Since,
                running && guestTrouble.Length > 0 ? guestTrouble : record.Cause,
                record.Generation, running && this.plan is { } plan && VmCommandLine.Shape(plan) != record.Shape,
                record.Migration, record.Snapshot, running && VmCommandLine.CardsOf(record.Shape) is { } cards ? VmPlan.CardsOf(cards) : null);
        }
    }

    private void Tell(VmEventKind kind, string cause) =>
        settings.Events.TryWrite(new VmEvent(id, kind, Now, cause));

    /// <summary>Stops driving it. QEMU runs on.</summary>
    public async ValueTask DisposeAsync()
    {
        await disposed.CancelAsync();
        await running;
        await port.DisposeAsync();
    }
}
