namespace Monolith.Disks;

/// <summary>
/// What a file may be besides qcow2 and raw, by the marks that QEMU and others know it by. A raw disk that began with one
/// of them would be that format to everybody who guesses, and whoever sends one nearly always means something else.
/// </summary>
internal static class OtherFormats
{
    public const int TailBytes = 512;

    private const string Convert = "Convert it first: qemu-img convert -O qcow2";
    private const string Unpack = "Unpack it first";

    private static readonly (int Offset, byte[] Mark, string Name, string Next)[] Heads =
    [
        (0, "KDMV"u8.ToArray(), "a VMDK image", Convert),
        (0, "COWD"u8.ToArray(), "a VMDK image", Convert),
        (0, "# Disk DescriptorFile"u8.ToArray(), "a VMDK descriptor", Convert),
        (0x40, [0x7f, 0x10, 0xda, 0xbe], "a VDI image", Convert),
        (0, "conectix"u8.ToArray(), "a VHD image", Convert),
        (0, "vhdxfile"u8.ToArray(), "a VHDX image", Convert),
        (0, "QED\0"u8.ToArray(), "a QED image", Convert),
        (0, "WithoutFreeSpace"u8.ToArray(), "a Parallels image", Convert),
        (0, "WithouFreSpacExt"u8.ToArray(), "a Parallels image", Convert),
        (0, "Bochs Virtual HD Image"u8.ToArray(), "a Bochs image", Convert),
        (0, "#!/bin/sh\n#V2.0 Format\nmodprobe cloop"u8.ToArray(), "a cloop image", Convert),
        (0, [0x4c, 0x55, 0x4b, 0x53, 0xba, 0xbe], "encrypted with LUKS", "A server could not read it"),
        (0, [0x1f, 0x8b], "compressed with gzip", Unpack),
        (0, [0xfd, 0x37, 0x7a, 0x58, 0x5a], "compressed with xz", Unpack),
        (0, [0x28, 0xb5, 0x2f, 0xfd], "compressed with zstd", Unpack),
        (0, "BZh"u8.ToArray(), "compressed with bzip2", Unpack),
        (0, "PK\x03\x04"u8.ToArray(), "a zip archive", Unpack),
        (0, [0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c], "a 7z archive", Unpack),
        // An OVA is one.
        (257, "ustar"u8.ToArray(), "a tar archive", Unpack),
        (0, "<!DOCTYPE"u8.ToArray(), "a web page", "Give the address of the image itself"),
        (0, "<!doctype"u8.ToArray(), "a web page", "Give the address of the image itself"),
        (0, "<html"u8.ToArray(), "a web page", "Give the address of the image itself"),
    ];

    private static readonly (byte[] Mark, string Name)[] Tails =
    [
        ("conectix"u8.ToArray(), "a VHD image"),
        ("koly"u8.ToArray(), "a DMG image"),
    ];

    /// <param name="tail">The last <see cref="TailBytes"/>.</param>
    /// <returns>Null when it is none of them.</returns>
    public static string? Refuse(ReadOnlySpan<byte> head, ReadOnlySpan<byte> tail)
    {
        foreach (var (offset, mark, name, next) in Heads)
            if (head.Length >= offset && head[offset..].StartsWith(mark)) return $"it is {name}. {next}";
        foreach (var (mark, name) in Tails)
            if (tail.StartsWith(mark)) return $"it is {name}. {Convert}";
        return null;
    }
}
