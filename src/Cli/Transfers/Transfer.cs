using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;
using Monolith.Cli.Session;
using Monolith.Image.V1;

namespace Monolith.Cli.Transfers;

/// <summary>Moves images: what arrives is always what was sent, or nothing.</summary>
internal static class Transfer
{
    const int Chunk = 1 << 20;

    public static FileStream Open(string file)
    {
        try
        {
            return new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.Read, Chunk, useAsync: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"{file} cannot be read: {error.Message}");
        }
    }

    /// <summary>Lower-case hex; the stream is left at its beginning.</summary>
    public static async Task<string> HashAsync(Stream content, TransferProgress progress, CancellationToken cancel)
    {
        progress.Begin("hashing", content.Length);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[Chunk];
        for (int count; (count = await content.ReadAsync(buffer, cancel)) > 0;)
        {
            hash.AppendData(buffer, 0, count);
            progress.Add(count);
        }
        content.Position = 0;
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    public static async IAsyncEnumerable<IMessage> PartsAsync(
        UploadImageRequest.Types.Header header, Stream content, TransferProgress progress,
        [EnumeratorCancellation] CancellationToken cancel)
    {
        yield return new UploadImageRequest { Header = header };
        if (header.ValidateOnly)
            yield break;
        progress.Begin("uploading", content.Length);
        while (true)
        {
            // A message may still be on its way when the next is read: each has a buffer of its own.
            var buffer = new byte[Chunk];
            var count = await content.ReadAtLeastAsync(buffer, Chunk, throwOnEndOfStream: false, cancel);
            if (count == 0)
                yield break;
            yield return new UploadImageRequest { Chunk = UnsafeByteOperations.UnsafeWrap(buffer.AsMemory(0, count)) };
            progress.Add(count);
        }
    }

    /// <summary>Writes to a file beside the target, checks it, and then gives it its name.</summary>
    public static async Task DownloadAsync(
        Run run, MethodDescriptor method, string name, string path, TransferProgress progress)
    {
        var partial = path + ".part";
        Image.V1.Image? image = null;
        await using (var target = new FileStream(
            partial, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, Chunk, true))
        {
            target.Position = target.Length;
            for (var attempt = 1; ; attempt++)
                try
                {
                    image = await ReceiveAsync(run, method, name, target, progress);
                    break;
                }
                catch (RpcException error) when (error.StatusCode == StatusCode.Unavailable && attempt < 5)
                {
                    await Task.Delay(TimeSpan.FromMilliseconds(200 * attempt), run.Around.Time, run.Cancel);
                }
            target.Position = 0;
            var sum = await HashAsync(target, progress, run.Cancel);
            if (sum != image.Sha256)
            {
                target.Close();
                File.Delete(partial);
                throw new UsageException($"What arrived has the sha256 {sum}; {name} has {image.Sha256}.",
                    "Download it again: the image was replaced meanwhile, or the part that was here was another's.");
            }
        }
        File.Move(partial, path, overwrite: true);
    }

    static async Task<Image.V1.Image> ReceiveAsync(
        Run run, MethodDescriptor method, string name, FileStream target, TransferProgress progress)
    {
        Image.V1.Image? image = null;
        var request = new DownloadImageRequest { Name = name, Offset = target.Length };
        await foreach (var message in run.Calls.StreamAsync(method, request, run.Cancel))
        {
            var part = (DownloadImageResponse)message;
            if (part.PartCase == DownloadImageResponse.PartOneofCase.Image)
            {
                image = part.Image;
                progress.Begin("downloading", image.SizeBytes);
                progress.Add(target.Length);
                continue;
            }
            await target.WriteAsync(part.Chunk.Memory, run.Cancel);
            progress.Add(part.Chunk.Length);
        }
        await target.FlushAsync(run.Cancel);
        return image ?? throw new RpcException(new Status(StatusCode.Internal, "The host sent no image."));
    }
}
