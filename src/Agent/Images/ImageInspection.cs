using Monolith.Disks;

namespace Monolith.Agent.Images;

/// <summary>Whether a file may be an image: what the host found is looked at again here, next to QEMU.</summary>
public static class ImageInspection
{
    /// <returns>Null when it may; else why not, in words that a tenant may read.</returns>
    public static string? Refuse(string path, DiskFormat format) => Refuse(DiskInspection.Inspect(path), format);

    /// <summary>Pure.</summary>
    public static string? Refuse(ReadOnlyMemory<byte> content, DiskFormat format) =>
        Refuse(DiskInspection.Inspect(content), format);

    private static string? Refuse(DiskFinding found, DiskFormat format) => (found, format) switch
    {
        ({ Refusal: { } why }, _) => why,
        ({ Kind: DiskKind.Raw }, DiskFormat.Qcow2) => "it is not a qcow2 file",
        // As a raw disk it would be harmless, and would not boot: somebody meant another format.
        ({ Kind: DiskKind.Qcow2 }, DiskFormat.Raw) => "it says raw and is qcow2: upload it as qcow2",
        _ => null,
    };
}
