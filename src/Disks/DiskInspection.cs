using System.Globalization;
using Microsoft.Win32.SafeHandles;

namespace Monolith.Disks;

/// <summary>Reads at an offset, as much as is there: fewer bytes only at the end.</summary>
internal delegate int ReadAt(Span<byte> into, long offset);

/// <summary>
/// Whether a file may be a disk image, and of what kind. It comes from a tenant, and what opens it next is QEMU: an image
/// that names other files would have them read, one whose tables lie would have QEMU search for what is not there, and one
/// that looks like another format would be that to whoever guesses. So nothing is taken that is not known to be harmless,
/// and whoever opens it afterwards says the format that was found and never has it guessed.
/// <code>
///   first bytes ─▶ qcow2? ─▶ header ─▶ extensions ─▶ tables, every entry ─▶ qcow2
///                    └─ no ─▶ known to be anything else, by its first or last bytes? ─ no ─▶ raw
/// </code>
/// The work is linear in the file's size, whatever it claims. Reads and decides; opens and runs nothing.
/// </summary>
public static class DiskInspection
{
    /// <summary>The largest disk that is taken unless something else is said, 64 TiB.</summary>
    public const long MaxVirtualBytes = 1L << 46;

    /// <summary>Enough for the header and its extensions.</summary>
    private const int HeadBytes = 64 * 1024;

    /// <param name="maxVirtualBytes">The largest disk that is taken.</param>
    /// <param name="cancellation">Ends it within a few thousand entries.</param>
    public static DiskFinding Inspect(
        string path, long maxVirtualBytes = MaxVirtualBytes, CancellationToken cancellation = default)
    {
        using var file = File.OpenHandle(path);
        return Inspect((into, offset) => Read(file, into, offset), RandomAccess.GetLength(file), maxVirtualBytes, cancellation);
    }

    /// <inheritdoc cref="Inspect(string, long, CancellationToken)"/>
    public static DiskFinding Inspect(ReadOnlyMemory<byte> content, long maxVirtualBytes = MaxVirtualBytes) => Inspect(
        (into, offset) =>
        {
            if (offset >= content.Length) return 0;
            var part = content.Span[(int)offset..];
            if (part.Length > into.Length) part = part[..into.Length];
            part.CopyTo(into);
            return part.Length;
        },
        content.Length, maxVirtualBytes, CancellationToken.None);

    internal static DiskFinding Inspect(ReadAt read, long sizeBytes, long maxVirtualBytes, CancellationToken cancellation)
    {
        var buffer = new byte[Math.Min(HeadBytes, sizeBytes)];
        ReadOnlySpan<byte> head = buffer.AsSpan(0, read(buffer, 0));
        if (!Qcow2Header.IsQcow2(head)) return Raw(read, head, sizeBytes, maxVirtualBytes);
        var why = Qcow2Header.Refuse(head, out var header, maxVirtualBytes)
            ?? header.RefuseExtensions(head)
            ?? new Qcow2Tables(header, sizeBytes, read).Refuse(cancellation);
        return why is null ? new(DiskKind.Qcow2, (long)header.VirtualSize) : DiskFinding.Refuse(why);
    }

    private static DiskFinding Raw(ReadAt read, ReadOnlySpan<byte> head, long sizeBytes, long maxVirtualBytes)
    {
        if (sizeBytes < 512) return DiskFinding.Refuse("it is too small to be a disk");
        if (sizeBytes > maxVirtualBytes) return DiskFinding.Refuse(TooLarge((ulong)sizeBytes, maxVirtualBytes));
        Span<byte> tail = stackalloc byte[OtherFormats.TailBytes];
        tail = tail[..read(tail, sizeBytes - OtherFormats.TailBytes)];
        return OtherFormats.Refuse(head, tail) is { } why ? DiskFinding.Refuse(why) : new(DiskKind.Raw, sizeBytes);
    }

    internal static string TooLarge(ulong bytes, long max) => $"its virtual size of {bytes} bytes is over {Words(max)}";

    private static string Words(long bytes)
    {
        foreach (var (bits, unit) in new[] { (40, "TiB"), (30, "GiB"), (20, "MiB") })
            if (bytes >= 1L << bits && bytes % (1L << bits) == 0)
                return string.Create(CultureInfo.InvariantCulture, $"{bytes >> bits} {unit}");
        return string.Create(CultureInfo.InvariantCulture, $"{bytes} bytes");
    }

    private static int Read(SafeFileHandle file, Span<byte> into, long offset)
    {
        var read = 0;
        while (read < into.Length && RandomAccess.Read(file, into[read..], offset + read) is > 0 and var more) read += more;
        return read;
    }
}
