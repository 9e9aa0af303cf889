using System.Buffers.Binary;

namespace Monolith.Image.Blobs;

/// <summary>What a disk image turned out to be.</summary>
/// <param name="VirtualSizeBytes">The disk that the guest sees.</param>
/// <param name="Error">Why it is refused; null when it is not.</param>
internal sealed record DiskFormat(bool IsQcow2, long VirtualSizeBytes, string? Error = null);

/// <summary>
/// Looks at the first bytes of an image and believes nothing (qcow2: docs/interop/qcow2 of QEMU, version 2 and 3).
/// An image is data of its own: one that names other files of the machine that opens it is an attack.
/// </summary>
internal static class DiskInspection
{
    /// <summary>Enough for the header and its extensions.</summary>
    public const int HeadBytes = 64 * 1024;

    /// <summary>The largest disk that is taken, 64 TiB.</summary>
    public const long MaxVirtualBytes = 64L << 40;

    const uint Magic = 0x514649fb;
    const ulong IncompatibleExternalData = 1UL << 2;
    const ulong IncompatibleKnown = 0b11111;
    const uint ExtensionBackingFormat = 0xe2792aca;
    const uint ExtensionExternalData = 0x44415441;

    /// <param name="head">The first bytes, up to <see cref="HeadBytes"/>.</param>
    /// <param name="sizeBytes">Of the whole file.</param>
    public static DiskFormat Inspect(ReadOnlySpan<byte> head, long sizeBytes)
    {
        if (head.Length < 4 || BinaryPrimitives.ReadUInt32BigEndian(head) != Magic) return Raw(head, sizeBytes);
        if (head.Length < 72) return Refuse("the qcow2 header is cut off");
        var version = BinaryPrimitives.ReadUInt32BigEndian(head[4..]);
        if (version is not (2 or 3)) return Refuse($"qcow2 version {version} is not known");
        if (BinaryPrimitives.ReadUInt64BigEndian(head[8..]) != 0 || BinaryPrimitives.ReadUInt32BigEndian(head[16..]) != 0)
            return Refuse("it has a backing file. Flatten it first: qemu-img convert -O qcow2");
        var clusterBits = BinaryPrimitives.ReadUInt32BigEndian(head[20..]);
        if (clusterBits is < 9 or > 21) return Refuse($"its cluster size of 2^{clusterBits} bytes is out of range");
        var size = BinaryPrimitives.ReadUInt64BigEndian(head[24..]);
        if (size is 0 or > (ulong)MaxVirtualBytes)
            return Refuse($"it claims a disk of {size} bytes; 1 byte to {MaxVirtualBytes} are taken");
        if (BinaryPrimitives.ReadUInt32BigEndian(head[32..]) != 0) return Refuse("it is encrypted");
        if (BinaryPrimitives.ReadUInt64BigEndian(head[40..]) >= (ulong)sizeBytes)
            return Refuse("its tables lie beyond its end: the upload was cut off, or the file is broken");
        if (version == 3)
        {
            if (head.Length < 104) return Refuse("the qcow2 header is cut off");
            var incompatible = BinaryPrimitives.ReadUInt64BigEndian(head[72..]);
            if ((incompatible & IncompatibleExternalData) != 0) return Refuse("it keeps its data in an external file");
            if ((incompatible & ~IncompatibleKnown) != 0) return Refuse("it uses features that are not known");
            var length = BinaryPrimitives.ReadUInt32BigEndian(head[100..]);
            if (Extensions(head, length) is { } error) return Refuse(error);
        }
        return new(true, (long)size);
    }

    static string? Extensions(ReadOnlySpan<byte> head, uint at)
    {
        while (at + 8 <= head.Length)
        {
            var type = BinaryPrimitives.ReadUInt32BigEndian(head[(int)at..]);
            var length = BinaryPrimitives.ReadUInt32BigEndian(head[((int)at + 4)..]);
            if (type == 0) return null;
            if (type == ExtensionBackingFormat) return "it has a backing file";
            if (type == ExtensionExternalData) return "it keeps its data in an external file";
            if (length > HeadBytes) return "its header is broken";
            at += 8 + (length + 7) / 8 * 8;
        }
        return "its header is broken";
    }

    static DiskFormat Raw(ReadOnlySpan<byte> head, long sizeBytes)
    {
        if (sizeBytes < 512) return Refuse("it is too small to be a disk");
        foreach (var (magic, name) in Others)
            if (head.StartsWith(magic))
                return Refuse($"it is {name}. Convert it first: qemu-img convert -O qcow2");
        return new(false, sizeBytes);
    }

    // Kinds that a raw disk would be mistaken for; a gzip or xz file is a common slip.
    static readonly (byte[] Magic, string Name)[] Others =
    [
        ("KDMV"u8.ToArray(), "a VMDK image"),
        ("# Disk DescriptorFile"u8.ToArray(), "a VMDK descriptor"),
        ("conectix"u8.ToArray(), "a VHD image"),
        ("vhdxfile"u8.ToArray(), "a VHDX image"),
        ("QED\0"u8.ToArray(), "a QED image"),
        ([0x1f, 0x8b], "compressed with gzip"),
        ([0xfd, 0x37, 0x7a, 0x58, 0x5a], "compressed with xz"),
        ([0x28, 0xb5, 0x2f, 0xfd], "compressed with zstd"),
        ("BZh"u8.ToArray(), "compressed with bzip2"),
    ];

    static DiskFormat Refuse(string error) => new(false, 0, error);
}
