namespace Monolith.Agent.Images;

/// <summary>Whether a file may be an image.</summary>
public static class ImageInspection
{
    /// <returns>Null when it may; else why not, in words that a tenant may read.</returns>
    public static string? Refuse(string path, DiskFormat format)
    {
        using var handle = File.OpenHandle(path);
        var head = new byte[Qcow2Header.Length];
        var read = 0;
        while (read < head.Length && RandomAccess.Read(handle, head.AsSpan(read), read) is > 0 and var more)
            read += more;
        return Refuse(head.AsSpan(0, read), format);
    }

    /// <summary>Pure.</summary>
    public static string? Refuse(ReadOnlySpan<byte> head, DiskFormat format)
    {
        if (format == DiskFormat.Qcow2) return Qcow2Header.Refuse(head, out _);
        if (head.IsEmpty) return "it is empty";
        // As a raw disk it would be harmless, and would not boot: somebody meant another format.
        return Qcow2Header.IsQcow2(head) ? "it says raw and is qcow2: upload it as qcow2" : null;
    }
}
