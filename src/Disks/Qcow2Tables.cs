using System.Buffers.Binary;

namespace Monolith.Disks;

/// <summary>
/// Whether the tables of a qcow2 file describe what is in the file. Each entry is looked at:
/// <code>
///   header ─▶ L1 ─▶ L2 ─▶ clusters of data      every arrow ends inside the file, at the beginning of a cluster
///      └────▶ refcount table ─▶ blocks
/// </code>
/// A cluster belongs to one thing. So what all arrows together point to is not larger than the file, but for what is
/// compressed, and that no more than a compressor makes of it: else a small file would be a large disk that costs all
/// who read it. This also bounds the work, for tables that are named twice are more than the file can hold.
/// </summary>
internal sealed class Qcow2Tables(Qcow2Header header, long sizeBytes, ReadAt read)
{
    /// <summary>QEMU's own: 32 MiB.</summary>
    private const uint MaxL1Entries = (32 << 20) / 8;

    /// <summary>QEMU's own.</summary>
    private const long MaxRefcountBytes = 8 << 20;

    /// <summary>Deflate makes at most 1032 bytes of one.</summary>
    private const long MaxExpansion = 1100;

    private const ulong OffsetMask = 0x00ff_ffff_ffff_fe00;
    private const ulong CopiedFlag = 1UL << 63;
    private const ulong CompressedFlag = 1UL << 62;
    private const ulong ZeroFlag = 1;

    private const string Broken = "the upload was cut off, or the file is broken; see qemu-img check";

    private readonly long cluster = 1L << header.ClusterBits;
    private readonly long clusters = (sizeBytes + (1L << header.ClusterBits) - 1) >> header.ClusterBits;
    private long compressed;

    // Of the file's clusters: the header is one.
    private long taken = 1;

    public string? Refuse(CancellationToken cancellation) => RefuseL1() ?? RefuseRefcounts() ?? RefuseL2(cancellation);

    private string? RefuseL1()
    {
        var each = header.HasExtendedL2 ? 16 : 8;
        var covered = (ulong)(cluster / each * cluster);
        if (header.L1Entries > MaxL1Entries) return $"its first table claims {header.L1Entries} entries, over {MaxL1Entries}";
        if (header.L1Entries < (header.VirtualSize + covered - 1) / covered)
            return "its tables describe less than the disk that it claims";
        return Holds(header.L1Offset, header.L1Entries * 8L) ? null : $"its tables lie beyond its end: {Broken}";
    }

    private string? RefuseRefcounts()
    {
        var bytes = header.RefcountClusters * cluster;
        if (bytes > MaxRefcountBytes) return $"its reference counts claim a table of {bytes} bytes, over {MaxRefcountBytes}";
        if (bytes == 0 || !Holds(header.RefcountOffset, bytes)) return $"its reference counts lie beyond its end: {Broken}";
        var table = new byte[bytes];
        var length = read(table, (long)header.RefcountOffset);
        for (var at = 0; at + 8 <= length; at += 8)
            if (BinaryPrimitives.ReadUInt64BigEndian(table.AsSpan(at)) is > 0 and var block && !IsCluster(block))
                return $"its reference counts lie beyond its end: {Broken}";
        return null;
    }

    private string? RefuseL2(CancellationToken cancellation)
    {
        var first = new byte[header.L1Entries * 8];
        if (read(first, (long)header.L1Offset) < first.Length) return $"its tables lie beyond its end: {Broken}";
        var second = new byte[Math.Min(cluster, sizeBytes)];
        for (var at = 0; at < first.Length; at += 8)
        {
            var entry = BinaryPrimitives.ReadUInt64BigEndian(first.AsSpan(at));
            if ((entry & ~(OffsetMask | CopiedFlag)) != 0) return $"its first table has bits that mean nothing: {Broken}";
            if ((entry & OffsetMask) == 0) continue;
            cancellation.ThrowIfCancellationRequested();
            if (!IsCluster(entry & OffsetMask)) return $"its tables lie beyond its end: {Broken}";
            if (++taken > clusters) return TooMuch;
            var length = read(second, (long)(entry & OffsetMask));
            second.AsSpan(length).Clear();
            if (RefuseEntries(second) is { } why) return why;
        }
        return null;
    }

    private string? RefuseEntries(ReadOnlySpan<byte> table)
    {
        var step = header.HasExtendedL2 ? 16 : 8;
        for (var at = 0; at < table.Length; at += step)
        {
            var entry = BinaryPrimitives.ReadUInt64BigEndian(table[at..]);
            if ((entry & CompressedFlag) != 0)
            {
                if (!HoldsCompressed(entry)) return $"its data lies beyond its end: {Broken}";
                if (++compressed * cluster > MaxExpansion * sizeBytes) return TooMuch;
                continue;
            }
            var known = OffsetMask | CopiedFlag | (header is { Version: 3, HasExtendedL2: false } ? ZeroFlag : 0);
            if ((entry & ~known) != 0) return $"its tables have bits that mean nothing: {Broken}";
            if ((entry & OffsetMask) == 0) continue;
            if (!IsCluster(entry & OffsetMask)) return $"its data lies beyond its end: {Broken}";
            if (++taken > clusters) return TooMuch;
        }
        return null;
    }

    private static string TooMuch => "it claims more data than a file of its size can hold";

    private bool IsCluster(ulong offset) => offset % (ulong)cluster == 0 && Holds(offset, 1);

    private bool Holds(ulong offset, long bytes) => offset >= (ulong)cluster && offset % (ulong)cluster == 0
        && offset <= (ulong)sizeBytes && bytes <= sizeBytes - (long)offset;

    /// <summary>Compressed data lies at any byte, and is counted in sectors of 512: the last one may be cut off by the end.</summary>
    private bool HoldsCompressed(ulong entry)
    {
        var bits = 62 - (header.ClusterBits - 8);
        var offset = entry & ((1UL << bits) - 1);
        var more = (entry & (CompressedFlag - 1)) >> bits;
        return offset >= (ulong)cluster && offset < (ulong)sizeBytes
            && (offset & ~511UL) + ((more + 1) * 512) <= (ulong)(clusters * cluster);
    }
}
