using System.Security.Cryptography;
using Monolith.Disks;
using Monolith.Image.Imports;
using Monolith.Platform.Faults;

namespace Monolith.Image.Blobs;

/// <summary>Where images are kept.</summary>
/// <param name="Directory">Made when it is missing.</param>
public sealed record ImageOptions(string Directory)
{
    /// <summary>The largest disk that an image may claim.</summary>
    public long MaxDiskBytes { get; init; } = DiskInspection.MaxVirtualBytes;

    /// <summary>The largest disk that is converted to another format: as raw it takes all of that.</summary>
    public long MaxConvertedBytes { get; init; } = 1L << 40;

    /// <summary>Below <c>/usr</c>. Where it is missing, no image is converted.</summary>
    public string QemuImg { get; init; } = "/usr/bin/qemu-img";

    public ImportOptions Import { get; init; } = new();
}

/// <summary>Content that is complete and on the disk, but not in the store yet.</summary>
internal sealed record ReceivedBlob(string Path, string Sha256, long SizeBytes, DiskFinding Disk) : IDisposable
{
    /// <summary>What it was made of; null when it is what came.</summary>
    public ReceivedBlob? Source { get; init; }

    public void Dispose() => File.Delete(Path);
}

/// <summary>
/// Content-addressed files: <c>{directory}/sha256/{hex}</c>. A file under that name is whole and flushed. Uploads go to
/// <c>{directory}/incoming</c>, which is emptied at start, imports to <c>{directory}/importing</c>, where they go on after it.
/// </summary>
internal sealed class BlobStore(ImageOptions options) : IDisposable
{
    const int BufferBytes = 1 << 20;

    // A blob enters together with the commit of its first name and leaves together with the look for the last one.
    readonly SemaphoreSlim gate = new(1);

    public string Incoming => Path.Combine(options.Directory, "incoming");

    string Importing => Path.Combine(options.Directory, "importing");

    string Complete => Path.Combine(options.Directory, "sha256");

    /// <summary>Removes what a crash left behind.</summary>
    public void Prepare()
    {
        Directory.CreateDirectory(Complete);
        if (Directory.Exists(Incoming)) Directory.Delete(Incoming, recursive: true);
        Directory.CreateDirectory(Incoming);
        Directory.CreateDirectory(Importing);
    }

    /// <summary>What has come of an import so far.</summary>
    public string PartialOf(ImportId import) => Path.Combine(Importing, import.Uid.ToString("N"));

    /// <summary>The imports of which something is here.</summary>
    public IEnumerable<ImportId> Partials() => Directory.EnumerateFiles(Importing)
        .Select(f => Guid.TryParseExact(Path.GetFileName(f), "N", out var uid) ? new ImportId(uid) : (ImportId?)null)
        .OfType<ImportId>();

    public IEnumerable<string> All() => Directory.EnumerateFiles(Complete).Select(f => Path.GetFileName(f)!);

    public Stream? Open(string sha256)
    {
        if (!IsDigest(sha256)) return null;
        try
        {
            return new FileStream(PathOf(sha256), new FileStreamOptions
            {
                Mode = FileMode.Open,
                Access = FileAccess.Read,
                Share = FileShare.Read | FileShare.Delete,
                Options = FileOptions.Asynchronous | FileOptions.SequentialScan,
                BufferSize = 0,
            });
        }
        catch (FileNotFoundException)
        {
            return null;
        }
    }

    /// <summary>Puts received content into the store and commits its name, with no cleaning in between.</summary>
    public async Task<T> KeepAsync<T>(ReceivedBlob blob, Func<Task<T>> commit)
    {
        await gate.WaitAsync();
        try
        {
            File.Move(blob.Path, PathOf(blob.Sha256), overwrite: true);
            return await commit();
        }
        finally
        {
            gate.Release();
        }
    }

    /// <summary>Removes a blob unless something needs it.</summary>
    public async Task RemoveUnlessAsync(string sha256, Func<Task<bool>> needed)
    {
        if (!IsDigest(sha256)) return;
        await gate.WaitAsync();
        try
        {
            if (!await needed()) File.Delete(PathOf(sha256));
        }
        finally
        {
            gate.Release();
        }
    }

    /// <summary>Takes an upload: hashes, inspects, flushes. What is refused leaves nothing.</summary>
    /// <param name="chunks">The content; ends when it is complete, throws when it is not.</param>
    /// <param name="sha256">What the content should hash to, or empty.</param>
    /// <param name="sizeBytes">How long it should be, or 0.</param>
    public async Task<ReceivedBlob> ReceiveAsync(IAsyncEnumerable<ReadOnlyMemory<byte>> chunks, string sha256,
        long sizeBytes, CancellationToken cancel)
    {
        var path = Path.Combine(Incoming, Guid.NewGuid().ToString("N"));
        try
        {
            var (digest, size) = await WriteAsync(path, chunks, sizeBytes, cancel);
            var blob = await InspectAsync(path, digest, size, cancel);
            var violations = new Violations();
            violations.Require(sizeBytes == 0 || sizeBytes == size, "header.size_bytes",
                $"says {sizeBytes} bytes, but {size} came");
            violations.Require(sha256.Length == 0 || sha256 == digest, "header.sha256",
                $"says {sha256}, but the content that came has {digest}");
            violations.Require(blob.Disk.Refusal is null, "chunk", $"the image is refused: {blob.Disk.Refusal}");
            violations.ThrowIfAny();
            return blob;
        }
        catch (Exception e)
        {
            File.Delete(path);
            if (e is not IOException || !IsDiskFull(e)) throw;
            throw Full(e.Message);
        }
    }

    /// <summary>Looks at what is on the disk. Reads, and takes as long as there is to read.</summary>
    public async Task<ReceivedBlob> InspectAsync(string path, string sha256, long size, CancellationToken cancel) => new(path, sha256,
        size, await Task.Run(() => DiskInspection.Inspect(path, options.MaxDiskBytes, cancel), cancel));

    static async Task<(string Sha256, long Size)> WriteAsync(string path,
        IAsyncEnumerable<ReadOnlyMemory<byte>> chunks, long expected, CancellationToken cancel)
    {
        long size = 0;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        await using var file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, BufferBytes,
            FileOptions.Asynchronous);
        await foreach (var chunk in chunks.WithCancellation(cancel))
        {
            hash.AppendData(chunk.Span);
            size += chunk.Length;
            if (expected > 0 && size > expected)
                throw Fault.Invalid("header.size_bytes", $"says {expected} bytes, but more came");
            await file.WriteAsync(chunk, cancel);
        }
        await file.FlushAsync(cancel);
        file.Flush(flushToDisk: true);
        return (Convert.ToHexStringLower(hash.GetHashAndReset()), size);
    }

    public void Dispose() => gate.Dispose();

    string PathOf(string sha256) => Path.Combine(Complete, sha256);

    public static bool IsDigest(string text) => text.Length == 64 && text.All(c => c is >= '0' and <= '9' or >= 'a' and <= 'f');

    public static Fault Full(string cause) => new(Grpc.Core.StatusCode.ResourceExhausted, "IMAGE_STORE_FULL",
        "The image store has no room left. Delete images that are not needed, or ask the operators for more.")
    { Private = cause };

    // ENOSPC and EDQUOT, as .NET reports them.
    public static bool IsDiskFull(Exception e) => (e.HResult & 0xffff) is 28 or 122;
}
