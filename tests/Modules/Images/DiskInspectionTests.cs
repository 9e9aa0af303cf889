using System.Diagnostics;
using System.Text;
using Monolith.Disks;
using static Monolith.Modules.Tests.Images.Qcow2File;

namespace Monolith.Modules.Tests.Images;

/// <summary>What is taken for a disk image, and why the rest is not.</summary>
public sealed class DiskInspectionTests
{
    static readonly string[] Spoils =
    [
        "version: qcow2 version is 1", "backing offset: backing file", "backing size: backing file", "small cluster: cluster size",
        "large cluster: cluster size", "no size: virtual size is zero", "large: over 64 TiB", "crypt: encrypted",
        "unknown feature: not known: 0x20", "data file: external data file", "corrupt: marked as corrupt",
        "snapshots: 2 snapshots inside", "refcount bits: reference counts have", "header length: claims a length",
        "compression: compression type 7", "compression unsaid: compression type 1", "extended: too small",
        "backing format: backing file's format", "data file name: external data file", "luks: encrypted",
        "bitmaps: bitmaps", "long extension: do not fit", "many tables: claims 4194305 entries",
        "few tables: describe less than the disk", "L1 beyond: tables lie beyond its end",
        "L1 askew: tables lie beyond its end", "L1 in the header: tables lie beyond its end",
        "L1 wraps: tables lie beyond its end", "refcounts beyond: reference counts lie beyond",
        "no refcounts: reference counts lie beyond", "refcounts large: claim a table of",
        "refcount block beyond: reference counts lie beyond", "L2 beyond: tables lie beyond", "L2 bits: first table has bits",
        "L2 in the header: tables lie beyond", "data beyond: data lies beyond", "data askew: tables have bits",
        "data bits: tables have bits", "compressed beyond: data lies beyond", "compressed long: data lies beyond",
        "twice: claims more data", "cut off: data lies beyond", "cut in the header: header is cut off",
    ];

    public static TheoryData<string> Hostile => [.. Spoils];

    [Theory]
    [MemberData(nameof(Hostile))]
    public void AQcow2Image_ThatReachesBeyondItself_IsRefused_WithItsCause(string spoil)
    {
        var (how, cause) = spoil.Split(": ", 2) is [var first, var second] ? (first, second) : throw new ArgumentException(spoil);
        var file = Spoil(how, Good());
        var found = DiskInspection.Inspect(file);
        Assert.Contains(cause, found.Refusal, StringComparison.Ordinal);
    }

