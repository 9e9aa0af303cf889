using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Monolith.Image.Contracts;
using Monolith.Platform.Storage;

namespace Monolith.Image.Blobs;

/// <summary>Removes blobs that no image names and no server needs.</summary>
internal sealed partial class BlobCleaner(Store<ImageDb> store, BlobStore blobs, IServiceProvider services,
    TimeProvider time, ILogger<BlobCleaner> log) : BackgroundService
{
    static readonly TimeSpan Every = TimeSpan.FromHours(1);

    public Task CleanAsync(string sha256, CancellationToken cancel) => blobs.RemoveUnlessAsync(sha256, async () =>
    {
        if (await store.ReadAsync(db => db.Images.AnyAsync(i => i.Sha256 == sha256, cancel))) return true;
        foreach (var use in services.GetServices<IBlobUse>())
            if (await use.IsUsedAsync(sha256, cancel)) return true;
        return false;
    });

    protected override async Task ExecuteAsync(CancellationToken stop)
    {
        using var timer = new PeriodicTimer(Every, time);
        while (await timer.WaitForNextTickAsync(stop))
        {
            try
            {
                foreach (var sha256 in blobs.All().ToList()) await CleanAsync(sha256, stop);
            }
            catch (Exception e) when (!stop.IsCancellationRequested)
            {
                LogNotCleaned(e);
            }
        }
    }

    [LoggerMessage(LogLevel.Warning, "Blobs without an image could not be looked for; the next hour has another try")]
    partial void LogNotCleaned(Exception e);
}
