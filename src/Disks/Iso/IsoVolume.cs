using System.Buffers.Binary;
using static Monolith.Disks.Iso.IsoImage;

namespace Monolith.Disks.Iso;

/// <summary>One of the two ways in which the tree is written: its descriptor, its path tables and its directories.</summary>
internal sealed class IsoVolume(IReadOnlyList<IsoFolder> folders, IsoNames names)
{
    private const int RecordHead = 33, PathHead = 8;
    private const byte IsFolder = 2;
    private static readonly byte[] Itself = [0], Above = [1];

    private readonly int[] sectors = new int[folders.Count];
    private int littleTable, bigTable;

    /// <summary>A record of a directory, and where in it.</summary>
    private readonly record struct Entry(byte[] Name, int Number, byte Flags, int At = 0)
    {
        public int End => At + Even(RecordHead + Name.Length);
    }

    private int TableSize => folders.Sum(f => PathHead + Even(NameOf(f).Length));

    public void PlaceTables(ref int next)
    {
        var size = Sectors(TableSize);
        (littleTable, bigTable) = (next, next + size);
        next += 2 * size;
    }

    public void PlaceFolders(ref int next)
    {
        foreach (var folder in folders)
        {
            sectors[folder.Number] = next;
            next += SizeOf(folder) / Sector;
        }
    }

    /// <param name="image">All of it.</param>
    /// <param name="descriptor">The sector of its descriptor.</param>
    /// <param name="label">The volume's name.</param>
    /// <param name="files">By their numbers.</param>
    /// <param name="places">The sectors that they begin in.</param>
    public void Write(Span<byte> image, int descriptor, string label, IReadOnlyList<IsoFile> files, int[] places)
    {
        WriteDescriptor(image[(descriptor * Sector)..], label, image.Length / Sector);
        WriteTable(image[(littleTable * Sector)..], BinaryPrimitives.WriteInt32LittleEndian, BinaryPrimitives.WriteInt16LittleEndian);
        WriteTable(image[(bigTable * Sector)..], BinaryPrimitives.WriteInt32BigEndian, BinaryPrimitives.WriteInt16BigEndian);
        foreach (var folder in folders)
            foreach (var entry in Entries(folder))
            {
                var (sector, size) = entry.Flags == IsFolder
                    ? (sectors[entry.Number], SizeOf(folders[entry.Number]))
                    : (places[entry.Number], files[entry.Number].Content.Length);
                WriteRecord(image[((sectors[folder.Number] * Sector) + entry.At)..], entry, sector, size);
            }
    }

    /// <summary>ECMA-119 8.4 and 8.5. No date is sixteen zeros and an offset of none.</summary>
    private void WriteDescriptor(Span<byte> at, string label, int sectorsInAll)
    {
        at[0] = names.Kind;
        "CD001"u8.CopyTo(at[1..]);
        at[6] = 1;
        names.Text(at[8..40], "");
        names.Text(at[40..72], label);
        Both32(at[80..], sectorsInAll);
        names.Escape.CopyTo(at[88..]);
        Both16(at[120..], 1);
        Both16(at[124..], 1);
        Both16(at[128..], Sector);
        Both32(at[132..], TableSize);
        BinaryPrimitives.WriteInt32LittleEndian(at[140..], littleTable);
        BinaryPrimitives.WriteInt32BigEndian(at[148..], bigTable);
        WriteRecord(at[156..], new Entry(Itself, 0, IsFolder), sectors[0], SizeOf(folders[0]));
        foreach (var (from, to) in new[] { (190, 318), (318, 446), (446, 574), (574, 702), (702, 739), (739, 776), (776, 813) })
            names.Text(at[from..to], "");
        for (var date = 813; date < 881; date += 17) at.Slice(date, 16).Fill((byte)'0');
        at[881] = 1;
    }

    private delegate void Write32(Span<byte> at, int value);

    private delegate void Write16(Span<byte> at, short value);

    private void WriteTable(Span<byte> at, Write32 write32, Write16 write16)
    {
        foreach (var folder in folders)
        {
            var name = NameOf(folder);
            at[0] = (byte)name.Length;
            write32(at[2..], sectors[folder.Number]);
            write16(at[6..], (short)(folder.Parent + 1));
            name.CopyTo(at[PathHead..]);
            at = at[(PathHead + Even(name.Length))..];
        }
    }

    private byte[] NameOf(IsoFolder folder) => folder.Number == 0 ? Itself : names.Folder(folder.Name);

    /// <summary>In bytes, which fill whole sectors.</summary>
    private int SizeOf(IsoFolder folder) => Sectors(Entries(folder)[^1].End) * Sector;

    /// <summary>By name, after the two that lead to itself and above. None lies in two sectors.</summary>
    private List<Entry> Entries(IsoFolder folder)
    {
        var inside = folder.Folders.Select(f => new Entry(names.Folder(folders[f].Name), f, IsFolder))
            .Concat(folder.Files.Select(f => new Entry(names.File(f.Name), f.Number, 0)))
            .OrderBy(e => e.Name, Comparer<byte[]>.Create((a, b) => a.AsSpan().SequenceCompareTo(b)));
        var (all, at) = (new List<Entry>(), 0);
        foreach (var entry in inside.Prepend(new(Above, folder.Parent, IsFolder)).Prepend(new(Itself, folder.Number, IsFolder)))
        {
            var placed = entry with { At = at };
            if (at / Sector != (placed.End - 1) / Sector) placed = entry with { At = Sectors(at) * Sector };
            all.Add(placed);
            at = placed.End;
        }

        return all;
    }

    /// <summary>ECMA-119 9.1. Everything is of 1980-01-01, the beginning of time on disks without a clock.</summary>
    private static void WriteRecord(Span<byte> at, Entry entry, int sector, int size)
    {
        at[0] = (byte)(entry.End - entry.At);
        Both32(at[2..], sector);
        Both32(at[10..], size);
        (at[18], at[19], at[20]) = (80, 1, 1);
        at[25] = entry.Flags;
        Both16(at[28..], 1);
        at[32] = (byte)entry.Name.Length;
        entry.Name.CopyTo(at[RecordHead..]);
    }

    private static int Even(int length) => length + (length & 1);

    private static void Both16(Span<byte> at, short value)
    {
        BinaryPrimitives.WriteInt16LittleEndian(at, value);
        BinaryPrimitives.WriteInt16BigEndian(at[2..], value);
    }

    private static void Both32(Span<byte> at, int value)
    {
        BinaryPrimitives.WriteInt32LittleEndian(at, value);
        BinaryPrimitives.WriteInt32BigEndian(at[4..], value);
    }
}
