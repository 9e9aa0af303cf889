namespace Monolith.Image.Contracts;

/// <summary>What Compute needs to know of an image. Immutable.</summary>
/// <param name="Name"><c>projects/{project}/images/{image}</c></param>
/// <param name="Sha256">Lower-case hex.</param>
/// <param name="Format"><c>qcow2</c> or <c>raw</c></param>
public sealed record ImageFacts(string Name, string Sha256, long SizeBytes, string Format, long VirtualSizeBytes,
    int MinDiskGib, int MinMemoryMib);

public interface IImages
{
    /// <summary>
    /// An image by its name, if the project may use it: its own, or another's public one. Null otherwise.
    /// </summary>
    Task<ImageFacts?> FindAsync(string project, string name, CancellationToken cancel);

    /// <summary>The content of a blob from an offset; null when there is no such blob.</summary>
    Stream? OpenBlob(string sha256);
}

/// <summary>Implemented by whoever uses blobs, so that none is removed under a server.</summary>
public interface IBlobUse
{
    Task<bool> IsUsedAsync(string sha256, CancellationToken cancel);
}
