using Google.Protobuf.WellKnownTypes;
using Microsoft.EntityFrameworkCore;
using Monolith.Image.Blobs;
using Monolith.Image.Conversion;
using Monolith.Image.Images;
using Monolith.Platform;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Storage;
using ImageMessage = Monolith.Image.V1.Image;
using static Monolith.Image.V1.Image.Types;

namespace Monolith.Image.Imports;

/// <summary>One attempt at an import, from the bytes that are here to the image, or to the reason why not.</summary>
internal sealed class ImportAttempts(Store<ImageDb> store, BlobStore blobs, BlobCleaner cleaner, Converter converter,
    Download download, ImageOptions options, TimeProvider time)
{
    /// <exception cref="OperationCanceledException">By <paramref name="cancel"/>.</exception>
    public async Task RunAsync(ImportId id, CancellationToken cancel)
    {
        if (await store.ReadAsync(db => db.Images.FirstOrDefaultAsync(i => i.Uid == id.Uid, cancel)) is not
            { State: State.Importing } row) return;
        var left = row.Import!.Deadline.ToDateTime() - time.GetUtcNow().UtcDateTime;
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        over.CancelAfter(left > TimeSpan.Zero ? left : TimeSpan.Zero);
        try
        {
            await TryAsync(id, row, over.Token);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            // The next look at it finds that its time is over.
        }
        catch (ImportProblem e)
        {
            await FailAsync(id, e.Reason, e.Message, e.Passes, cancel);
        }
        catch (Fault e)
        {
            await FailAsync(id, e.Reason, e.Message, e.Reason == "IMAGE_STORE_FULL", cancel);
        }
        catch (IOException e)
        {
            await FailAsync(id, "IMAGE_STORE_FULL", BlobStore.IsDiskFull(e) ? BlobStore.Full(e.Message).Message
                : "the image store failed; the operators find the cause in the host's log", passes: true, cancel);
        }
    }

    // What came stays until the image is what it will be: a host that dies now need not fetch it again.
    async Task TryAsync(ImportId id, ImageRow row, CancellationToken cancel)
    {
        var received = await download.RunAsync(id, row, progress => SayAsync(id, progress, cancel), cancel);
        await ChangeAsync(id, (_, origin, now) => ImportConditions.Hold(origin, ImportConditions.Fetched, now), cancel);
        var blob = await InspectAsync(row, received, cancel);
        await ChangeAsync(id, (_, origin, now) => ImportConditions.Hold(origin, ImportConditions.Verified, now), cancel);
        var kept = await converter.ConvertAsync(blob, row.StoreAs, cancel);
        try
        {
            await blobs.KeepAsync(kept, () => ChangeAsync(id, (image, origin, now) => Finish(image, origin, kept, now), CancellationToken.None));
        }
        finally
        {
            if (kept != blob) kept.Dispose();
            // Does nothing when the image is there.
            await cleaner.CleanAsync(kept.Sha256, CancellationToken.None);
        }
    }

    async Task<ReceivedBlob> InspectAsync(ImageRow row, Downloaded received, CancellationToken cancel)
    {
        var expected = row.Import!.Sha256;
        if (expected.Length > 0 && expected != received.Sha256)
            throw new ImportProblem("WRONG_SHA256", $"the content has the sha256 {received.Sha256}, not {expected}", passes: false);
        var blob = await blobs.InspectAsync(received.Path, received.Sha256, received.SizeBytes, cancel);
        return blob.Disk.Refusal is null ? blob
            : throw new ImportProblem("IMAGE_REFUSED", $"the image is refused: {blob.Disk.Refusal}", passes: false);
    }

    static void Finish(ImageRow row, ImageMessage origin, ReceivedBlob kept, DateTime now)
    {
        foreach (var condition in origin.Conditions.ToList()) ImportConditions.Hold(origin, condition.Type, now);
        (origin.Import.NextAttemptTime, origin.Import.ReceivedBytes) = (null, (kept.Source ?? kept).SizeBytes);
        origin.Import.TotalBytes = origin.Import.ReceivedBytes;
        row.Fill(kept, origin);
        row.State = State.Ready;
        row.Touch("", now);
    }

    /// <summary>What is on the disk by now, so that it survives.</summary>
    Task<bool> SayAsync(ImportId id, DownloadProgress progress, CancellationToken cancel) => ChangeAsync(id, (row, origin, now) =>
    {
        var import = origin.Import;
        var further = progress.ReceivedBytes > import.ReceivedBytes;
        if (further) row.ImportFailures = 0;
        (import.ReceivedBytes, import.TotalBytes, import.NextAttemptTime) = (progress.ReceivedBytes, progress.TotalBytes ?? 0, null);
        row.ImportValidator = progress.Validator;
        // Held against the quota before it is fetched for nothing.
        row.SizeBytes = Math.Max(import.TotalBytes, import.ReceivedBytes);
        // An attempt that came no further than the last one has nothing better to say than why that failed.
        if (further || row.ImportFailures == 0) ImportConditions.Tell(origin, ImportConditions.Fetched, progress.Words, now);
    }, cancel);

    Task<bool> FailAsync(ImportId id, string reason, string message, bool passes, CancellationToken cancel) =>
        ChangeAsync(id, (row, origin, now) =>
        {
            if (!passes)
            {
                Fail(row, origin, reason, message, now);
                return;
            }
            origin.Import.FailedAttempts++;
            row.ImportFailures++;
            origin.Import.NextAttemptTime = (now + ImportLifecycle.Pause(options.Import, row.ImportFailures, Chance.Dice.NextDouble()))
                .ToTimestamp();
            ImportConditions.Wait(origin, reason, message, now);
        }, cancel);

    public Task GiveUpAsync(ImportId id, CancellationToken cancel) => ChangeAsync(id, (row, origin, now) =>
    {
        var last = origin.Conditions.FirstOrDefault(c => c.Reason.Length > 0);
        Fail(row, origin, "DEADLINE_EXCEEDED", last is null
            ? "it did not come in time; nothing went wrong but that it is slow"
            : $"it did not come in time; at last, {last.Message}", now);
    }, cancel);

    static void Fail(ImageRow row, ImageMessage origin, string reason, string message, DateTime now)
    {
        origin.Import.NextAttemptTime = null;
        ImportConditions.Fail(origin, reason, message, now);
        row.State = State.Failed;
        row.SizeBytes = 0;
        row.Touch("", now);
    }

    /// <returns>False: the image is gone, or there already.</returns>
    Task<bool> ChangeAsync(ImportId id, Action<ImageRow, ImageMessage, DateTime> change, CancellationToken cancel) =>
        store.WriteAsync(Call.Of("image/imports"), async unit =>
        {
            if (await unit.Db.Images.FirstOrDefaultAsync(i => i.Uid == id.Uid, cancel) is not { State: State.Importing } row)
                return false;
            var origin = row.ReadOrigin();
            change(row, origin, unit.Now);
            row.WriteOrigin(origin);
            row.UpdateTime = unit.Now;
            unit.Emit("image", Change.Updated, row.Name, row.Project, row.ToProto());
            return true;
        }, cancel);
}
