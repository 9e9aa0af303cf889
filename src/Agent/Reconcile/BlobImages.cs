using Grpc.Core;
using Monolith.Agent.Images;
using Monolith.Agent.Join;
using Monolith.Agent.V1;

namespace Monolith.Agent.Reconcile;

/// <summary>Images from the host's blobs and from other nodes' caches, kept in the machine's own.</summary>
public sealed class BlobImages(
    ImageCache cache, Func<CallInvoker> connect, TimeProvider time, Func<NodeIdentity>? identity = null) : IImages
{
    private readonly BlobReads reads = new(connect, identity, time);

    public async Task<string> FetchAsync(VmImage image, IProgress<long>? progress, CancellationToken cancellation)
    {
        if (!ImageDigest.TryParse("sha256:" + image.Sha256, null, out var digest))
            throw new ImageException(ImageFailure.Refused, $"the image's digest '{image.Sha256}' is not a SHA-256");
        var plan = new ImagePlan(digest, image.SizeBytes, image.Format == "raw" ? DiskFormat.Raw : DiskFormat.Qcow2);
        var origin = new BlobOrigin();
        try
        {
            return await EnsureAsync(plan, origin, progress, cancellation);
        }
        catch (ImageException e) when (origin.FromPeers.Count > 0 && !origin.HostOnly
            && e.Reason is ImageFailure.WrongDigest or ImageFailure.WrongSize)
        {
            // Somebody lied. The host does not.
            await reads.ReportAsync(image.Sha256, origin, complete: false, cancellation);
            return await EnsureAsync(plan, new BlobOrigin { HostOnly = true }, progress, cancellation);
        }
    }

    public void RemoveUnused(Func<IReadOnlySet<ImageDigest>> inUse) => cache.RemoveUnused(inUse);

    private async Task<string> EnsureAsync(
        ImagePlan plan, BlobOrigin origin, IProgress<long>? progress, CancellationToken cancellation)
    {
        var path = await cache.EnsureAsync(
            plan, stop => reads.ReadAsync(plan.Digest.Hex, plan.Size, origin, stop), progress, cancellation);
        await reads.ReportAsync(plan.Digest.Hex, origin, complete: true, cancellation);
        return path;
    }
}
