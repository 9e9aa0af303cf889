using Monolith.Platform.Names;

namespace Monolith.Image.Contracts;

/// <summary>What Compute needs to know of an image. Immutable. Without content, digest and sizes are empty.</summary>
/// <param name="Name"><c>projects/{project}/images/{image}</c></param>
/// <param name="Sha256">Lower-case hex.</param>
/// <param name="Format"><c>qcow2</c> or <c>raw</c></param>
/// <param name="Obsolete">No server is to be made from it.</param>
/// <param name="Warning">What speaks against it, and what to use instead; empty: nothing.</param>
/// <param name="Unready">Why it has no content; empty: it has.</param>
public sealed record ImageFacts(string Name, string Sha256, long SizeBytes, string Format, long VirtualSizeBytes,
    int MinDiskGib, int MinMemoryMib, bool Obsolete, string Warning)
{
    /// <summary>Why there is no content to make a server from, and what to do; empty: there is.</summary>
    public string Missing { get; init; } = "";
}

/// <summary>What an image may be called by.</summary>
public static class ImageNames
{
    public const string Image = "projects/*/images/*";
    public const string Family = "projects/*/imageFamilies/*";

    public const string Expected = "projects/*/images/* or projects/*/imageFamilies/*";

    public static bool IsImageOrFamily(string name) =>
        ResourceName.Match(Family, name) is not null || ResourceName.Match(Image, name) is not null;
}

public interface IImages
{
    /// <summary>
    /// An image, if the project may use it: its own, a public one, or one that is shared with it. Null otherwise.
    /// </summary>
    /// <param name="name">
    /// <c>projects/{project}/images/{image}</c>, or <c>projects/{project}/imageFamilies/{family}</c> for the newest of
    /// the family that it may use, that is READY and neither deprecated nor hidden.
    /// </param>
    Task<ImageFacts?> FindAsync(string project, string name, CancellationToken cancel);

    /// <summary>The content of a blob from an offset; null when there is no such blob.</summary>
    Stream? OpenBlob(string sha256);
}

/// <summary>Implemented by whoever uses blobs, so that none is removed under a server.</summary>
public interface IBlobUse
{
    Task<bool> IsUsedAsync(string sha256, CancellationToken cancel);
}
