using Monolith.Platform.Calls;

namespace Monolith.Image.Contracts;

/// <summary>An image whose content somebody is about to make. Immutable.</summary>
/// <param name="Uid">The image's; the same order is the same image.</param>
/// <param name="Name"><c>projects/{project}/images/{image}</c></param>
/// <param name="Family">Empty: of none.</param>
/// <param name="SourceServer">Whose disk it is: <c>projects/{project}/servers/{server}</c></param>
/// <param name="BytesTotal">Of the disk.</param>
/// <param name="Time">When it was ordered, UTC: the image's create time.</param>
public sealed record ImageOrder(Guid Uid, string Name, string Family, string DisplayName, string SourceServer,
    int MinDiskGib, int MinMemoryMib, long BytesTotal, DateTime Time);

public enum MadeState
{
    Creating,
    Ready,
    Failed,
}

/// <summary>How far an ordered image is. Immutable.</summary>
/// <param name="BytesDone">As it was told last.</param>
/// <param name="Sha256">Lower-case hex; empty before it is ready.</param>
public sealed record MadeImage(MadeState State, long BytesDone, long BytesTotal, string Sha256);

/// <summary>
/// Images that are made of something in the cloud. Everything is idempotent, and does nothing to an image that is not
/// there, or not being made any more.
/// </summary>
public interface IImageMaking
{
    /// <summary>The image as it would be, if it can be had.</summary>
    /// <exception cref="Platform.Faults.Fault">ALREADY_EXISTS, RESOURCE_EXHAUSTED.</exception>
    Task<V1.Image> TryAsync(Call call, ImageOrder order, CancellationToken cancel);

    /// <summary>Takes the name, and the project's share of its quota.</summary>
    /// <exception cref="Platform.Faults.Fault">As above; an image that this order made is returned as it is.</exception>
    Task<V1.Image> ReserveAsync(Call call, ImageOrder order, CancellationToken cancel);

    /// <summary>Null when it is not there: deleted, or not reserved yet.</summary>
    Task<MadeImage?> FindAsync(Guid uid, CancellationToken cancel);

    Task TellAsync(Guid uid, long bytesDone, long bytesTotal, CancellationToken cancel);

    /// <param name="reason">UPPER_SNAKE_CASE.</param>
    Task FailAsync(Guid uid, string reason, string message, CancellationToken cancel);

    /// <summary>Takes the content, and makes the image READY. One that cannot be taken fails the image, one that breaks off
    /// does not; neither leaves anything.</summary>
    /// <param name="sizeBytes">How much comes: more than 0. It is held against the quota before it does.</param>
    /// <exception cref="Platform.Faults.Fault">NOT_FOUND when nobody waits for it; whatever speaks against the content.
    /// </exception>
    /// <returns>The content's SHA-256, lower-case hex. Of an image that is READY already, nothing is read.</returns>
    Task<string> ReceiveAsync(Guid uid, long sizeBytes, IAsyncEnumerable<ReadOnlyMemory<byte>> chunks,
        CancellationToken cancel);
}
