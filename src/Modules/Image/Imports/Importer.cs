using System.Collections.Concurrent;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;
using Monolith.Image.Blobs;
using Monolith.Image.Images;
using Monolith.Platform;
using Monolith.Platform.Reconciling;
using Monolith.Platform.Storage;
using static Monolith.Image.V1.Image.Types;

namespace Monolith.Image.Imports;

/// <summary>Does what <see cref="ImportLifecycle"/> decides. An attempt takes as long as it takes, so it runs beside the loop
/// and wakes it when it ends.</summary>
internal sealed partial class Importer(Store<ImageDb> store, BlobStore blobs, ImportAttempts attempts, Reconciler<ImportId> loop,
    ImageOptions options, TimeProvider time, ILogger<Importer> log) : IAsyncDisposable
{
    sealed record Running(CancellationTokenSource Stop, Task Done);

    readonly ConcurrentDictionary<ImportId, Running> running = new();
    readonly SemaphoreSlim places = new(options.Import.AtOnce);
    readonly CancellationTokenSource stopping = new();

    public async Task<Outcome> ReconcileAsync(ImportId id, CancellationToken cancel)
    {
        var row = await store.ReadAsync(db => db.Images.FirstOrDefaultAsync(i => i.Uid == id.Uid, cancel));
        switch (ImportLifecycle.Decide(row, running.ContainsKey(id), time.GetUtcNow().UtcDateTime))
        {
            case ImportAct.Discard:
                await StopAsync(id);
                File.Delete(blobs.PartialOf(id));
                return Outcome.Settled;
            case ImportAct.Fetch(var left):
                Start(id, left);
                return Outcome.Settled;
            case ImportAct.Wait(var pause):
                return Outcome.Again(pause);
            case ImportAct.GiveUp:
                await attempts.GiveUpAsync(id, cancel);
                return Outcome.Again();
            default:
                return Outcome.Settled;
        }
    }

    /// <summary>Those that are to go on, and those of which something is left that nobody wants.</summary>
    public async Task<IReadOnlyList<ImportId>> UnsettledAsync(CancellationToken cancel)
    {
        var importing = await store.ReadAsync(db =>
            db.Images.Where(i => i.State == State.Importing).Select(i => i.Uid).ToListAsync(cancel));
        return [.. importing.Select(uid => new ImportId(uid)).Union(blobs.Partials())];
    }

    // Only the loop starts, and it works on a key once at a time.
    void Start(ImportId id, TimeSpan left)
    {
        if (stopping.IsCancellationRequested) return;
        var stop = CancellationTokenSource.CreateLinkedTokenSource(stopping.Token);
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        // It reads and digests for as long as the image is large.
        running[id] = new(stop, Background.RunApart(() => RunAsync(id, left, go.Task, stop)));
        go.SetResult();
    }

    async Task RunAsync(ImportId id, TimeSpan left, Task go, CancellationTokenSource stop)
    {
        await go;
        try
        {
            if (await places.WaitAsync(left, stop.Token))
                try
                {
                    await attempts.RunAsync(id, stop.Token);
                }
                finally
                {
                    places.Release();
                }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Its image is gone, or the host stops.
        }
        catch (Exception e)
        {
            // The database, most likely: the loop's own timer comes back to it.
            LogFailed(e, id);
            running.TryRemove(id, out _);
            return;
        }
        running.TryRemove(id, out _);
        if (!stop.IsCancellationRequested) loop.Wake(id);
    }

    async Task StopAsync(ImportId id)
    {
        if (!running.TryGetValue(id, out var attempt)) return;
        await attempt.Stop.CancelAsync();
        await attempt.Done;
    }

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        foreach (var attempt in running.Values) await attempt.Done;
        stopping.Dispose();
        places.Dispose();
    }

    [LoggerMessage(LogLevel.Warning, "The import of image {Id} broke off and could not write down why; it is tried again")]
    partial void LogFailed(Exception e, ImportId id);
}
