using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Monolith.Identity.Contracts;
using Monolith.Image.Blobs;
using Monolith.Image.Conversion;
using Monolith.Image.Contracts;
using Monolith.Image.Images;
using Monolith.Image.Imports;
using Monolith.Platform.Calls;
using Monolith.Platform.Quotas;
using Monolith.Platform.Reconciling;
using Monolith.Platform.Storage;

namespace Monolith.Image;

/// <summary>The disks that servers start from.</summary>
public static class ImageModule
{
    internal static Counts<ImageDb> Counts { get; } = new Counts<ImageDb>().Of(db => db.Images,
        ("images", _ => 1), ("image_bytes", i => i.SizeBytes));

    public static IServiceCollection AddImage(this IServiceCollection services, ImageOptions options)
    {
        services.AddModuleStore<ImageDb>("image", o => new SqliteImageDb(o), o => new PostgresImageDb(o));
        services.AddSingleton(options);
        services.AddSingleton<IProjectContents>(s => new ProjectContents<ImageDb>(s.GetRequiredService<Store<ImageDb>>(), s)
            .Of("images", db => db.Images, (ImageService images, string name, InnerCall call) =>
                    images.DeleteImage(new() { Name = name }, call),
                new Kept<ImageRow>("DELETE_PROTECTED", "They are protected. Set their delete_protected to false.",
                    i => i.DeleteProtected)));
        services.AddCounts(Counts);
        services.AddSingleton<BlobStore>();
        services.AddSingleton<IStartUp, PrepareBlobs>();
        services.AddSingleton<BlobCleaner>();
        services.AddSingleton<IHostedService>(s => s.GetRequiredService<BlobCleaner>());
        services.AddSingleton<IImages, ImageDirectory>();
        services.AddSingleton<Converter>();
        services.AddSingleton(new Sources(options.Import));
        services.AddSingleton<Download>();
        services.AddSingleton<ImportAttempts>();
        services.AddSingleton<Importer>();
        services.AddSingleton(ImportLoop);
        services.AddSingleton<IHostedService>(s => s.GetRequiredService<Reconciler<ImportId>>());
        services.AddSingleton<IImageMaking, ImageMaking>();
        return services;
    }

    public static void MapImage(this IEndpointRouteBuilder endpoints) => endpoints.MapGrpcService<ImageService>();

    // The loop is made before what it drives, which wakes it.
    static Reconciler<ImportId> ImportLoop(IServiceProvider services)
    {
        var loop = new Reconciler<ImportId>("image/imports",
            (id, cancel) => services.GetRequiredService<Importer>().ReconcileAsync(id, cancel),
            cancel => services.GetRequiredService<Importer>().UnsettledAsync(cancel),
            services.GetRequiredService<TimeProvider>(), services.GetRequiredService<ILogger<Importer>>(), workers: 1);
        return loop;
    }

    sealed class PrepareBlobs(BlobStore blobs) : IStartUp
    {
        public string Module => "image";

        public Task StartAsync(CancellationToken cancel)
        {
            blobs.Prepare();
            return Task.CompletedTask;
        }
    }
}
