using System.Collections.Concurrent;
using Monolith.Api.V1;
using Monolith.Compute.V1;

namespace Monolith.Fleet.Load;

/// <summary>
/// One watch over the servers of all projects, resumed for ever, from which everybody learns that a server is READY,
/// FAILED or gone.
/// </summary>
internal sealed class ServerWatch : IAsyncDisposable
{
    static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);
    readonly ConcurrentDictionary<string, TaskCompletionSource<Server>> settled = new(StringComparer.Ordinal);
    readonly ConcurrentDictionary<string, TaskCompletionSource> gone = new(StringComparer.Ordinal);
    readonly CancellationTokenSource stop = new();
    readonly TaskCompletionSource open = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly Task run;

    public ServerWatch(Cloud cloud)
    {
        run = cloud.FollowServersAsync("projects/-", On, Pause, stop.Token);
    }

    /// <summary>Done when the watch has seen all that there was at its start.</summary>
    public Task Open => open.Task;

    /// <summary>READY or FAILED, from now on.</summary>
    public Task<Server> SettledAsync(string name) => settled.GetOrAdd(
        name, _ => new TaskCompletionSource<Server>(TaskCreationOptions.RunContinuationsAsynchronously)).Task;

    public Task GoneAsync(string name) => gone.GetOrAdd(
        name, _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;

    /// <summary>Nobody waits for it any more.</summary>
    public void Forget(string name)
    {
        settled.TryRemove(name, out _);
        gone.TryRemove(name, out _);
    }

    void On(WatchServersResponse message)
    {
        if (message.Change == ChangeType.InSync) open.TrySetResult();
        if (message.Server is not { } server) return;
        if (message.Change == ChangeType.Removed)
        {
            if (gone.TryGetValue(server.Name, out var waiter)) waiter.TrySetResult();
        }
        else if (server.State is Server.Types.State.Ready or Server.Types.State.Failed
            && settled.TryGetValue(server.Name, out var waiter))
            waiter.TrySetResult(server);
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await run;
        stop.Dispose();
    }
}
