using System.Buffers.Binary;

namespace Monolith.Modules.Tests.Images;

/// <summary>
/// A small qcow2 image, by the letters of the specification, to be spoilt: clusters of 512 bytes, a disk of 64 of them,
/// two with data.
/// <code>
///   0 header   1 refcount table   2 refcount block   3 L1   4 L2   5, 6 data
/// </code>
/// </summary>
internal static class Qcow2File
{
    public const int Cluster = 512;
    public const int Version = 4, BackingOffset = 8, BackingSize = 16, ClusterBits = 20, Size = 24, Crypt = 32, L1Size = 36,
        L1Offset = 40, RefcountOffset = 48, RefcountClusters = 56, Snapshots = 60, Features = 72, RefcountOrder = 96,
        HeaderLength = 100, Compression = 104, Extensions = 112;
    public const int RefcountTable = 1 * Cluster, L1 = 3 * Cluster, L2 = 4 * Cluster, Data = 5 * Cluster;
    public const ulong Copied = 1UL << 63, Compressed = 1UL << 62;

    public static byte[] Good()
    {
        var file = new byte[7 * Cluster];
        Four(file, 0, 0x514649fb);
        Four(file, Version, 3);
        Four(file, ClusterBits, 9);
        Eight(file, Size, 64 * Cluster);
        Four(file, L1Size, 1);
        Eight(file, L1Offset, L1);
        Eight(file, RefcountOffset, RefcountTable);
        Four(file, RefcountClusters, 1);
        Four(file, RefcountOrder, 4);
        Four(file, HeaderLength, 112);
        Eight(file, RefcountTable, 2 * Cluster);
        for (var i = 0; i < 7; i++) BinaryPrimitives.WriteUInt16BigEndian(file.AsSpan(2 * Cluster + 2 * i), 1);
        Eight(file, L1, Copied | L2);
        Eight(file, L2, Copied | Data);
        Eight(file, L2 + 8, Copied | (Data + Cluster));
        file.AsSpan(Data).Fill(0xab);
        return file;
    }

    public static void Four(byte[] file, int at, uint value) => BinaryPrimitives.WriteUInt32BigEndian(file.AsSpan(at), value);

    public static void Eight(byte[] file, int at, ulong value) => BinaryPrimitives.WriteUInt64BigEndian(file.AsSpan(at), value);
}
