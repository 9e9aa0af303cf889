using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Monolith.Image.Contracts;
using Monolith.Platform.Storage;

namespace Monolith.Image.Blobs;

/// <summary>Removes blobs that no image names and no server needs.</summary>
internal sealed class BlobCleaner(Store<ImageDb> store, BlobStore blobs, IServiceProvider services, TimeProvider time)
    : BackgroundService
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
            foreach (var sha256 in blobs.All().ToList())
                await CleanAsync(sha256, stop);
    }
}
