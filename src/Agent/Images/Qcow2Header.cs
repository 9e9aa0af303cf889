using System.Buffers.Binary;

namespace Monolith.Agent.Images;

/// <summary>
/// What the head of a qcow2 file says (QEMU docs/interop/qcow2.txt). Pure. An image comes from a tenant: one that
/// names another file would read it from the hypervisor's disk, so it never reaches QEMU.
/// </summary>
/// <param name="Version">2 or 3.</param>
/// <param name="VirtualSize">Bytes that the guest sees.</param>
/// <param name="ClusterBits">Cluster size as a power of two.</param>
/// <param name="HasBackingFile">It is a layer over another file.</param>
/// <param name="HasDataFile">Its data is in another file.</param>
/// <param name="IsEncrypted">It cannot be read without a secret.</param>
public readonly record struct Qcow2Header(
    int Version, ulong VirtualSize, int ClusterBits, bool HasBackingFile, bool HasDataFile, bool IsEncrypted)
{
    /// <summary>Bytes that are enough to decide.</summary>
    public const int Length = 104;

    /// <summary>64 TiB.</summary>
    public const ulong VirtualSizeLimit = 1UL << 46;

    private const uint Magic = 0x514649fb; // "QFI\xfb"
    private const ulong DataFileFeature = 1 << 2;
    private const ulong KnownFeatures = 0b1_1111; // dirty, corrupt, data file, compression type, extended L2

    public static bool IsQcow2(ReadOnlySpan<byte> head) =>
        head.Length >= 4 && BinaryPrimitives.ReadUInt32BigEndian(head) == Magic;

    /// <returns>Null when the bytes can be used as an image; else why not, in words that a tenant may read.</returns>
    public static string? Refuse(ReadOnlySpan<byte> head, out Qcow2Header header)
    {
        header = default;
        if (!IsQcow2(head)) return "it is not a qcow2 file";
        if (head.Length < 72) return "its header is cut off";
        var version = BinaryPrimitives.ReadUInt32BigEndian(head[4..]);
        if (version is not (2 or 3)) return $"its qcow2 version is {version}, not 2 or 3";
        if (version == 3 && head.Length < Length) return "its header is cut off";
        var features = version == 3 ? BinaryPrimitives.ReadUInt64BigEndian(head[72..]) : 0;
        header = new Qcow2Header(
            (int)version,
            BinaryPrimitives.ReadUInt64BigEndian(head[24..]),
            (int)Math.Min(BinaryPrimitives.ReadUInt32BigEndian(head[20..]), 64),
            BinaryPrimitives.ReadUInt64BigEndian(head[8..]) != 0
                || BinaryPrimitives.ReadUInt32BigEndian(head[16..]) != 0,
            (features & DataFileFeature) != 0,
            BinaryPrimitives.ReadUInt32BigEndian(head[32..]) != 0);
        return header.Refuse(features);
    }

    private string? Refuse(ulong features)
    {
        if (HasBackingFile) return "it names a backing file; flatten it with qemu-img convert";
        if (HasDataFile) return "it names an external data file; flatten it with qemu-img convert";
        if (IsEncrypted) return "it is encrypted";
        if ((features & ~KnownFeatures) != 0) return $"it needs qcow2 features that are not known: 0x{features:x}";
        if (ClusterBits is < 9 or > 21) return $"its cluster size is 2^{ClusterBits} bytes, not 2^9 to 2^21";
        if (VirtualSize == 0) return "its virtual size is zero";
        if (VirtualSize > VirtualSizeLimit) return $"its virtual size of {VirtualSize} bytes is over 64 TiB";
        return null;
    }
}
