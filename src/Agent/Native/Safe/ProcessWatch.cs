using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Monolith.Agent.Native.Raw;
using Tmds.Linux;

namespace Monolith.Agent.Native.Safe;

/// <summary>
/// One thread that waits for the end of every process that we hold.
/// <code>
///   Watch ─► set of pidfds ─► poll(pidfds…, wake) ─► readable: waitpid ─► task completes
///   Forget ─► wake ┘
/// </code>
/// A pidfd is readable when its process has ended (pidfd_open(2)). poll is linear, which is cheap for the hundreds
/// of processes that one machine runs.
/// </summary>
internal sealed unsafe class ProcessWatch
{
    private sealed record Entry(int Pid, SafeFileHandle Pidfd, TaskCompletionSource<ProcessExit> Ended);

    private readonly Lock gate = new();
    private readonly List<Entry> entries = [];
    private readonly int wake;
    private bool started;

    private ProcessWatch()
    {
        wake = LibC.eventfd(0, LibC.EFD_CLOEXEC | LibC.EFD_NONBLOCK);
        if (wake < 0) throw new ProcessException("eventfd", LibC.errno, "");
    }

    public static ProcessWatch Shared { get; } = new();

    public Task<ProcessExit> Watch(int pid, SafeFileHandle pidfd)
    {
        var ended = new TaskCompletionSource<ProcessExit>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (gate)
        {
            entries.Add(new Entry(pid, pidfd, ended));
            if (!started)
            {
                new Thread(Run, 256 * 1024) { IsBackground = true, Name = "process-watch" }.Start();
                started = true;
            }
        }
        Wake();
        return ended.Task;
    }

    public void Forget(SafeFileHandle pidfd)
    {
        lock (gate) entries.RemoveAll(e => ReferenceEquals(e.Pidfd, pidfd));
        Wake();
    }

    private void Wake()
    {
        ulong one = 1;
        _ = LibC.write(wake, &one, sizeof(ulong));
    }

    private void Run()
    {
        while (true)
        {
            Entry[] entries;
            lock (gate) entries = [.. this.entries];
            var held = new bool[entries.Length];
            var polls = new pollfd[entries.Length + 1];
            try
            {
                // A handle that is held cannot be closed, and its number cannot be given to another file, during poll.
                for (var i = 0; i < entries.Length; i++) polls[i] = Hold(entries[i], ref held[i]);
                polls[^1] = new pollfd { fd = wake, events = LibC.POLLIN };
                Poll(polls);
                for (var i = 0; i < entries.Length; i++)
                    if (held[i] && polls[i].revents != 0) End(entries[i]);
            }
            finally
            {
                for (var i = 0; i < entries.Length; i++)
                    if (held[i]) entries[i].Pidfd.DangerousRelease();
            }
        }
    }

    private static pollfd Hold(Entry entry, ref bool held)
    {
        try
        {
            entry.Pidfd.DangerousAddRef(ref held);
            return new pollfd { fd = (int)entry.Pidfd.DangerousGetHandle(), events = LibC.POLLIN };
        }
        catch (ObjectDisposedException)
        {
            return new pollfd { fd = -1 }; // poll passes over negative descriptors.
        }
    }

    private void Poll(pollfd[] polls)
    {
        int ready;
        fixed (pollfd* first = polls) ready = LibC.poll(first, (uint)polls.Length, -1);
        if (ready < 0 && LibC.errno != LibC.EINTR) throw new ProcessException("poll", LibC.errno, "");
        ulong count;
        _ = LibC.read(wake, &count, sizeof(ulong));
    }

    private void End(Entry entry)
    {
        lock (gate) entries.Remove(entry);
        var status = 0;
        var reaped = ProcessCalls.waitpid(entry.Pid, &status, ProcessCalls.WNOHANG);
        entry.Ended.TrySetResult(reaped == entry.Pid ? ProcessExit.FromWaitStatus(status) : default);
    }
}
