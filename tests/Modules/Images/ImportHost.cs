using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Monolith.Image;
using Monolith.Image.Blobs;
using Monolith.Image.Imports;
using Monolith.Image.V1;
using Monolith.Modules.Tests.Calls;
using Monolith.Platform.Quotas;
using Monolith.Platform.Storage;
using static Monolith.Image.V1.Image.Types;
using ImageService = Monolith.Image.Images.ImageService;

namespace Monolith.Modules.Tests.Images;

/// <summary>The image module alone, with its loops, and without patience.</summary>
internal sealed class ImportHost : IAsyncDisposable
{
    public const string Name = "projects/demo/images/debian";

    readonly ModuleHost host;
    readonly string directory;

    ImportHost(ModuleHost host, string directory) =>
        (this.host, this.directory, Images) = (host, Path.Combine(directory, "images"), host.Make<ImageService>());

    public static ImportOptions Quick { get; } = new()
    {
        Allow = [IPNetwork.Parse("127.0.0.1/32")],
        Silence = TimeSpan.FromMilliseconds(500),
        FirstPause = TimeSpan.FromMilliseconds(10),
        LastPause = TimeSpan.FromMilliseconds(50),
        ProgressEvery = TimeSpan.FromMilliseconds(20),
        Deadline = TimeSpan.FromMinutes(1),
    };

    public ImageService Images { get; }

    public static async Task<ImportHost> StartAsync(DatabaseOptions database, ImportOptions? import = null,
        IQuotaLimits? limits = null, string? qemuImg = null) =>
        new(await ModuleHost.StartAsync(database, (services, directory) =>
        {
            var options = new ImageOptions(Path.Combine(directory, "images")) { Import = import ?? Quick };
            services.AddImage(qemuImg is null ? options : options with { QemuImg = qemuImg });
            if (limits is not null) services.AddSingleton(limits);
        }), database.Directory);

    public T Get<T>() where T : notnull => host.Get<T>();

    public Task<Image.V1.Image> ImportAsync(string url, string sha256 = "", long max = 0, Format storeAs = Format.Unspecified) =>
        Images.ImportImage(new ImportImageRequest
        {
            Parent = "projects/demo",
            ImageId = "debian",
            Url = url,
            Sha256 = sha256,
            MaxSizeBytes = max,
            StoreAs = storeAs,
        }, new FakeCall());

    /// <summary>Follows the image until something holds of it; what was seen on the way, in order.</summary>
    public async Task<List<Image.V1.Image>> WatchAsync(Func<Image.V1.Image, bool> until)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var stream = new TestStream<WatchImagesResponse>();
        var watching = Images.WatchImages(new WatchImagesRequest { Parent = "projects/demo", Name = Name }, stream,
            new FakeCall(cancel: stop.Token));
        var seen = new List<Image.V1.Image>();
        do
        {
            if ((await stream.NextAsync()).Image is { } image) seen.Add(image);
        }
        while (seen.Count == 0 || !until(seen[^1]));
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => watching);
        return seen;
    }

    /// <summary>The image when it is no longer on its way.</summary>
    public async Task<Image.V1.Image> EndAsync() => (await WatchAsync(i => i.State != State.Importing))[^1];

    /// <summary>Files of the store, by the directory that they are in.</summary>
    public string[] Files(string of) => [.. Directory.EnumerateFiles(Path.Combine(directory, of)).Select(f => Path.GetFileName(f)!)];

    public ValueTask DisposeAsync() => host.DisposeAsync();
}
