using System.Globalization;
using System.Text;

namespace Monolith.Agent.Native.Safe;

/// <summary>
/// Finds a process that we spawned and whose pid nobody wrote down: by an argument that no other process on the
/// machine has, an absolute path of ours. Forks of it have the same arguments; the one that leads its session is it.
/// </summary>
internal static class ProcessSearch
{
    public static ProcessIdentity? Find(string option, string value)
    {
        foreach (var path in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(path), NumberStyles.None, CultureInfo.InvariantCulture, out var pid))
                continue;
            try
            {
                if (Matches(File.ReadAllBytes(Path.Combine(path, "cmdline")), option, value)
                    && ProcessStat.TryParse(File.ReadAllText(Path.Combine(path, "stat")), out var stat)
                    && stat.Session == pid && ProcessIdentity.Of(pid) is { } found)
                    return found;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Ended meanwhile, or is not ours to look at.
            }
        }
        return null;
    }

    /// <summary>Pure.</summary>
    public static bool Matches(ReadOnlySpan<byte> commandLine, string option, string value) =>
        commandLine.IndexOf(Encoding.UTF8.GetBytes($"\0{option}\0{value}\0")) >= 0;
}
