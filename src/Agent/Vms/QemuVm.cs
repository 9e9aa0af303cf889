using System.Threading.Channels;
using Monolith.Agent.Cgroups;
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

        public sealed record Remove(TaskCompletionSource Done) : Request(Done);
    }

    private const int QueueLength = 16;
    private const long QemuLogLimit = 256 * 1024;
    private static readonly TimeSpan AdoptDeadline = TimeSpan.FromSeconds(5);

    private readonly VmId _id;
    private readonly QemuSettings _settings;
    private readonly VmFiles _files;
    private readonly Channel<Request> _requests = Channel.CreateBounded<Request>(QueueLength);
    private readonly CancellationTokenSource _disposed = new();
    private readonly Task _running;
    private readonly Lock _gate = new();
    private TaskCompletionSource _hurry = NewDone();
    private int _hurrying;
    private volatile VmObservation? _observation;
    private volatile string _guestTrouble = "";
    private VmPlan? _plan;
    private VmRecord _record;
    private QemuProcess? _process;
    private long _logStart;

    public QemuVm(VmId id, QemuSettings settings)
    {
        _id = id;
        _settings = settings;
        _files = new VmFiles(Path.Combine(settings.Options.VmsDirectory, id.Value));
        _plan = _files.ReadPlan();
        _record = _files.ReadRecord() ?? new VmRecord(VmPhase.Stopped, 0, "", null, Now, "");
        Ready = AdoptAsync();
        _running = Task.Run(RunAsync);
    }

    /// <summary>Completes when a QEMU of an earlier agent was taken over, or found to be gone.</summary>
    public Task Ready { get; }

    public VmPlan? Plan => Volatile.Read(ref _plan);

    public bool IsRemoved { get; private set; }

    /// <summary>Null before there is a disk, and after removal.</summary>
    public VmObservation? Observation => _observation;

    private Task HurryTask
    {
        get
        {
            lock (_gate) return _hurry.Task;
        }
    }

    private DateTimeOffset Now => _settings.Time.GetUtcNow();

    public Task EnsureDiskAsync(VmPlan plan, string baseImage, CancellationToken cancellation) =>
        SubmitAsync(new Request.EnsureDisk(plan, baseImage, NewDone()), cancellation);

    public Task StartAsync(VmPlan plan, CancellationToken cancellation) =>
        SubmitAsync(new Request.Start(plan, NewDone()), cancellation);

    public Task StopAsync(StopMode mode, TimeSpan deadline, CancellationToken cancellation) =>
        SubmitAsync(new Request.Stop(mode, deadline, NewDone()), cancellation, mode == StopMode.Hard);

    public Task RestartAsync(VmPlan plan, StopMode mode, TimeSpan deadline, CancellationToken cancellation) =>
        SubmitAsync(new Request.Restart(plan, mode, deadline, NewDone()), cancellation, mode == StopMode.Hard);

    public Task RemoveAsync(CancellationToken cancellation) =>
        SubmitAsync(new Request.Remove(NewDone()), cancellation, hurry: true);

    private static TaskCompletionSource NewDone() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private async Task SubmitAsync(Request request, CancellationToken cancellation, bool hurry = false)
    {
        if (hurry) Hurry(+1);
        if (!_requests.Writer.TryWrite(request))
        {
            if (hurry) Hurry(-1);
            throw IsRemoved
                ? new VmException(VmFailure.NotFound, $"VM {_id} has just been removed: ask again")
                : new VmException(
                    VmFailure.Busy, $"{QueueLength} requests wait for VM {_id}: ask again when they are done");
        }
        await request.Done.Task.WaitAsync(cancellation);
    }

    /// <summary>Whoever waits for a guest stops waiting while a request is queued that will not.</summary>
    private void Hurry(int change)
    {
        lock (_gate)
        {
            _hurrying += change;
            if (_hurrying > 0) _hurry.TrySetResult();
            else if (_hurry.Task.IsCompleted) _hurry = NewDone();
        }
    }

    private async Task RunAsync()
    {
        await Ready;
        var never = new TaskCompletionSource();
        Task? arrived = null, check = null;
        while (!_disposed.IsCancellationRequested && !IsRemoved)
        {
            arrived ??= _requests.Reader.WaitToReadAsync(_disposed.Token).AsTask();
            check ??= Task.Delay(_settings.Options.CheckEvery, _settings.Time, _disposed.Token);
            Task ended = _process?.Exited ?? never.Task, down = _process?.GuestDown ?? never.Task;
            await Task.WhenAny(ended, down, arrived, check);
            if (_disposed.IsCancellationRequested) break;
            try
            {
                if (ended.IsCompleted) await OnEndedAsync();
                else if (down.IsCompleted) await OnGuestDownAsync();
                if (check.IsCompleted) await CheckAsync();
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                if (_disposed.IsCancellationRequested) break;
                QemuLog.StepFailed(_settings.Logger, e, _id, "check");
            }
            if (check.IsCompleted) check = null;
            if (!arrived.IsCompleted) continue;
            arrived = null;
            if (_requests.Reader.TryRead(out var request)) await HandleAsync(request);
        }
        _requests.Writer.TryComplete();
        var gone = new VmException(VmFailure.NotFound, $"VM {_id} is no longer driven here: ask again");
        while (_requests.Reader.TryRead(out var late)) late.Done.TrySetException(gone);
        if (_process is not null) await _process.DisposeAsync();
    }

    private async Task HandleAsync(Request request)
    {
        if (request is Request.Stop { Mode: StopMode.Hard } or Request.Restart { Mode: StopMode.Hard } or Request.Remove)
            Hurry(-1);
        try
        {
            await (request switch
            {
                Request.EnsureDisk r => EnsureDiskAsync(r.Plan, r.BaseImage),
                Request.Start r => StartAsync(r.Plan),
                Request.Stop r => StopAsync(r.Mode, r.Deadline),
                Request.Restart r => RestartAsync(r.Plan, r.Mode, r.Deadline),
                Request.Remove => RemoveAsync(),
                _ => throw new InvalidOperationException(),
            });
            request.Done.TrySetResult();
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            if (e is not VmException) QemuLog.StepFailed(_settings.Logger, e, _id, request.GetType().Name);
            request.Done.TrySetException(QemuFault.From(e, _id, request.GetType().Name));
        }
    }

    private async Task EnsureDiskAsync(VmPlan plan, string baseImage)
    {
        QemuFault.Check(plan);
        _files.Make(_settings.User);
        // The plan is first: it is what keeps the image in the cache.
        Keep(plan);
        if (!File.Exists(_files.Disk))
            await _settings.Disks.CreateAsync(_files, plan, baseImage, _disposed.Token);
        else if (QemuDisk.Lacks(_files, plan) > 0)
        {
            if (_process is null) await _settings.Disks.GrowAsync(_files, plan, _disposed.Token);
            else await _process.Commands.BlockResizeAsync(
                VmCommandLine.DiskNode, QemuDisk.SizeOf(plan), _disposed.Token);
        }
        if (_observation is null) Enter(_record with { Since = Now });
    }

    private async Task StartAsync(VmPlan plan)
    {
        QemuFault.Check(plan);
        var shape = VmCommandLine.Shape(plan);
        if (_process is { Exited.IsCompleted: false, GuestDown.IsCompleted: false } && _record.Phase == VmPhase.Running)
        {
            Keep(plan);
            // What the guest has is what the plan says: nothing to do, and this generation has been acted on.
            if (shape == _record.Shape) Enter(_record with { Generation = plan.Generation });
            else Publish();
            return;
        }
        if (_process is not null) await EndAsync("");
        if (!File.Exists(_files.Disk))
            throw new VmException(VmFailure.NotFound, $"VM {_id} has no disk here: ensure it first");
        Keep(plan);
        Enter(new VmRecord(VmPhase.Starting, plan.Generation, shape, null, Now, ""));
        try
        {
            await SpawnAsync(plan);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            var fault = QemuFault.From(e, _id, "start");
            await EndAsync("");
            Enter(_record with { Phase = VmPhase.Crashed, Process = null, Since = Now, Cause = fault.Message });
            throw fault;
        }
        Enter(_record with { Phase = VmPhase.Running, Since = Now });
        Tell(VmEventKind.Started, "");
    }

    private async Task StopAsync(StopMode mode, TimeSpan deadline)
    {
        if (_process is null)
        {
            if (_record.Phase != VmPhase.Stopped && _observation is not null)
                Enter(_record with { Phase = VmPhase.Stopped, Process = null, Since = Now, Cause = "stopped on request" });
            return;
        }
        var how = await _process.StopAsync(mode, deadline, HurryTask, _disposed.Token);
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
        if (_process is not null) await _process.StopAsync(StopMode.Hard, TimeSpan.Zero, HurryTask, _disposed.Token);
        await EndAsync("removed");
        var trash = Path.Combine(_settings.Options.VmsDirectory, QemuDriver.TrashPrefix + _id.Value);
        if (Directory.Exists(_files.Directory))
        {
            // One rename decides: after it there is no VM, whatever becomes of the rest.
            if (Directory.Exists(trash)) Directory.Delete(trash, recursive: true);
            Directory.Move(_files.Directory, trash);
            ProcessDirectory.Sync(_settings.Options.VmsDirectory);
            Directory.Delete(trash, recursive: true);
        }
        IsRemoved = true;
        _observation = null;
        _requests.Writer.TryComplete();
        Tell(VmEventKind.Removed, "");
    }

    private void Crash(string cause)
    {
        Enter(_record with { Phase = VmPhase.Crashed, Process = null, Since = Now, Cause = cause });
        QemuLog.Crashed(_settings.Logger, _id, _record.Generation, cause);
        Tell(VmEventKind.Crashed, cause);
    }

    private async Task CheckAsync()
    {
        if (_plan is null || _process is null) return;
        VmFiles.Bound(_files.SerialLog, _plan.ConsoleLogKib * 1024L);
        VmFiles.Bound(_files.Log, QemuLogLimit);
        var status = _process.IsConnected
            ? await _process.Commands.QueryStatusAsync(_disposed.Token)
            : await _process.ConnectAsync(AdoptDeadline, _disposed.Token);
        if (status != "io-error") return;
        _guestTrouble = "paused: its disk could not be written, the hypervisor's disk may be full; retried";
        Publish();
        await _process.Commands.ContAsync(_disposed.Token);
        _guestTrouble = "";
        Publish();
    }

    private void OnGuest(VmEventKind kind, string cause)
    {
        if (kind is VmEventKind.GuestPanicked or VmEventKind.GuestReset)
        {
            _guestTrouble = cause;
            Publish();
        }
        Tell(kind, cause);
    }

    private void Keep(VmPlan plan)
    {
        _files.Write(plan);
        Volatile.Write(ref _plan, plan);
    }

    private void Enter(VmRecord record)
    {
        var news = record.Phase != _record.Phase;
        _files.Write(record);
        lock (_gate) _record = record;
        Publish();
        if (news && record.Phase != VmPhase.Crashed)
            QemuLog.Entered(_settings.Logger, _id, record.Phase, record.Generation, record.Cause);
    }

    /// <summary>Called by the VM's task and by the monitor's reader: the last one to hold the gate knows the most.</summary>
    private void Publish()
    {
        lock (_gate)
        {
            var record = _record;
            var running = record.Phase == VmPhase.Running;
            _observation = new VmObservation(
                _id, record.Phase, record.Process?.Pid, record.Since,
                running && _guestTrouble.Length > 0 ? _guestTrouble : record.Cause,
                record.Generation, running && _plan is { } plan && VmCommandLine.Shape(plan) != record.Shape);
        }
    }

    private void Tell(VmEventKind kind, string cause) =>
        _settings.Events.TryWrite(new VmEvent(_id, kind, Now, cause));

    /// <summary>Stops driving it. QEMU runs on.</summary>
    public async ValueTask DisposeAsync()
    {
        await _disposed.CancelAsync();
        await _running;
    }
}
