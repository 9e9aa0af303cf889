using System.Collections.Concurrent;
using Monolith.Agent.Native.Raw;
using static Monolith.Agent.Native.Raw.LibcConstants;

namespace Monolith.Agent.Native.Safe;

/// <summary>
/// One thread that does all the changes to one network namespace, in order. A namespace belongs to a thread, so that
/// sockets, /dev/net/tun and /proc/sys/net opened here are those of the namespace whatever the caller's thread is.
/// </summary>
internal sealed class NamespaceThread : IDisposable
{
    private const int QueueLength = 4096;

    private readonly BlockingCollection<Action> work = new(QueueLength);
    private readonly Thread thread;
    private readonly TaskCompletionSource entered = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <param name="name">Name of the thread, for people who debug.</param>
    /// <param name="path">Namespace to enter (<c>/run/netns/x</c>); null stays in the process's own.</param>
    public NamespaceThread(string name, string? path)
        : this(name, () =>
        {
            if (path is not null)
                Enter(path);
        })
    {
    }

    private NamespaceThread(string name, Action enter)
    {
        thread = new Thread(() => Loop(enter)) { IsBackground = true, Name = name };
        thread.Start();
    }

    /// <summary>A thread in a namespace of its own that nobody else sees, and that ends with it.</summary>
    public static NamespaceThread Apart(string name) => new(name, () =>
    {
        if (Libc.unshare(CLONE_NEWNET) < 0)
            throw ErrnoException.Last("unshare(CLONE_NEWNET)");
    });

    /// <summary>Runs work on the thread. Work that has begun is finished; waiting work can be cancelled.</summary>
    public async Task<T> RunAsync<T>(Func<T> work, CancellationToken cancellation)
    {
        await entered.Task;
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        this.work.Add(() => Complete(work, done, cancellation), cancellation);
        return await done.Task;
    }

    public Task RunAsync(Action work, CancellationToken cancellation) => RunAsync(
        () =>
        {
            work();
            return true;
        },
        cancellation);

    public void Dispose()
    {
        work.CompleteAdding();
        if (Thread.CurrentThread != thread)
            thread.Join();
        work.Dispose();
    }

    private static void Complete<T>(Func<T> work, TaskCompletionSource<T> done, CancellationToken cancellation)
    {
        if (cancellation.IsCancellationRequested)
        {
            done.SetCanceled(cancellation);
            return;
        }

        try
        {
            done.SetResult(work());
        }
#pragma warning disable CA1031 // Whatever the work throws belongs to the caller that waits for it.
        catch (Exception e)
#pragma warning restore CA1031
        {
            done.SetException(e);
        }
    }

    private void Loop(Action enter)
    {
        try
        {
            enter();
            entered.SetResult();
        }
        catch (ErrnoException e)
        {
            entered.SetException(e);
            return;
        }

        foreach (var work in this.work.GetConsumingEnumerable())
            work();
    }

    private static void Enter(string path)
    {
        using var fd = FileHandle.Open(path, O_RDONLY);
        if (Libc.setns(fd, CLONE_NEWNET) < 0)
            throw ErrnoException.Last($"setns({path})");
    }
}
