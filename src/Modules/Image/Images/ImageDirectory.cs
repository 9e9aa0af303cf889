using Microsoft.EntityFrameworkCore;
using Monolith.Image.Blobs;
using Monolith.Image.Contracts;
using Monolith.Platform.Storage;
using ImageMessage = Monolith.Image.V1.Image;

namespace Monolith.Image.Images;

/// <summary>What other modules may ask about images.</summary>
internal sealed class ImageDirectory(Store<ImageDb> store, BlobStore blobs) : IImages
{
    public Task<ImageFacts?> FindAsync(string project, string name, CancellationToken cancel) => store.ReadAsync(async db =>
        (await db.Images.FirstOrDefaultAsync(i => i.Name == name
            && (i.Project == project || i.Visibility == ImageMessage.Types.Visibility.Public), cancel))?.ToFacts());

    public Stream? OpenBlob(string sha256) => blobs.Open(sha256);
}
