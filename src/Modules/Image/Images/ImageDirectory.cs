using Microsoft.EntityFrameworkCore;
using Monolith.Image.Blobs;
using Monolith.Image.Contracts;
using Monolith.Platform.Names;
using Monolith.Platform.Storage;
using ImageMessage = Monolith.Image.V1.Image;

namespace Monolith.Image.Images;

/// <summary>What other modules may ask about images.</summary>
internal sealed class ImageDirectory(Store<ImageDb> store, BlobStore blobs) : IImages
{
    static readonly Func<ImageDb, string, Task<ImageRow?>> ByName =
        Query.One((ImageDb db, string name) => db.Images.FirstOrDefault(i => i.Name == name));

    public Task<ImageFacts?> FindAsync(string project, string name, CancellationToken cancel) =>
        store.ReadAsync(async db =>
        {
            var sight = Sight.Of(project);
            if (ResourceName.Match(ImageNames.Family, name) is [var owner, var family])
                return (await NewestAsync(db.Images.Where(sight.Rows()), owner, family, cancel))?.ToFacts();
            var row = await ByName(db, name);
            return row is not null && sight.Sees(row.ToProto()) ? row.ToFacts() : null;
        });

    // Of two that were made in the same instant, the same one every time.
    static Task<ImageRow?> NewestAsync(IQueryable<ImageRow> seen, string owner, string family, CancellationToken cancel) =>
        seen.Where(i => i.Project == owner && i.Family == family && !i.Hidden
                && i.Deprecation == ImageMessage.Types.Deprecation.None && i.State == ImageMessage.Types.State.Ready)
            .OrderByDescending(i => i.CreateTime).ThenByDescending(i => i.Name)
            .FirstOrDefaultAsync(cancel);

    public Stream? OpenBlob(string sha256) => blobs.Open(sha256);
}
