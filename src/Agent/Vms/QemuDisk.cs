using System.Buffers.Binary;
using System.Globalization;
using Monolith.Agent.Images;
using Monolith.Agent.Native.Safe;
using Monolith.Disks;

namespace Monolith.Agent.Vms;

/// <summary>Root disks by qemu-img. Each step may be repeated after a crash in its middle.</summary>
internal sealed class QemuDisk(string qemuImg, ProcessUser? owner)
{
    // The first cluster: the header with its extensions, and the image's path.
    private const int NamesLength = 64 * 1024;
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    /// <summary>Makes a layer over the base that is as large as the plan says.</summary>
    public async Task CreateAsync(VmFiles files, VmPlan plan, string baseImage, CancellationToken cancellation)
    {
        var size = SizeOf(plan);
        var needed = await VirtualSizeAsync(baseImage, plan.ImageFormat, cancellation);
        if (needed > size)
            throw new VmException(
                VmFailure.BadImage,
                $"the image of VM {plan.Id} is {Gib(needed)} GiB large and its disk {plan.DiskGib} GiB: "
                + "choose a flavor with a larger disk");
        // The base's format is said, never probed: a raw image may look like anything that its guest wrote. And the base
        // is not even opened (-u): a tenant's bytes are for QEMU alone, which runs without privileges.
        await RunAsync(
            ["create", "-q", "-u", "-f", "qcow2", "-F", FormatName(plan.ImageFormat), "-b", Path.GetFullPath(baseImage),
                files.NewDisk, Text(size)],
            files, "make the disk", cancellation);
        owner?.Own(files.NewDisk);
        using (var handle = File.OpenHandle(files.NewDisk, FileMode.Open, FileAccess.ReadWrite))
            RandomAccess.FlushToDisk(handle);
        File.Move(files.NewDisk, files.Disk, overwrite: true);
        ProcessDirectory.Sync(files.Directory);
    }

    /// <returns>Bytes that the disk lacks to be as large as the plan says; 0 when it is large enough.</returns>
    public static long Lacks(VmFiles files, VmPlan plan)
    {
        var head = Head(files.Disk);
        // Our own layer: it does name a backing file.
        _ = Qcow2Header.Refuse(head, out var header);
        return Math.Max(0, SizeOf(plan) - (long)header.VirtualSize);
    }

    /// <summary>Only while no QEMU has the disk open.</summary>
    public Task GrowAsync(VmFiles files, VmPlan plan, CancellationToken cancellation) =>
        RunAsync(
            ["resize", "-q", "-f", "qcow2", files.Disk, Text(SizeOf(plan))], files, "grow the disk", cancellation);

    /// <summary>Makes the disk that a VM is rescued with, as large as its image; anew each time.</summary>
    public async Task CreateRescueAsync(VmFiles files, VmRescue rescue, CancellationToken cancellation)
    {
        _ = await VirtualSizeAsync(rescue.Path, rescue.Format, cancellation);
        File.Delete(files.Rescue);
        await RunAsync(
            ["create", "-q", "-f", "qcow2", "-F", FormatName(rescue.Format), "-b", Path.GetFullPath(rescue.Path),
                files.Rescue],
            files, "make the disk that it is rescued with", cancellation);
        owner?.Own(files.Rescue);
    }

    /// <summary>Makes an empty file as large as the disk, which QEMU is to fill.</summary>
    public async Task CreateCopyAsync(VmFiles files, CancellationToken cancellation)
    {
        _ = Qcow2Header.Refuse(Head(files.Disk), out var header);
        File.Delete(files.NewSnapshot);
        await RunAsync(
            ["create", "-q", "-f", "qcow2", files.NewSnapshot, Text((long)header.VirtualSize)], files,
            "make a file for a copy of the disk", cancellation);
        owner?.Own(files.NewSnapshot);
    }

    /// <returns>Bytes that a copy of the disk takes at most, image included.</returns>
    public static long CopySize(VmFiles files, VmPlan? plan)
    {
        var head = Head(files.Disk, NamesLength);
        _ = Qcow2Header.Refuse(head, out var header);
        var image = BackingOf(head);
        var held = new FileInfo(files.Disk).Length + (File.Exists(image) ? new FileInfo(image).Length : 0);
        return Math.Min(held, plan is null ? held : SizeOf(plan) + ((long)header.VirtualSize >> 10));
    }

    /// <summary>The image's path, as our own layer names it (docs/interop/qcow2 of QEMU); empty for none.</summary>
    private static string BackingOf(ReadOnlySpan<byte> head)
    {
        if (head.Length < 20) return "";
        var at = (int)Math.Min(BinaryPrimitives.ReadUInt64BigEndian(head[8..]), int.MaxValue);
        var length = (int)Math.Min(BinaryPrimitives.ReadUInt32BigEndian(head[16..]), 1023);
        return at > 0 && at + length <= head.Length ? System.Text.Encoding.UTF8.GetString(head.Slice(at, length)) : "";
    }

    public static long SizeOf(VmPlan plan) => (long)plan.DiskGib << 30;

    private static async Task<long> VirtualSizeAsync(string image, DiskFormat format, CancellationToken cancellation)
    {
        await Task.Yield();
        cancellation.ThrowIfCancellationRequested();
        if (!File.Exists(image))
            throw new VmException(VmFailure.BadImage, $"the image {image} is not in the cache: fetch it first");
        if (format == DiskFormat.Raw) return new FileInfo(image).Length;
        var refusal = Qcow2Header.Refuse(Head(image), out var header);
        return refusal is null
            ? (long)header.VirtualSize
            : throw new VmException(VmFailure.BadImage, $"the image {Path.GetFileName(image)} is refused: {refusal}");
    }

    private static byte[] Head(string path, int length = Qcow2Header.Length)
    {
        using var handle = File.OpenHandle(path);
        var head = new byte[length];
        var read = RandomAccess.Read(handle, head, 0);
        return head[..read];
    }

    private async Task RunAsync(
        IReadOnlyList<string> arguments, VmFiles files, string step, CancellationToken cancellation)
    {
        ProcessResult result;
        try
        {
            result = await ProcessCommand.RunAsync(qemuImg, arguments, files.Directory, Deadline, cancellation);
        }
        catch (FileNotFoundException e)
        {
            throw new VmException(
                VmFailure.NotInstalled, $"cannot {step}: {qemuImg} is missing; install qemu-utils", e);
        }
        catch (TimeoutException e)
        {
            throw new VmException(VmFailure.Unresponsive, $"cannot {step}: {e.Message}", e);
        }
        if (result.Succeeded) return;
        File.Delete(files.NewDisk);
        var full = result.Output.Contains("No space left", StringComparison.Ordinal);
        throw new VmException(
            full ? VmFailure.NoSpace : VmFailure.BadImage,
            $"cannot {step} in {files.Directory}: {result.Output.Trim().ReplaceLineEndings(" ")}");
    }

    private static string FormatName(DiskFormat format) => format == DiskFormat.Raw ? "raw" : "qcow2";

    private static string Gib(long bytes) => (bytes / (double)(1 << 30)).ToString("0.##", CultureInfo.InvariantCulture);

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
