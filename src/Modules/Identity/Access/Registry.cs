using System.Collections.Concurrent;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;
using Monolith.Identity.Contracts;
using Monolith.Identity.Projects;
using Monolith.Platform.Faults;
using Monolith.Platform.Quotas;
using Monolith.Platform.Storage;

namespace Monolith.Identity.Access;

/// <summary>
/// Keeps <see cref="Known"/> in step with the rows. It follows the module's own events, so that a change counts whichever
/// replica made it; a method that changes access waits for <see cref="CaughtUpAsync"/> before it answers, so that in
/// this process a revocation holds from its answer on.
/// <code>
///   commit ──▶ EventFeed ──▶ reread the rows that the events name ──▶ swap Known ──▶ CaughtUpAsync returns
///   another replica's commit ──▶ bus (Nudge), or the look at the table twice a second ──▶ EventFeed
/// </code>
/// </summary>
internal sealed partial class Registry(Store<IdentityDb> store, TimeProvider time, ILogger<Registry> log)
    : IProjects, IOpenProjects, IQuotaLimits, IAsyncDisposable
{
    static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(500);

    /// <summary>What another host has committed, at the latest: it glances twice.</summary>
    public static readonly TimeSpan HearsWithin = Glance * 2;

    static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    readonly CancellationTokenSource stop = new();
    readonly ConcurrentDictionary<string, int> closed = new(StringComparer.Ordinal);
    readonly Lock gate = new();
    TaskCompletionSource advanced = new(TaskCreationOptions.RunContinuationsAsynchronously);
    volatile Known known = Access.Known.Nothing;
    long applied;
    bool isDisposed;
    Task running = Task.CompletedTask;

    public Known Known => known;

    public bool Exists(string project) => known.Projects.Contains(project) && !closed.ContainsKey(project);

    public Fault? RefusalOf(string project) => !Exists(project) ? Fault.NotFound("projects/" + project)
        : known.Deleted.Contains(project) ? ProjectRules.Deleting("projects/" + project)
        : null;

    /// <summary>This process knows that it is deleted with all that it owns.</summary>
    public bool IsDeleted(string project) => known.Deleted.Contains(project);

    // As fresh as a revocation: at once for what this process changed, and else with the next event or glance.
    public bool Any(string project) => known.Quotas.Any(project);

    public long? Of(string project, string quota) => known.Quotas.Of(project, quota);

    /// <summary>Of projects that say nothing themselves; null: as much as there is.</summary>
    public long? OfDefault(string quota) => known.Quotas.Of("", quota);

    /// <summary>Takes the rows as they are, and follows them from there.</summary>
    public async Task StartAsync()
    {
        (known, applied) = await store.SnapshotAsync(Access.Known.LoadAsync);
        running = Task.WhenAll(FollowAsync(), GlanceAsync());
    }

    /// <summary>Until disposed, this process says that the project does not exist.</summary>
    public IDisposable Close(string project)
    {
        closed.AddOrUpdate(project, 1, (_, n) => n + 1);
        return new Closed(() =>
        {
            while (closed.TryGetValue(project, out var n))
                if (n == 1 ? closed.TryRemove(new(project, 1)) : closed.TryUpdate(project, n - 1, n)) return;
        });
    }

    /// <summary>Returns when everything that this process knows to be committed counts.</summary>
    public async Task CaughtUpAsync()
    {
        var wanted = store.Feed.Last;
        try
        {
            while (true)
            {
                Task wait;
                lock (gate)
                {
                    if (applied >= wanted) return;
                    wait = advanced.Task;
                }
                await wait.WaitAsync(Patience, time, stop.Token);
            }
        }
        catch (TimeoutException)
        {
            // The change is committed, and to say otherwise would be a lie; the follower goes on trying.
            LogBehind(wanted, Interlocked.Read(ref applied));
        }
    }

    /// <summary>May be called again: the container knows the registry by more than one name.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref isDisposed, true)) return;
        await stop.CancelAsync();
        await running;
        stop.Dispose();
    }

    async Task FollowAsync()
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await foreach (var batch in store.Feed.FollowAsync(Interlocked.Read(ref applied), stop.Token))
                {
                    known = await store.ReadAsync(db => known.AfterAsync(batch, db));
                    Advance(batch[^1].Sequence);
                }
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                LogRereadFailed(e);
                await PauseAsync(Pause);
            }
        }
    }

    /// <summary>A revocation by another replica must count even when the bus is down.</summary>
    async Task GlanceAsync()
    {
        while (await PauseAsync(Glance))
        {
            try
            {
                store.Feed.Nudge(await store.ReadAsync(db => db.LastEventAsync()));
            }
            catch (Exception e)
            {
                LogRereadFailed(e);
            }
        }
    }

    async Task<bool> PauseAsync(TimeSpan pause)
    {
        await Task.Delay(pause, time, stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return !stop.IsCancellationRequested;
    }

    void Advance(long through)
    {
        TaskCompletionSource wake;
        lock (gate)
        {
            applied = through;
            (wake, advanced) = (advanced, new(TaskCreationOptions.RunContinuationsAsynchronously));
        }
        wake.TrySetResult();
    }

    sealed class Closed(Action open) : IDisposable
    {
        public void Dispose() => open();
    }
}
