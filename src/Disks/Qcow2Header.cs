using System.Buffers.Binary;

namespace Monolith.Disks;

/// <summary>What the head of a qcow2 file says (QEMU docs/interop/qcow2.txt). Pure.</summary>
public readonly record struct Qcow2Header
{
    /// <summary>Bytes that are enough for all that is said here.</summary>
    public const int Length = 104;

    private const uint Magic = 0x514649fb; // "QFI\xfb"

    private const ulong CorruptFeature = 1 << 1;
    private const ulong DataFileFeature = 1 << 2;
    private const ulong CompressionFeature = 1 << 3;
    private const ulong ExtendedL2Feature = 1 << 4;
    private const ulong KnownFeatures = 0b1_1111; // dirty, corrupt, data file, compression type, extended L2

    private const uint BackingFormatExtension = 0xe2792aca;
    private const uint DataFileExtension = 0x44415441;
    private const uint EncryptionExtension = 0x0537be77;
    private const uint BitmapsExtension = 0x23852875;

    private const string Flatten = "flatten it with qemu-img convert -O qcow2";

    /// <summary>2 or 3.</summary>
    public int Version { get; private init; }

    /// <summary>Bytes that the guest sees.</summary>
    public ulong VirtualSize { get; private init; }

    /// <summary>Cluster size as a power of two.</summary>
    public int ClusterBits { get; private init; }

    /// <summary>It is a layer over another file.</summary>
    public bool HasBackingFile { get; private init; }

    /// <summary>Its data is in another file.</summary>
    public bool HasDataFile => (Features & DataFileFeature) != 0;

    /// <summary>It cannot be read without a secret.</summary>
    public bool IsEncrypted { get; private init; }

    /// <summary>Entries of its second tables have a bitmap beside them.</summary>
    public bool HasExtendedL2 => (Features & ExtendedL2Feature) != 0;

    internal ulong Features { get; private init; }

    internal uint L1Entries { get; private init; }

    internal ulong L1Offset { get; private init; }

    internal ulong RefcountOffset { get; private init; }

    internal uint RefcountClusters { get; private init; }

    internal uint Snapshots { get; private init; }

    internal uint RefcountOrder { get; private init; }

    internal uint HeaderLength { get; private init; }

    internal byte CompressionType { get; private init; }

    public static bool IsQcow2(ReadOnlySpan<byte> head) =>
        head.Length >= 4 && BinaryPrimitives.ReadUInt32BigEndian(head) == Magic;

    /// <param name="head">At least <see cref="Length"/> bytes of the file, unless it is shorter.</param>
    /// <param name="header">What it says, also of a layer that is refused for being one.</param>
    /// <param name="maxVirtualBytes">The largest disk that is taken.</param>
    /// <returns>Null when nothing speaks against it so far; else why not, in words that a tenant may read.</returns>
    public static string? Refuse(
        ReadOnlySpan<byte> head, out Qcow2Header header, long maxVirtualBytes = DiskInspection.MaxVirtualBytes)
    {
        header = default;
        if (!IsQcow2(head)) return "it is not a qcow2 file";
        if (head.Length < 72) return "its header is cut off";
        var version = Four(head, 4);
        if (version is not (2 or 3)) return $"its qcow2 version is {version}, not 2 or 3";
        if (version == 3 && head.Length < Length) return "its header is cut off";
        header = new Qcow2Header
        {
            Version = (int)version,
            HasBackingFile = Eight(head, 8) != 0 || Four(head, 16) != 0,
            ClusterBits = (int)Math.Min(Four(head, 20), 64),
            VirtualSize = Eight(head, 24),
            IsEncrypted = Four(head, 32) != 0,
            L1Entries = Four(head, 36),
            L1Offset = Eight(head, 40),
            RefcountOffset = Eight(head, 48),
            RefcountClusters = Four(head, 56),
            Snapshots = Four(head, 60),
            Features = version == 3 ? Eight(head, 72) : 0,
            RefcountOrder = version == 3 ? Four(head, 96) : 4,
            HeaderLength = version == 3 ? Four(head, 100) : 72,
            CompressionType = version == 3 && head.Length > Length && Four(head, 100) > Length ? head[Length] : (byte)0,
        };
        return header.Refuse(maxVirtualBytes);
    }

    private string? Refuse(long maxVirtualBytes)
    {
        if (HasBackingFile) return $"it names a backing file; {Flatten}";
        if (HasDataFile) return $"it names an external data file; {Flatten}";
        if (IsEncrypted) return "it is encrypted";
        if ((Features & ~KnownFeatures) != 0) return $"it needs qcow2 features that are not known: 0x{Features:x}";
        if ((Features & CorruptFeature) != 0) return "it is marked as corrupt; repair it with qemu-img check -r all";
        if (ClusterBits is < 9 or > 21) return $"its cluster size is 2^{ClusterBits} bytes, not 2^9 to 2^21";
        if (VirtualSize == 0) return "its virtual size is zero";
        if (VirtualSize > (ulong)maxVirtualBytes) return DiskInspection.TooLarge(VirtualSize, maxVirtualBytes);
        if (RefcountOrder > 6) return $"its reference counts have 2^{RefcountOrder} bits, not 2^0 to 2^6";
        if (Version == 3 && (HeaderLength < Length || HeaderLength % 8 != 0 || HeaderLength > 1u << ClusterBits))
            return $"its header claims a length of {HeaderLength} bytes";
        if (CompressionType != 0 && (Features & CompressionFeature) == 0 || CompressionType > 1)
            return $"its compression type {CompressionType} is not known";
        if (HasExtendedL2 && ClusterBits < 14) return "its clusters are too small for its kind of tables";
        // They would travel with it, unseen, to everybody who may use it.
        return Snapshots > 0 ? $"it has {Snapshots} snapshots inside; {Flatten}" : null;
    }

    /// <param name="head">As much of the file as the header and its extensions may take.</param>
    internal string? RefuseExtensions(ReadOnlySpan<byte> head)
    {
        var end = Math.Min(head.Length, 1 << ClusterBits);
        for (long at = HeaderLength; at + 8 <= end;)
        {
            var (type, length) = (Four(head, (int)at), Four(head, (int)at + 4));
            switch (type)
            {
                case 0: return null;
                case BackingFormatExtension: return $"it names a backing file's format; {Flatten}";
                case DataFileExtension: return $"it names an external data file; {Flatten}";
                case EncryptionExtension: return "it is encrypted";
                case BitmapsExtension: return $"it carries the bitmaps of a backup; {Flatten}";
            }
            at += 8 + (((long)length + 7) / 8 * 8);
            if (at > end) return "its header's extensions do not fit the header";
        }
        // The end may be said by the end of the cluster alone.
        return null;
    }

    private static uint Four(ReadOnlySpan<byte> head, int at) => BinaryPrimitives.ReadUInt32BigEndian(head[at..]);

    private static ulong Eight(ReadOnlySpan<byte> head, int at) => BinaryPrimitives.ReadUInt64BigEndian(head[at..]);
}
