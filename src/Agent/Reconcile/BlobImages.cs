using System.Runtime.CompilerServices;
using Grpc.Core;
using Monolith.Agent.Images;
using Monolith.Agent.V1;

namespace Monolith.Agent.Reconcile;

/// <summary>Images from the host's blob service, kept in the machine's cache.</summary>
public sealed class BlobImages(ImageCache cache, Func<CallInvoker> connect, TimeProvider time) : IImages
{
    /// <summary>How long the host may be silent in the middle of a blob.</summary>
    private static readonly TimeSpan ChunkDeadline = TimeSpan.FromSeconds(30);

    public Task<string> FetchAsync(VmImage image, IProgress<long>? progress, CancellationToken cancellation)
    {
        if (!ImageDigest.TryParse("sha256:" + image.Sha256, null, out var digest))
            throw new ImageException(ImageFailure.Refused, $"the image's digest '{image.Sha256}' is not a SHA-256");
        var format = image.Format == "raw" ? DiskFormat.Raw : DiskFormat.Qcow2;
        return cache.EnsureAsync(
            new ImagePlan(digest, image.SizeBytes, format), stop => ReadAsync(image.Sha256,
                stop), progress, cancellation);
    }

    public void RemoveUnused(Func<IReadOnlySet<ImageDigest>> inUse) => cache.RemoveUnused(inUse);

    private async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadAsync(
        string sha256, [EnumeratorCancellation] CancellationToken cancellation)
    {
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using var call = new BlobService.BlobServiceClient(connect())
            .ReadBlob(new ReadBlobRequest { Sha256 = sha256 }, cancellationToken: silence.Token);
        while (await NextAsync(call.ResponseStream, silence, cancellation))
            yield return call.ResponseStream.Current.Chunk.Memory;
    }

    private async Task<bool> NextAsync(
        IAsyncStreamReader<ReadBlobResponse> from, CancellationTokenSource silence, CancellationToken cancellation)
    {
        try
        {
            return await from.MoveNext(cancellation).WaitAsync(ChunkDeadline, time, cancellation);
        }
        catch (TimeoutException)
        {
            await silence.CancelAsync();
            throw new IOException($"the host sent nothing for {ChunkDeadline.TotalSeconds:0} s");
        }
        catch (RpcException e)
        {
            throw new IOException(
                e.StatusCode == StatusCode.NotFound
                    ? "the host has no such image any more: choose another one"
                    : $"the host answered {e.StatusCode}: {e.Status.Detail}",
                e);
        }
    }
}
