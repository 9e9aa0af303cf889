using System.Security.Cryptography;
using Monolith.Disks;
using Monolith.Image.Blobs;
using Monolith.Platform.Faults;
using Format = Monolith.Image.V1.Image.Types.Format;

namespace Monolith.Image.Conversion;

/// <summary>
/// Makes another format of an image, with qemu-img in a <see cref="Sandbox"/>. Both formats are said and none is guessed;
/// what comes out is looked at as if a tenant had sent it, for it is made of what one sent: a raw disk that begins as
/// another format would be taken for that.
/// </summary>
internal sealed class Converter(BlobStore blobs, ImageOptions options)
{
    const long MemoryBytes = 2L << 30;
    static readonly TimeSpan Deadline = TimeSpan.FromHours(1);

    readonly Sandbox sandbox = new(blobs.Incoming);
    bool works;

    /// <exception cref="Fault">FAILED_PRECONDITION: not on this host.</exception>
    public async Task RequireAsync(string image, CancellationToken cancel)
    {
        if (works) return;
        var missing = File.Exists(options.QemuImg)
            ? await sandbox.MissingAsync(cancel)
            : $"{options.QemuImg} is missing; install the package qemu-utils";
        if (missing is not null)
            throw Fault.Precondition("CONVERSION_UNAVAILABLE", image,
                $"This host cannot convert images: {missing}. Or convert it before, and leave store_as out.");
        works = true;
    }

    /// <summary>The blob in that format: itself when it is, and when none is asked for.</summary>
    /// <returns>To be disposed; the blob that is given is not.</returns>
    /// <exception cref="Fault">It cannot be converted.</exception>
    public async Task<ReceivedBlob> ConvertAsync(ReceivedBlob blob, Format format, CancellationToken cancel)
    {
        var wanted = format switch
        {
            Format.Raw => DiskKind.Raw,
            Format.Qcow2 => DiskKind.Qcow2,
            _ => blob.Disk.Kind,
        };
        if (wanted == blob.Disk.Kind) return blob;
        if (blob.Disk.VirtualSizeBytes > options.MaxConvertedBytes)
            throw Refuse($"its disk of {blob.Disk.VirtualSizeBytes} bytes is over the {options.MaxConvertedBytes} that are converted");
        var target = Path.Combine(blobs.Incoming, Guid.NewGuid().ToString("N"));
        try
        {
            await using (File.Create(target)) { }
            await RunAsync(blob, wanted, target, cancel);
            return await ReadAsync(blob, wanted, target, cancel);
        }
        catch (Exception e)
        {
            File.Delete(target);
            if (e is IOException && BlobStore.IsDiskFull(e)) throw BlobStore.Full(e.Message);
            throw;
        }
    }

    async Task RunAsync(ReceivedBlob blob, DiskKind wanted, string target, CancellationToken cancel)
    {
        // Tables and reference counts are less than that of a disk.
        var most = blob.Disk.VirtualSizeBytes + (blob.Disk.VirtualSizeBytes >> 5) + (16 << 20);
        try
        {
            var result = await sandbox.RunAsync(
                [options.QemuImg, "convert", "-q", "-f", Word(blob.Disk.Kind), "-O", Word(wanted), Sandbox.Source, Sandbox.Target],
                blob.Path, target, new(most, MemoryBytes, Deadline), cancel);
            if (result.ExitCode == 0) return;
            throw result.Output.Contains("No space left", StringComparison.Ordinal)
                ? BlobStore.Full(result.Output)
                : Refuse($"qemu-img ended with {result.ExitCode}: {result.Output.Trim().ReplaceLineEndings(" ")}");
        }
        catch (TimeoutException e)
        {
            throw Refuse(e.Message);
        }
    }

    async Task<ReceivedBlob> ReadAsync(ReceivedBlob blob, DiskKind wanted, string target, CancellationToken cancel)
    {
        await using var file = new FileStream(target, FileMode.Open, FileAccess.ReadWrite, FileShare.Read, 1 << 20, FileOptions.Asynchronous);
        var digest = Convert.ToHexStringLower(await SHA256.HashDataAsync(file, cancel));
        file.Flush(flushToDisk: true);
        var disk = await Task.Run(() => DiskInspection.Inspect(target, options.MaxDiskBytes, cancel), cancel);
        if (disk.Refusal is not null || disk.Kind != wanted)
            throw Refuse($"what came out is not {Word(wanted)}: {disk.Refusal ?? "it begins as another format does"}");
        return new(target, digest, file.Length, disk) { Source = blob };
    }

    static string Word(DiskKind kind) => kind == DiskKind.Raw ? "raw" : "qcow2";

    static Fault Refuse(string why) => Fault.Invalid("store_as", $"the image could not be converted: {why}");
}
