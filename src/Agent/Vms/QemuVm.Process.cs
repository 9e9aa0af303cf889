using Monolith.Agent.Cgroups;
using Monolith.Agent.Native.Safe;
using Monolith.Agent.Vms.Qmp;

namespace Monolith.Agent.Vms;

/// <summary>How a VM comes to a process, by spawn or by adoption, and how it loses it.</summary>
internal sealed partial class QemuVm
{
    private async Task SpawnAsync(VmPlan plan)
    {
        _files.RemoveSockets();
        VmFiles.Bound(_files.Log, QemuLogLimit);
        _logStart = File.Exists(_files.Log) ? new FileInfo(_files.Log).Length : 0;
        _guestTrouble = "";
        var host = new VmHost(_settings.Capabilities.Accelerator, _settings.User?.Name, _files.PidFile);
        // Small guests cost QEMU more than their memory: its own code, translated code, and I/O buffers.
        var memory = ((long)plan.MemoryMib << 20) + Math.Max(256L << 20, (long)plan.MemoryMib << 17);
        var limits = new CgroupLimits(Math.Min(100 * plan.Vcpus, 10_000), plan.Vcpus + 1, memory, 256 + plan.Vcpus);
        var handle = ProcessHandle.Spawn(new ProcessPlan(
            _settings.Options.QemuExecutable, VmCommandLine.Build(plan, host), _files.Directory, _files.Log));
        _process = new QemuProcess(handle, _files.Directory, _settings.Time, OnGuest);
        Enter(_record with { Process = handle.Identity });
        TryConfine(limits, handle.Identity.Pid);
        var status = await _process.ConnectAsync(_settings.Options.StartDeadline, _disposed.Token);
        if (status is not null) return;
        var exit = await _process.Exited;
        throw new VmException(
            VmFailure.StartFailed,
            $"QEMU of VM {_id} {exit} while it started: {VmFiles.Tail(_files.Log, _logStart, 3)}");
    }

    private void TryConfine(CgroupLimits limits, int pid)
    {
        try
        {
            _settings.Cgroups.Ensure(_id.Value, limits);
            _settings.Cgroups.Place(_id.Value, pid);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It ended already, which the connect finds out; or limits are not to be had, which hurts nobody here.
            QemuLog.StepFailed(_settings.Logger, e, _id, "placing into its control group");
        }
    }

    private async Task AdoptAsync()
    {
        try
        {
            // Whatever has a directory is seen, also when its plan cannot be read: somebody must remove it.
            if (!Directory.Exists(_files.Directory)) return;
            Publish();
            await AdoptProcessAsync();
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            QemuLog.StepFailed(_settings.Logger, e, _id, "adoption");
        }
    }

    private async Task AdoptProcessAsync()
    {
        if (_record.Phase is not (VmPhase.Starting or VmPhase.Running)) return;
        var identity = _record.Process ?? ProcessSearch.Find("-pidfile", _files.PidFile);
        if (identity is not { } found || ProcessHandle.Adopt(found) is not { } handle)
        {
            Crash(_record.Process is { } gone && gone.BootId != ProcessIdentity.CurrentBootId
                ? "the hypervisor was restarted"
                : $"QEMU ended while no agent watched; its last words: {VmFiles.Tail(_files.Log, 0, 3)}");
            return;
        }
        _process = new QemuProcess(handle, _files.Directory, _settings.Time, OnGuest);
        Enter(_record with { Phase = VmPhase.Running, Process = found });
        try
        {
            var status = await _process.ConnectAsync(AdoptDeadline, _disposed.Token);
            QemuLog.Adopted(_settings.Logger, _id, found.Pid, status ?? "ended");
        }
        catch (Exception e) when (e is TimeoutException or QmpCommandException)
        {
            // It runs and does not answer, perhaps because another client holds the monitor: the check tries again.
            QemuLog.StepFailed(_settings.Logger, e, _id, "adoption");
        }
    }

    /// <summary>QEMU shall be no more: makes sure, lets go, and enters Stopped.</summary>
    private async Task EndAsync(string cause)
    {
        if (_process is not null)
        {
            if (!_process.Exited.IsCompleted) await _process.QuitAsync(_disposed.Token);
            await _process.DisposeAsync();
            _process = null;
            Enter(_record with { Phase = VmPhase.Stopped, Process = null, Since = Now, Cause = cause });
        }
        _settings.Cgroups.Remove(_id.Value);
    }

    private async Task OnGuestDownAsync()
    {
        await EndAsync("its guest powered off");
        Tell(VmEventKind.Stopped, "its guest powered off");
    }

    private async Task OnEndedAsync()
    {
        var exit = await _process!.Exited;
        await _process.DisposeAsync();
        _process = null;
        var killed = _settings.Cgroups.OutOfMemoryKills(_id.Value) > 0
            ? "; the kernel killed it because its memory limit was reached" : "";
        var words = VmFiles.Tail(_files.Log, _logStart, 3);
        Crash($"QEMU {exit}{killed}{(words.Length == 0 ? "" : $"; its last words: {words}")}");
        _settings.Cgroups.Remove(_id.Value);
    }
}
