using System.Globalization;
using System.Text;
using Monolith.Agent.Native.Safe;

namespace Monolith.Agent.Vms;

/// <summary>
/// Finds a QEMU whose spawner died before it wrote down the pid: by the path of its pid file, which is an argument
/// that no other process on the machine has.
/// </summary>
internal static class QemuSearch
{
    public static ProcessIdentity? Find(string pidFile)
    {
        foreach (var path in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(path), NumberStyles.None, CultureInfo.InvariantCulture, out var pid))
                continue;
            try
            {
                if (Matches(File.ReadAllBytes(Path.Combine(path, "cmdline")), pidFile)) return ProcessIdentity.Of(pid);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Ended meanwhile, or is not ours to look at.
            }
        }
        return null;
    }

    /// <summary>Pure.</summary>
    public static bool Matches(ReadOnlySpan<byte> commandLine, string pidFile) =>
        commandLine.IndexOf(Encoding.UTF8.GetBytes($"\0-pidfile\0{pidFile}\0")) >= 0;
}