    static byte[] Spoil(string how, byte[] file)
    {
        switch (how)
        {
            case "version": Four(file, Qcow2File.Version, 1); break;
            case "backing offset": Eight(file, BackingOffset, 200); break;
            case "backing size": Four(file, BackingSize, 9); break;
            case "small cluster": Four(file, ClusterBits, 8); break;
            case "large cluster": Four(file, ClusterBits, 0xffff_ffff); break;
            case "no size": Eight(file, Size, 0); break;
            case "large": Eight(file, Size, (1UL << 46) + 1); break;
            case "crypt": Four(file, Crypt, 2); break;
            case "unknown feature": Eight(file, Features, 0x20); break;
            case "data file": Eight(file, Features, 4); break;
            case "corrupt": Eight(file, Features, 2); break;
            case "snapshots": Four(file, Snapshots, 2); break;
            case "refcount bits": Four(file, RefcountOrder, 7); break;
            case "header length": Four(file, HeaderLength, 1 << 20); break;
            case "compression": Eight(file, Features, 8); file[Compression] = 7; break;
            case "compression unsaid": file[Compression] = 1; break;
            case "extended": Eight(file, Features, 16); break;
            case "backing format": Extend(file, 0xe2792aca, "raw"); break;
            case "data file name": Extend(file, 0x44415441, "/etc/shadow"); break;
            case "luks": Extend(file, 0x0537be77, "0123456789abcdef"); break;
            case "bitmaps": Extend(file, 0x23852875, "0123456789abcdef01234567"); break;
            case "long extension": Four(file, Extensions, 0x6803f857); Four(file, Extensions + 4, 0xffff_fff0); break;
            case "many tables": Four(file, L1Size, (4 << 20) + 1); break;
            case "few tables": Eight(file, Size, 65 * Cluster); break;
            case "L1 beyond": Eight(file, L1Offset, 7 * Cluster); break;
            case "L1 askew": Eight(file, L1Offset, L1 + 8); break;
            case "L1 in the header": Eight(file, L1Offset, 0); break;
            case "L1 wraps": Eight(file, L1Offset, ulong.MaxValue - 511); break;
            case "refcounts beyond": Eight(file, RefcountOffset, 1 << 20); break;
            case "no refcounts": Four(file, RefcountClusters, 0); break;
            case "refcounts large": Four(file, RefcountClusters, uint.MaxValue); break;
            case "refcount block beyond": Eight(file, RefcountTable + 8, 7 * Cluster); break;
            case "L2 beyond": Eight(file, L1, Copied | (7 * Cluster)); break;
            case "L2 bits": Eight(file, L1, Copied | L2 | (1UL << 60)); break;
            case "L2 in the header": Four(file, ClusterBits, 10); Eight(file, L1, Copied | 512); break;
            case "data beyond": Eight(file, L2 + 16, Copied | (1UL << 40)); break;
            case "data askew": Eight(file, L2 + 16, Copied | (Data + 8)); break;
            case "data bits": Eight(file, L2 + 16, Copied | Data | (1UL << 57)); break;
            case "compressed beyond": Eight(file, L2 + 16, Compressed | 7 * Cluster); break;
            case "compressed long": Eight(file, L2 + 16, Compressed | (1UL << 61) | (Data + Cluster)); break;
            // Every cluster of the disk is the one that there is.
            case "twice": for (var i = 0; i < 64; i++) Eight(file, L2 + 8 * i, Copied | Data); break;
            case "cut off": return file[..(5 * Cluster)];
            case "cut in the header": return file[..90];
            default: throw new ArgumentException(how);
        }
        return file;
    }

    static void Extend(byte[] file, uint type, string text)
    {
        Four(file, Extensions, type);
        Four(file, Extensions + 4, (uint)text.Length);
        Encoding.ASCII.GetBytes(text).CopyTo(file, Extensions + 8);
    }

    [Fact]
    public void AQcow2Image_ThatKeepsToItself_IsOne_WhateverItsGuestWrote()
    {
        var file = Good();
        Assert.Equal(new(DiskKind.Qcow2, 64 * Cluster), DiskInspection.Inspect(file));
        // The last cluster of data may end with the file.
        Assert.Null(DiskInspection.Inspect(file.AsMemory()[..^500]).Refusal);
        Good().AsSpan(0, 512).CopyTo(file.AsSpan(Data));
        Assert.Null(DiskInspection.Inspect(file).Refusal);
        Four(file, Qcow2File.Version, 2);
        Assert.Null(DiskInspection.Inspect(file).Refusal);
    }

    [Fact]
    public void TheLargestDisk_IsTheOperatorsToSay()
    {
        Assert.Null(DiskInspection.Inspect(Good(), 64 * Cluster).Refusal);
        Assert.Contains("over 32767 bytes", DiskInspection.Inspect(Good(), 64 * Cluster - 1).Refusal, StringComparison.Ordinal);
        Assert.Contains("over 1 MiB", DiskInspection.Inspect(new byte[2 << 20], 1 << 20).Refusal, StringComparison.Ordinal);
    }

