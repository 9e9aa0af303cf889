using Google.Protobuf;
using Microsoft.EntityFrameworkCore;
using Monolith.Api.V1;
using Monolith.Platform.Lists;
using Monolith.Platform.Storage;
using ImageMessage = Monolith.Image.V1.Image;

namespace Monolith.Image.Images;

/// <summary>What lists and watches of a project's images are of: its own, and the public ones of every project.</summary>
internal sealed class VisibleImages(Store<ImageDb> store, ProjectScope scope)
{
    public IQueryable<ImageRow> Of(ImageDb db) =>
        scope.Of(db.Images).Union(db.Images.Where(i => i.Visibility == ImageMessage.Types.Visibility.Public));

    /// <summary>
    /// What a watch sees of a change. Another project's image comes when it is made public, and goes when it no longer is:
    /// with what was public of it, for of a private image nobody else hears anything.
    /// </summary>
    public async Task<(ChangeType, ImageMessage)?> SeesAsync(EventRow row, ImageMessage image, ChangeType change)
    {
        if (scope.Has(row.Project)) return (change, image);
        if (change != ChangeType.Modified) return IsPublic(image) ? (change, image) : null;
        var before = await BeforeAsync(row);
        if (IsPublic(image)) return (before is null || IsPublic(before) ? change : ChangeType.Added, image);
        return before is not null && IsPublic(before) ? (ChangeType.Removed, before) : null;
    }

    /// <summary>The image as the event before left it; null when that is no longer kept.</summary>
    async Task<ImageMessage?> BeforeAsync(EventRow row)
    {
        var data = await store.ReadAsync(db => db.Events
            .Where(e => e.Resource == row.Resource && e.Sequence < row.Sequence).OrderByDescending(e => e.Sequence)
            .Select(e => e.Data).FirstOrDefaultAsync());
        if (data is null) return null;
        var image = new ImageMessage();
        image.MergeFrom(data);
        return image;
    }

    static bool IsPublic(ImageMessage image) => image.Visibility == ImageMessage.Types.Visibility.Public;
}
