using Monolith.Agent.Cgroups;
using Monolith.Agent.Native.Safe;
using Monolith.Agent.Vms.Qmp;

namespace Monolith.Agent.Vms;

/// <summary>How a VM's disk is copied into a file beside it, whether a guest runs or not.</summary>
internal sealed partial class QemuVm
{
    private static readonly TimeSpan CopyEvery = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan CancelDeadline = TimeSpan.FromSeconds(20);
    private const int ProgressSteps = 20;
    private static readonly CgroupLimits CopierLimits = new(100, 2, 512L << 20, 64);

    private volatile TaskCompletionSource copied = NewDone();
    // The QEMU that has the disk while no guest runs.
    private QemuProcess? copier;

    private bool IsCopying => record.Snapshot is { Phase: SnapshotPhase.Copying };

    public Task SnapshotAsync(string snapshot, CancellationToken cancellation) =>
        SubmitAsync(new Request.Snapshot(snapshot, NewDone()), cancellation);

    public Task DropSnapshotAsync(CancellationToken cancellation) =>
        SubmitAsync(new Request.DropSnapshot(NewDone()), cancellation);

    /// <summary>Null when it is not whole, or another.</summary>
    public Stream? OpenSnapshot(string snapshot) =>
        Observation?.Snapshot is { Phase: SnapshotPhase.Copied } whole && whole.Id == snapshot
            ? new FileStream(
                files.Snapshot, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, bufferSize: 1,
                FileOptions.Asynchronous | FileOptions.SequentialScan)
            : null;

    private Task CopyDueAsync() => Task.WhenAny(copied.Task, Task.Delay(CopyEvery, settings.Time, disposed.Token));

    private async Task SnapshotAsync(string snapshot)
    {
        if (!VmId.IsValid(snapshot))
            throw new VmException(VmFailure.InvalidPlan, $"the snapshot of VM {id} has no valid name");
        if (record.Snapshot?.Id == snapshot) return;
        RefuseElsewhere("copied");
        if (!File.Exists(files.Disk)) throw new VmException(VmFailure.NotFound, $"VM {id} has no disk here to copy");
        await DropSnapshotAsync();
        Enter(record with { Snapshot = new VmSnapshot(snapshot, SnapshotPhase.Copying) });
        copied.TrySetResult();
    }

    private async Task DropSnapshotAsync()
    {
        if (record.Snapshot is null) return;
        await EndCopyAsync();
        File.Delete(files.Snapshot);
        Enter(record with { Snapshot = null });
        Tell(VmEventKind.Copied, "");
    }

    private async Task CopyAsync()
    {
        // Anew before looking: what happens from here on is looked at again.
        copied = NewDone();
        if (record.Phase is VmPhase.Starting or VmPhase.Incoming or VmPhase.Outgoing or VmPhase.Left) return;
        try
        {
            await CopyOnAsync(record.Snapshot!);
        }
        catch (Exception e) when (e is QmpCommandException or VmException)
        {
            await FailCopyAsync(
                e is VmException { Reason: VmFailure.NoSpace } ? "HYPERVISOR_DISK_FULL" : "COPY_FAILED",
                $"The disk could not be copied: {e.Message}.");
        }
    }

    private async Task CopyOnAsync(VmSnapshot snapshot)
    {
        var source = Source();
        if (source is { IsConnected: false })
        {
            if (await source.ConnectAsync(AdoptDeadline, disposed.Token) is not null) copied.TrySetResult();
            else if (source == copier) await FailCopyAsync("COPY_FAILED", LastWords());
            return;
        }
        var job = source is null ? null : await source.Backup.QueryJobAsync(disposed.Token);
        var open = source is not null && job is null && await source.Backup.HasTargetAsync(disposed.Token);
        var free = new DriveInfo(files.Directory).AvailableFreeSpace;
        switch (CopyDecide.Decide(new CopyFacts(source is not null, job, open, free), QemuDisk.CopySize(files, plan)))
        {
            case CopyDecision.OpenSource:
                await OpenCopierAsync();
                copied.TrySetResult();
                break;
            case CopyDecision.CloseTarget:
                await source!.Backup.CloseAsync(disposed.Token);
                copied.TrySetResult();
                break;
            case CopyDecision.Begin:
                await settings.Disks.CreateCopyAsync(files, disposed.Token);
                await source!.Backup.BeginAsync(VmCommandLine.DiskNode, VmFiles.NewSnapshotName, disposed.Token);
                break;
            case CopyDecision.Conclude:
                await source!.Backup.CloseAsync(disposed.Token);
                await KeepCopyAsync(snapshot, job!.Total);
                break;
            case CopyDecision.Fail why:
                await FailCopyAsync(why.Reason, why.Cause);
                break;
            default:
                CopyProgress(snapshot, job!);
                break;
        }
    }

    /// <summary>The QEMU that has the disk; null: none has.</summary>
    private QemuProcess? Source() => process ?? (copier is { Exited.IsCompleted: false } ? copier : null);

