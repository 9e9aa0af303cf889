namespace Monolith.Agent.Native.Safe;

/// <summary>
/// /proc/sys of the calling thread's namespace. Writes only what differs, so that a repeat costs a read.
/// </summary>
internal static class Sysctl
{
    /// <param name="path">Relative to /proc/sys, with slashes: <c>net/ipv4/ip_forward</c>.</param>
    public static void Set(string path, string value)
    {
        var file = "/proc/sys/" + path;
        if (Read(file) == value)
            return;
        try
        {
            File.WriteAllText(file, value);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException(
                $"cannot set {path} to {value}: {e.Message}. The agent needs a writable /proc/sys", e);
        }
    }

    /// <param name="path">Relative to /proc/sys, with slashes.</param>
    public static string Get(string path) => Read("/proc/sys/" + path);

    private static string Read(string file)
    {
        try
        {
            return File.ReadAllText(file).Trim();
        }
        catch (FileNotFoundException e)
        {
            throw new IOException($"{file} does not exist: the kernel lacks it or the interface is gone", e);
        }
        catch (DirectoryNotFoundException e)
        {
            throw new IOException($"{file} does not exist: the kernel lacks it or the interface is gone", e);
        }
    }
}