    public static TheoryData<string, int, byte[]> Marks => new()
    {
        { "VMDK", 0, "KDMV"u8.ToArray() }, { "VMDK", 0, "COWD"u8.ToArray() }, { "VMDK", 0, "# Disk DescriptorFile\n"u8.ToArray() },
        { "VDI", 0x40, [0x7f, 0x10, 0xda, 0xbe] }, { "VHD", 0, "conectix"u8.ToArray() }, { "VHDX", 0, "vhdxfile"u8.ToArray() },
        { "VHD", 4096 - 512, "conectix"u8.ToArray() }, { "DMG", 4096 - 512, "koly"u8.ToArray() },
        { "QED", 0, "QED\0"u8.ToArray() }, { "LUKS", 0, [0x4c, 0x55, 0x4b, 0x53, 0xba, 0xbe, 0, 1] },
        { "Parallels", 0, "WithoutFreeSpace"u8.ToArray() }, { "Bochs", 0, "Bochs Virtual HD Image"u8.ToArray() },
        { "gzip", 0, [0x1f, 0x8b, 8] }, { "xz", 0, [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0] }, { "zstd", 0, [0x28, 0xb5, 0x2f, 0xfd] },
        { "zip", 0, "PK\u0003\u0004"u8.ToArray() }, { "tar", 257, "ustar"u8.ToArray() }, { "web page", 0, "<!DOCTYPE html>"u8.ToArray() },
    };

