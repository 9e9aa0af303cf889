using System.Globalization;

namespace Monolith.Agent.Images;

/// <summary>Which of the images that are wanted ahead there is room for. Immutable; made purely.</summary>
/// <param name="Fitting">They stay, those included that are not here yet.</param>
/// <param name="Budget">Bytes that they may take together.</param>
/// <param name="Limit">What all images may take; null: what the disk has but for a tenth.</param>
internal sealed record ImageRoom(IReadOnlySet<ImageDigest> Fitting, long Budget, long? Limit)
{
    public static ImageRoom None { get; } = new(new HashSet<ImageDigest>(), 0, null);

    /// <param name="wanted">The most wanted first, without those that are used anyhow.</param>
    /// <param name="limit">Of the cache, in bytes.</param>
    /// <param name="used">Bytes of images that vms use.</param>
    /// <param name="others">Bytes of the images that are here and that no vm uses, and of those that are coming.</param>
    /// <param name="total">Of the disk.</param>
    /// <param name="free">Of the disk.</param>
    public static ImageRoom Of(
        IEnumerable<ImagePlan> wanted, long? limit, long used, long others, long total, long free)
    {
        // A disk keeps a tenth for its servers, whatever is wanted.
        var budget = Math.Max(0, Math.Min(free + others - (total / 10), (limit ?? long.MaxValue) - used));
        var (fitting, left) = (new HashSet<ImageDigest>(), budget);
        foreach (var image in wanted)
        {
            if (image.Size > left) continue;
            fitting.Add(image.Digest);
            left -= image.Size;
        }

        return new ImageRoom(fitting, budget, limit);
    }

    public string Refusal(ImagePlan image) => (Limit is { } limit
            ? $"the image {image.Digest} of {Gib(image.Size)} has no room in the cache: of its {Gib(limit)} (--image-cache), "
            : $"the image {image.Digest} of {Gib(image.Size)} has no room in the cache: of the disk but for a tenth, ")
        + $"{Gib(Budget)} are left for images that are wanted ahead, and others are wanted before it";

    private static string Gib(long bytes) =>
        (bytes / (double)(1 << 30)).ToString("0.0", CultureInfo.InvariantCulture) + " GiB";
}
