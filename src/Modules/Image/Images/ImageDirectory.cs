using Monolith.Image.Blobs;
using Monolith.Image.Contracts;
using Monolith.Platform.Storage;
using ImageMessage = Monolith.Image.V1.Image;

namespace Monolith.Image.Images;

/// <summary>What other modules may ask about images.</summary>
internal sealed class ImageDirectory(Store<ImageDb> store, BlobStore blobs) : IImages
{
    static readonly Func<ImageDb, string, string, Task<ImageRow?>> ForProject =
        Query.One((ImageDb db, string project, string name) => db.Images.FirstOrDefault(i => i.Name == name
            && (i.Project == project || i.Visibility == ImageMessage.Types.Visibility.Public)));

    public Task<ImageFacts?> FindAsync(string project, string name, CancellationToken cancel) =>
        store.ReadAsync(async db => (await ForProject(db, project, name))?.ToFacts());

    public Stream? OpenBlob(string sha256) => blobs.Open(sha256);
}