    private async Task OpenCopierAsync()
    {
        if (copier is not null) throw new VmException(VmFailure.StartFailed, LastWords());
        copier = FindCopier();
        if (copier is not null) return;
        File.Delete(Path.Combine(files.Directory, CopierCommandLine.MonitorSocket));
        File.Delete(files.CopierLog);
        var handle = ProcessHandle.Spawn(new ProcessPlan(
            settings.Options.QemuExecutable, CopierCommandLine.Build(settings.User?.Name, files.CopierPid),
            files.Directory, files.CopierLog));
        copier = new QemuProcess(handle, files.Directory, settings.Time, OnCopier, CopierCommandLine.MonitorSocket);
        // The VM's own control group: nothing else is in it while no guest runs.
        TryConfine(CopierLimits, handle.Identity.Pid);
        if (await copier.ConnectAsync(settings.Options.StartDeadline, disposed.Token) is null)
            throw new VmException(VmFailure.StartFailed, LastWords());
    }

    /// <summary>One that an earlier agent started.</summary>
    private QemuProcess? FindCopier() =>
        ProcessSearch.Find("-pidfile", files.CopierPid) is { } found && ProcessHandle.Adopt(found) is { } handle
            ? new QemuProcess(handle, files.Directory, settings.Time, OnCopier, CopierCommandLine.MonitorSocket)
            : null;

    private void OnCopier(VmEventKind kind, string cause) => copied.TrySetResult();

    private string LastWords() => $"the QEMU that read it ended: {VmFiles.Tail(files.CopierLog, 0, 3)}";

    /// <summary>Nobody but a guest, or who changes the disk, has it from here on. A copy begins anew.</summary>
    private async Task EndCopierAsync()
    {
        if (!IsCopying) return;
        copier ??= FindCopier();
        if (copier is null) return;
        copier.Kill();
        await copier.Exited.WaitAsync(TimeSpan.FromSeconds(30), settings.Time, disposed.Token);
        await copier.DisposeAsync();
        copier = null;
        settings.Cgroups.Remove(id.Value);
        File.Delete(Path.Combine(files.Directory, CopierCommandLine.MonitorSocket));
        File.Delete(files.CopierPid);
    }

    private async Task KeepCopyAsync(VmSnapshot snapshot, long total)
    {
        await EndCopierAsync();
        using (var handle = File.OpenHandle(files.NewSnapshot, FileMode.Open, FileAccess.ReadWrite))
            RandomAccess.FlushToDisk(handle);
        File.Move(files.NewSnapshot, files.Snapshot, overwrite: true);
        ProcessDirectory.Sync(files.Directory);
        File.Delete(files.CopierLog);
        Enter(record with
        {
            Snapshot = snapshot with { Phase = SnapshotPhase.Copied, BytesDone = total, BytesTotal = total },
        });
        Tell(VmEventKind.Copied, "");
    }

    private async Task FailCopyAsync(string reason, string cause)
    {
        var failed = record.Snapshot! with
        {
            Phase = SnapshotPhase.Failed,
            BytesDone = 0,
            Reason = reason,
            Cause = cause,
        };
        await EndCopyAsync();
        Enter(record with { Snapshot = failed });
        Tell(VmEventKind.Copied, cause);
    }

    /// <summary>Nothing of what was being copied is left.</summary>
    private async Task EndCopyAsync()
    {
        if (!IsCopying) return;
        await EndCopierAsync();
        if (process is { IsConnected: true, Exited.IsCompleted: false }) await CancelCopyAsync(process.Backup);
        File.Delete(files.NewSnapshot);
        File.Delete(files.CopierLog);
    }

    private async Task CancelCopyAsync(QmpBackup backup)
    {
        try
        {
            await backup.CancelAsync(disposed.Token);
            var began = settings.Time.GetTimestamp();
            while (await backup.QueryJobAsync(disposed.Token) is { Status: not "concluded" })
            {
                if (settings.Time.GetElapsedTime(began) > CancelDeadline)
                    throw new TimeoutException("QEMU did not give the copy of its disk up");
                await Task.Delay(TimeSpan.FromMilliseconds(20), settings.Time, disposed.Token);
            }
            await backup.CloseAsync(disposed.Token);
        }
        catch (QmpProtocolException)
        {
            // QEMU ends, and the job with it.
        }
    }

    /// <summary>In memory only: it is asked for again.</summary>
    private void CopyProgress(VmSnapshot snapshot, DiskJob job)
    {
        if (job.Total <= 0 || (job.Total == snapshot.BytesTotal
            && Math.Abs(job.Done - snapshot.BytesDone) * ProgressSteps < job.Total)) return;
        lock (gate)
            record = record with { Snapshot = snapshot with { BytesDone = job.Done, BytesTotal = job.Total } };
        Publish();
        Tell(VmEventKind.Copied, "");
    }
}
