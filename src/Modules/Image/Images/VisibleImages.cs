using Google.Protobuf;
using Microsoft.EntityFrameworkCore;
using Monolith.Api.V1;
using Monolith.Platform.Lists;
using Monolith.Platform.Storage;
using ImageMessage = Monolith.Image.V1.Image;

namespace Monolith.Image.Images;

/// <summary>
/// What lists and watches of a project's images are of: its own, those that are shared with it, and the public ones of
/// every project.
/// </summary>
/// <param name="hidden">Hidden ones as well.</param>
internal sealed class VisibleImages(Store<ImageDb> store, ProjectScope scope, bool hidden)
{
    readonly Sight sight = new(scope.Projects);

    public IQueryable<ImageRow> Of(ImageDb db)
    {
        var rows = db.Images.Where(sight.Rows());
        return hidden ? rows : rows.Where(i => !i.Hidden);
    }

    public ImageMessage Shown(ImageRow row) => sight.Shown(row.ToProto());

    /// <summary>
    /// What a watch sees of a change. An image comes when it gets into sight, and goes when it gets out of it: with what was
    /// in sight of it, for of another's private image nobody else hears anything.
    /// </summary>
    public async Task<(ChangeType, ImageMessage)?> SeesAsync(EventRow row, ImageMessage image, ChangeType change)
    {
        if (change != ChangeType.Modified) return Sees(image) ? (change, sight.Shown(image)) : null;
        var before = await BeforeAsync(row);
        if (Sees(image)) return (before is null || Sees(before) ? change : ChangeType.Added, sight.Shown(image));
        // Its own may know of it in any case.
        if (before is null) return sight.Owns(image.Name) ? (ChangeType.Removed, image) : null;
        return Sees(before) ? (ChangeType.Removed, sight.Shown(before)) : null;
    }

    bool Sees(ImageMessage image) => (hidden || !image.Hidden) && sight.Sees(image);

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
}
