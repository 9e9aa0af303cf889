using System.Linq.Expressions;
using Monolith.Platform.Names;
using ImageMessage = Monolith.Image.V1.Image;

namespace Monolith.Image.Images;

/// <summary>
/// Who sees an image and may use it. Said twice, of rows for the database and of messages for watches and single images;
/// a test holds the two against each other.
/// </summary>
/// <param name="projects">Those that look, in which it may be used; null: all.</param>
internal sealed class Sight(IReadOnlyList<string>? projects)
{
    public static Sight Of(string project) => new([project]);

    /// <summary>For the database: the images of which <see cref="Sees"/> is true.</summary>
    public Expression<Func<ImageRow, bool>> Rows()
    {
        if (projects is null) return i => true;
        // The common case: no list to look into for each row.
        if (projects is [var only])
        {
            var mark = Sharing.Mark(only);
            return i => i.Project == only || i.Visibility == ImageMessage.Types.Visibility.Public
                || (i.Visibility == ImageMessage.Types.Visibility.Shared && i.SharedWith.Contains(mark));
        }
        var marks = projects.Select(Sharing.Mark).ToList();
        var own = projects.ToList();
        return i => own.Contains(i.Project) || i.Visibility == ImageMessage.Types.Visibility.Public
            || (i.Visibility == ImageMessage.Types.Visibility.Shared && marks.Any(m => i.SharedWith.Contains(m)));
    }

    public bool Sees(ImageMessage image) => Owns(image.Name) || image.Visibility switch
    {
        ImageMessage.Types.Visibility.Public => true,
        ImageMessage.Types.Visibility.Shared => image.SharedWith.Any(p => projects!.Contains(ResourceName.LastId(p))),
        _ => false,
    };

    public bool Owns(string name) => projects is null || projects.Contains(ResourceName.ProjectOf(name)!);

    /// <summary>The image as these projects see it: with whom else it is shared, where it is from, and of which server it was
    /// made, is its owner's business.</summary>
    public ImageMessage Shown(ImageMessage image)
    {
        if (Owns(image.Name) || (image.SharedWith.Count == 0 && image.Import is null && image.SourceServer.Length == 0)) return image;
        var shown = image.Clone();
        (shown.Import, shown.SourceServer) = (null, "");
        shown.SharedWith.Clear();
        shown.SharedWith.Add(image.SharedWith.Where(p => projects!.Contains(ResourceName.LastId(p))));
        return shown;
    }
}
