using Monolith.Agent.Cgroups;
using Monolith.Agent.Native.Safe;
using Monolith.Agent.Vms.Qmp;

namespace Monolith.Agent.Vms;

/// <summary>How a VM comes to a process, by spawn or by adoption, and how it loses it.</summary>
internal sealed partial class QemuVm
{
    /// <param name="plan">What it shall be.</param>
    /// <param name="incoming">It comes from another hypervisor.</param>
    /// <param name="carrier">Nothing but its disk is needed.</param>
    private async Task SpawnAsync(VmPlan plan, bool incoming = false, bool carrier = false)
    {
        files.RemoveSockets();
        if (plan.Drive is not null && !carrier) files.Write(plan.Drive, settings.User);
        VmFiles.Bound(files.Log, QemuLogLimit);
        logStart = File.Exists(files.Log) ? new FileInfo(files.Log).Length : 0;
        guestTrouble = "";
        var host = new VmHost(settings.Capabilities.Accelerator, settings.User?.Name, files.PidFile, incoming);
        // Small guests cost QEMU more than their memory: its own code, translated code, and I/O buffers.
        var memory = ((long)plan.MemoryMib << 20) + Math.Max(256L << 20, (long)plan.MemoryMib << 17);
        var limits = carrier ? CopierLimits : new CgroupLimits(Math.Min(100 * plan.Vcpus, 10_000), plan.Vcpus + 1, memory, 256 + plan.Vcpus);
        var handle = ProcessHandle.Spawn(new ProcessPlan(
            settings.Options.QemuExecutable, carrier ? CarrierCommandLine.Build(host) : VmCommandLine.Build(plan, host),
            files.Directory, files.Log));
        process = new QemuProcess(handle, files.Directory, settings.Time, OnGuest);
        Enter(record with { Process = handle.Identity });
        TryConfine(limits, handle.Identity.Pid);
        var status = await process.ConnectAsync(settings.Options.StartDeadline, disposed.Token);
        if (status is not null) return;
        var exit = await process.Exited;
        throw new VmException(
            VmFailure.StartFailed,
            $"QEMU of VM {id} {exit} while it started: {VmFiles.Tail(files.Log, logStart, 3)}");
    }

    private void TryConfine(CgroupLimits limits, int pid)
    {
        try
        {
            settings.Cgroups.Ensure(id.Value, limits);
            settings.Cgroups.Place(id.Value, pid);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It ended already, which the connect finds out; or limits are not to be had, which hurts nobody here.
            QemuLog.StepFailed(settings.Logger, e, id, "placing into its control group");
        }
    }

    private async Task AdoptAsync()
    {
        try
        {
            // Whatever has a directory is seen, also when its plan cannot be read: somebody must remove it.
            if (!Directory.Exists(files.Directory)) return;
            Publish();
            await AdoptProcessAsync();
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            QemuLog.StepFailed(settings.Logger, e, id, "adoption");
        }
    }

    private async Task AdoptProcessAsync()
    {
        if (record.Phase is VmPhase.Stopped or VmPhase.Crashed) return;
        var identity = record.Process ?? ProcessSearch.Find("-pidfile", files.PidFile);
        if (identity is not { } found || ProcessHandle.Adopt(found) is not { } handle)
        {
            files.RemoveOfRun();
            Lose(record.Process is { } gone && gone.BootId != ProcessIdentity.CurrentBootId
                ? "the hypervisor was restarted"
                : $"QEMU ended while no agent watched; its last words: {VmFiles.Tail(files.Log, 0, 3)}");
            return;
        }
        process = new QemuProcess(handle, files.Directory, settings.Time, OnGuest);
        var phase = record.Phase == VmPhase.Starting ? VmPhase.Running : record.Phase;
        Enter(record with { Phase = phase, Process = found });
        try
        {
            var status = await process.ConnectAsync(AdoptDeadline, disposed.Token);
            QemuLog.Adopted(settings.Logger, id, found.Pid, status ?? "ended");
            if (status is not null && record.Migration is { Phase: MigrationPhase.Arrived }) await CloseAsync();
        }
        catch (Exception e) when (e is TimeoutException or QmpCommandException)
        {
            // It runs and does not answer, perhaps because another client holds the monitor: the check tries again.
            QemuLog.StepFailed(settings.Logger, e, id, "adoption");
        }
    }

    /// <summary>QEMU shall be no more: makes sure, lets go, and enters Stopped.</summary>
    private async Task EndAsync(string cause)
    {
        if (process is not null)
        {
            if (!process.Exited.IsCompleted) await process.QuitAsync(disposed.Token);
            await process.DisposeAsync();
            process = null;
            Enter(record with
            {
                Phase = VmPhase.Stopped,
                Process = null,
                Since = Now,
                Cause = cause,
                Migration = Ended(cause),
            });
        }
        files.RemoveOfRun();
        settings.Cgroups.Remove(id.Value);
    }

    private async Task OnGuestDownAsync()
    {
        await EndAsync("its guest powered off");
        Tell(VmEventKind.Stopped, "its guest powered off");
    }

    private async Task OnEndedAsync()
    {
        var exit = await process!.Exited;
        await process.DisposeAsync();
        process = null;
        files.RemoveOfRun();
        var killed = settings.Cgroups.OutOfMemoryKills(id.Value) > 0
            ? "; the kernel killed it because its memory limit was reached" : "";
        var words = VmFiles.Tail(files.Log, logStart, 3);
        Lose($"QEMU {exit}{killed}{(words.Length == 0 ? "" : $"; its last words: {words}")}");
        settings.Cgroups.Remove(id.Value);
    }
}
