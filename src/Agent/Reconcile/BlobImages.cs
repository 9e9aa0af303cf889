using System.Collections.Concurrent;
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

    // Fetches that nobody waits for. Who does joins them, and makes them hurry.
    private readonly ConcurrentDictionary<ImageDigest, BlobOrigin> ahead = new();

    public Task<string> FetchAsync(VmImage image, IProgress<long>? progress, CancellationToken cancellation)
    {
        var plan = PlanOf(image);
        if (ahead.TryGetValue(plan.Digest, out var patient)) patient.Patient = false;
        return FetchAsync(plan, new BlobOrigin(), progress, cancellation);
    }

    public async Task FetchAheadAsync(
        VmImage image, Func<IReadOnlySet<ImageDigest>> inUse, IProgress<long>? progress, CancellationToken cancellation)
    {
        var plan = PlanOf(image);
        cache.MakeRoom(plan, inUse);
        var origin = ahead[plan.Digest] = new BlobOrigin { Patient = true };
        try
        {
            await FetchAsync(plan, origin, progress, cancellation);
        }
        finally
        {
            ahead.TryRemove(new(plan.Digest, origin));
        }
    }

    public void Keep(IReadOnlyList<VmImage> wanted) => cache.Keep([.. wanted.Select(PlanOf)]);

    public bool Holds(VmImage image) => File.Exists(cache.PathOf(PlanOf(image).Digest));

    private static ImagePlan PlanOf(VmImage image) => ImageDigest.TryParse("sha256:" + image.Sha256, null, out var digest)
        ? new ImagePlan(digest, image.SizeBytes, image.Format == "raw" ? DiskFormat.Raw : DiskFormat.Qcow2)
        : throw new ImageException(ImageFailure.Refused, $"the image's digest '{image.Sha256}' is not a SHA-256");

    private async Task<string> FetchAsync(
        ImagePlan plan, BlobOrigin origin, IProgress<long>? progress, CancellationToken cancellation)
    {
        try
        {
            return await EnsureAsync(plan, origin, progress, cancellation);
        }
        catch (ImageException e) when (origin.FromPeers.Count > 0 && !origin.HostOnly
            && e.Reason is ImageFailure.WrongDigest or ImageFailure.WrongSize)
        {
            // Somebody lied. The host does not.
            await reads.ReportAsync(plan.Digest.Hex, origin, complete: false, cancellation);
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
