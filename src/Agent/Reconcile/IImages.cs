using Monolith.Agent.Images;
using Monolith.Agent.V1;

namespace Monolith.Agent.Reconcile;

/// <summary>Gets an image's file onto this machine: from the host's blobs through the cache, or emulated.</summary>
public interface IImages
{
    /// <summary>
    /// Fetches what is not here yet; quick when it is. Concurrent calls for one image share one transfer.
    /// </summary>
    /// <param name="image">Digest, size and format.</param>
    /// <param name="progress">Told the bytes that are here, now and then.</param>
    /// <param name="cancellation">Ends this caller's wait.</param>
    /// <returns>Path of the file, verified against its digest.</returns>
    /// <exception cref="ImageException">It cannot be had; the message says why and what to do.</exception>
    Task<string> FetchAsync(VmImage image, IProgress<long>? progress, CancellationToken cancellation);

    /// <summary>
    /// Images that are wanted whether a vm needs them or not, the most wanted first: they stay, as far as there is room
    /// beside those that vms use. Replaces what was wanted before.
    /// </summary>
    void Keep(IReadOnlyList<VmImage> wanted);

    /// <summary>Whether it is here, whole.</summary>
    bool Holds(VmImage image);

    /// <summary>
    /// Fetches an image that is kept. As <see cref="FetchAsync"/>, but nobody waits for it: it takes its turn behind
    /// others, as long as that may be.
    /// </summary>
    /// <param name="image">One of those that are kept.</param>
    /// <param name="inUse">As for <see cref="RemoveUnused"/>.</param>
    /// <param name="progress">As for <see cref="FetchAsync"/>.</param>
    /// <param name="cancellation">Ends this caller's wait.</param>
    /// <exception cref="ImageException">It cannot be had, or there is no room for it; the message says why.</exception>
    /// <exception cref="IOException">What is in use cannot be known now.</exception>
    Task FetchAheadAsync(
        VmImage image, Func<IReadOnlySet<ImageDigest>> inUse, IProgress<long>? progress, CancellationToken cancellation);

    /// <summary>Gives back the room of images that nobody uses and nobody wants, where it is scarce.</summary>
    /// <param name="inUse">Asked while no image can begin to be used.</param>
    /// <exception cref="IOException">What is in use cannot be known now, or the disk refused; repeat it
    /// later.</exception>
    void RemoveUnused(Func<IReadOnlySet<ImageDigest>> inUse);
}
