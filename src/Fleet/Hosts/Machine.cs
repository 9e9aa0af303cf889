using System.Globalization;

namespace Monolith.Fleet.Hosts;

/// <summary>What host and fleet run on, from <c>/proc</c> (proc(5)). Immutable.</summary>
/// <param name="Load">Of the minute before the run; more than a few tenths is other work.</param>
public sealed record Machine(int Cores, string Model, double MemoryGib, double Load)
{
    const double TicksPerSecond = 100;

    public static Machine Now() => new(
        Environment.ProcessorCount, ModelOf(File.ReadAllText("/proc/cpuinfo")),
        GibOf(File.ReadAllText("/proc/meminfo"), "MemTotal:"), LoadOf(File.ReadAllText("/proc/loadavg")));

    /// <summary>Processor time of all that ran, the kernel included, since the machine's start.</summary>
    internal static TimeSpan Busy() => BusyOf(File.ReadAllText("/proc/stat"));

    internal static string ModelOf(string cpuinfo) => cpuinfo.Split('\n')
        .Where(l => l.StartsWith("model name", StringComparison.Ordinal)).Select(l => l[(l.IndexOf(':') + 1)..].Trim())
        .FirstOrDefault("unknown");

    /// <summary>0 when there is no such line.</summary>
    internal static double GibOf(string meminfo, string key) => meminfo.Split('\n')
        .Where(l => l.StartsWith(key, StringComparison.Ordinal))
        .Select(l => Number(l[key.Length..].Trim().Split(' ')[0]) / (1 << 20)).FirstOrDefault();

    internal static double LoadOf(string loadavg) => Number(loadavg.Split(' ')[0]);

    // cpu user nice system idle iowait irq softirq steal guest guest_nice; guests are in user already.
    internal static TimeSpan BusyOf(string stat)
    {
        var fields = stat.Split('\n')[0].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        int[] busy = [1, 2, 3, 6, 7];
        return TimeSpan.FromSeconds(busy.Where(i => i < fields.Length).Sum(i => Number(fields[i])) / TicksPerSecond);
    }

    static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}
