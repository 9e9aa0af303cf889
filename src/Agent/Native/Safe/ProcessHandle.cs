using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Monolith.Agent.Native.Raw;

namespace Monolith.Agent.Native.Safe;

/// <summary>How a process ended. Both null: it was not our child, so the kernel told its parent, not us.</summary>
internal readonly record struct ProcessExit(int? Code, int? Signal)
{
    public static ProcessExit FromWaitStatus(int status) =>
        (status & 0x7f) == 0 ? new((status >> 8) & 0xff, null) : new(null, status & 0x7f);

    public override string ToString() => this switch
    {
        { Signal: { } signal } => $"killed by signal {signal}",
        { Code: { } code } => $"exited with code {code}",
        _ => "ended; its exit status is not known",
    };
}

/// <summary>
/// A process that we hold by pidfd: a signal can never reach a stranger that got the same pid later, and the end is
/// an event, for children and for adopted processes alike.
/// </summary>
internal sealed class ProcessHandle : IDisposable
{
    private readonly SafeFileHandle pidfd;

    private ProcessHandle(ProcessIdentity identity, SafeFileHandle pidfd)
    {
        Identity = identity;
        this.pidfd = pidfd;
        Exited = ProcessWatch.Shared.Watch(identity.Pid, pidfd);
    }

    public ProcessIdentity Identity { get; }

    /// <summary>Completes when the process has ended; a child is reaped by then.</summary>
    public Task<ProcessExit> Exited { get; }

    public static ProcessHandle Spawn(ProcessPlan plan)
    {
        // A child stays a zombie until we reap it, so its pid cannot come round between these lines.
        var pid = ProcessSpawn.Start(plan);
        var pidfd = Open(pid) ?? throw new ProcessException("pidfd_open", Marshal.GetLastPInvokeError(), $"of {pid}");
        var stat = File.ReadAllText($"/proc/{pid}/stat");
        if (!ProcessStat.TryParse(stat, out var parsed)) throw new InvalidDataException($"/proc/{pid}/stat: {stat}");
        return new ProcessHandle(new ProcessIdentity(pid, parsed.StartTicks, ProcessIdentity.CurrentBootId), pidfd);
    }

    /// <summary>Null when that process is no more.</summary>
    public static ProcessHandle? Adopt(ProcessIdentity identity)
    {
        if (!identity.IsAlive) return null;
        var pidfd = Open(identity.Pid);
        if (pidfd is null) return null;
        // The pid may have come round between the look and the open.
        if (identity.IsAlive) return new ProcessHandle(identity, pidfd);
        pidfd.Dispose();
        return null;
    }

    /// <returns>False when the process has already ended.</returns>
    public unsafe bool Signal(int signal)
    {
        var added = false;
        try
        {
            pidfd.DangerousAddRef(ref added);
            var fd = (int)pidfd.DangerousGetHandle();
            if (ProcessCalls.pidfd_send_signal(ProcessCalls.SYS_pidfd_send_signal, fd, signal, null, 0) == 0)
                return true;
            const int ESRCH = 3;
            var errno = Marshal.GetLastPInvokeError();
            return errno == ESRCH ? false : throw new ProcessException("pidfd_send_signal", errno, $"{Identity.Pid}");
        }
        finally
        {
            if (added) pidfd.DangerousRelease();
        }
    }

    public bool Kill() => Signal(ProcessCalls.SIGKILL);

    /// <summary>Lets go of the process; it lives on.</summary>
    public void Dispose()
    {
        ProcessWatch.Shared.Forget(pidfd);
        pidfd.Dispose();
    }

    private static SafeFileHandle? Open(int pid)
    {
        var fd = ProcessCalls.pidfd_open(ProcessCalls.SYS_pidfd_open, pid, 0);
        return fd < 0 ? null : new SafeFileHandle((nint)fd, ownsHandle: true);
    }
}
