using System.ComponentModel;
using System.Runtime.InteropServices;
using Monolith.Agent.Native.Raw;

namespace Monolith.Agent.Native.Safe;

/// <summary>Makes names durable: a rename survives a power loss once its directory is flushed (fsync(2)).</summary>
internal static class DirectorySync
{
    public static void Flush(string directory)
    {
        var fd = FileCalls.open(directory, FileCalls.O_RDONLY | FileCalls.O_DIRECTORY | FileCalls.O_CLOEXEC, 0);
        if (fd < 0) throw Failed("open", directory);
        try
        {
            if (FileCalls.fsync(fd) != 0) throw Failed("fsync", directory);
        }
        finally
        {
            _ = FileCalls.close(fd);
        }
    }

    /// <summary>Replaces a file whole: after a crash there is the old content or the new one.</summary>
    public static void WriteFile(string path, ReadOnlySpan<byte> content, UnixFileMode mode)
    {
        var fresh = path + ".new";
        File.Delete(fresh);
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = mode,
        };
        using (var stream = new FileStream(fresh, options))
        {
            stream.Write(content);
            stream.Flush(flushToDisk: true);
        }

        File.Move(fresh, path, overwrite: true);
        Flush(Path.GetDirectoryName(Path.GetFullPath(path))!);
    }

    private static IOException Failed(string call, string path)
    {
        var errno = Marshal.GetLastPInvokeError();
        return new IOException(
            $"{call}({path}): {new Win32Exception(errno).Message}; check the disk and its permissions");
    }
}