    /// <summary>Taken as raw, each of them would be another format to whoever guesses.</summary>
    [Theory]
    [MemberData(nameof(Marks))]
    public void AnotherFormat_IsNoRawDisk(string name, int offset, byte[] mark)
    {
        var file = new byte[4096];
        mark.CopyTo(file, offset);
        Assert.Contains(name, DiskInspection.Inspect(file).Refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void ARawDisk_IsOneThatLooksLikeNothing()
    {
        Assert.Equal(new(DiskKind.Raw, 4096), DiskInspection.Inspect(new byte[4096]));
        Assert.Contains("too small", DiskInspection.Inspect(new byte[511]).Refusal, StringComparison.Ordinal);
        Assert.Contains("too small", DiskInspection.Inspect(Array.Empty<byte>()).Refusal, StringComparison.Ordinal);
        // One that begins as qcow2 is judged as that, and never kept as raw.
        byte[] dressed = [.. Good().AsSpan(0, 512), .. new byte[1 << 20]];
        Assert.Equal(new(DiskKind.Qcow2, 64 * Cluster), DiskInspection.Inspect(dressed));
        Eight(dressed, BackingOffset, 200);
        Assert.Contains("backing file", DiskInspection.Inspect(dressed).Refusal, StringComparison.Ordinal);
    }

    /// <summary>
    /// Images that are nearly right: nothing is thrown, no more is read than is there, and what is taken points nowhere but
    /// into itself, as a second look that knows nothing of the first one finds.
    /// </summary>
    [Fact]
    public void WhateverIsSent_IsJudged_InOneReading()
    {
        var seed = Environment.TickCount;
        TestContext.Current.TestOutputHelper!.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var taken = 0;
        for (var n = 0; n < 20_000; n++)
        {
            var file = Mutate(random, Good());
            long read = 0;
            var found = DiskInspection.Inspect((into, offset) =>
            {
                var length = (int)Math.Clamp(file.Length - offset, 0, into.Length);
                if (length > 0) file.AsSpan((int)offset, length).CopyTo(into);
                read += length;
                return length;
            }, file.Length, DiskInspection.MaxVirtualBytes, TestContext.Current.CancellationToken);
            Assert.True(read <= 3 * file.Length + 1024, $"seed {seed}, file {n}: {read} bytes were read of {file.Length}");
            if (found.Refusal is not null || found.Kind != DiskKind.Qcow2) continue;
            taken++;
            Assert.True(KeepsToItself(file), $"seed {seed}, file {n} was taken: {Convert.ToHexStringLower(file)}");
        }
        Assert.InRange(taken, 100, 19_000);
    }

    static byte[] Mutate(Random random, byte[] file)
    {
        ulong[] edges = [0, 1, 511, 512, 513, 7 * Cluster, ulong.MaxValue, 1UL << 62, 1UL << 63, Copied | Data, Compressed | Data];
        for (var left = random.Next(1, 5); left > 0; left--)
        {
            int[] places = [random.Next(14) * 8, L1, L2 + random.Next(64) * 8, RefcountTable + random.Next(8) * 8,
                Extensions + random.Next(4) * 8, random.Next(file.Length / 8) * 8];
            var at = places[random.Next(places.Length)];
            switch (random.Next(4))
            {
                case 0: file[at + random.Next(8)] = (byte)random.Next(256); break;
                case 1: Eight(file, at, edges[random.Next(edges.Length)]); break;
                case 2: Eight(file, at, (ulong)random.Next(16) * Cluster | (random.Next(2) == 0 ? Copied : 0)); break;
                default: file[at + random.Next(8)] ^= (byte)(1 << random.Next(8)); break;
            }
        }
        return random.Next(10) == 0 ? file[..random.Next(file.Length)] : file;
    }

    static bool KeepsToItself(byte[] file)
    {
        ulong Read(ulong at, int bytes) => file.AsSpan((int)at, bytes).ToArray().Aggregate(0UL, (sum, b) => sum << 8 | b);
        var (cluster, size) = (1UL << (int)Read(ClusterBits, 4), (ulong)file.Length);
        var version = Read(Qcow2File.Version, 4);
        if (Read(BackingOffset, 8) != 0 || Read(Crypt, 4) != 0 || Read(Snapshots, 4) != 0) return false;
        if (version == 3 && (Read(Features, 8) & ~0b11001UL) != 0) return false;
        var pointed = 0UL;
        for (var i = 0UL; i < Read(L1Size, 4); i++)
        {
            var table = Read(Read(L1Offset, 8) + 8 * i, 8) & ~Copied;
            if (table == 0) continue;
            if (table % cluster != 0 || table < cluster || table >= size) return false;
            pointed += cluster;
            for (var at = table; at + 8 <= Math.Min(table + cluster, size); at += 8)
            {
                var entry = Read(at, 8);
                if ((entry & Compressed) != 0)
                {
                    if ((entry & ((1UL << (62 - ((int)Read(ClusterBits, 4) - 8))) - 1)) >= size) return false;
                    continue;
                }
                var data = entry & ~Copied & ~1UL;
                if (data == 0) continue;
                if (data % cluster != 0 || data < cluster || data >= size) return false;
                pointed += cluster;
            }
        }
        return pointed <= (size + cluster - 1) / cluster * cluster;
    }

    /// <summary>As QEMU writes them: what this refuses of good images would be nobody's attack.</summary>
    [Theory]
    [InlineData("-f qcow2 t.qcow2 10G")]
    [InlineData("-f qcow2 -o compat=0.10 t.qcow2 10G")]
    [InlineData("-f qcow2 -o compression_type=zstd,extended_l2=on,cluster_size=128k t.qcow2 10G")]
    [InlineData("-f qcow2 -o preallocation=metadata,cluster_size=512 t.qcow2 8M")]
    [InlineData("-f qcow2 -o lazy_refcounts=on,refcount_bits=1 t.qcow2 63T")]
    [InlineData("convert -O qcow2")]
    [InlineData("convert -c -O qcow2")]
    [InlineData("convert -c -O qcow2 -o compression_type=zstd,cluster_size=2M")]
    [InlineData("convert -O qcow2 -o extended_l2=on,cluster_size=32k")]
    public void WhatQemuMakes_IsTaken(string how)
    {
        var directory = Directory.CreateTempSubdirectory("monolith-");
        try
        {
            var source = Path.Combine(directory.FullName, "source.raw");
            using (var file = File.Create(source))
            {
                // Text, holes, and bytes that do not compress.
                for (var i = 0; i < 100_000; i++) file.Write("a line of text that repeats itself\n"u8);
                file.SetLength(32 << 20);
                file.Seek(20 << 20, SeekOrigin.Begin);
                var noise = new byte[3_000_000];
                new Random(7).NextBytes(noise);
                file.Write(noise);
            }
            var arguments = how.StartsWith("convert", StringComparison.Ordinal) ? $"{how} -f raw source.raw t.qcow2" : "create -q " + how;
            using (var qemu = Process.Start(new ProcessStartInfo("qemu-img", arguments) { WorkingDirectory = directory.FullName })!)
            {
                qemu.WaitForExit();
                Assert.Equal(0, qemu.ExitCode);
            }
            var found = DiskInspection.Inspect(Path.Combine(directory.FullName, "t.qcow2"),
                cancellation: TestContext.Current.CancellationToken);
            Assert.Equal((DiskKind.Qcow2, null), (found.Kind, found.Refusal));
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }
}
