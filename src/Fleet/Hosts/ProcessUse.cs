using System.Globalization;

namespace Monolith.Fleet.Hosts;

/// <summary>What a process has used until now, from <c>/proc</c> (proc(5)). Immutable.</summary>
/// <param name="Processor">User and system time of all threads.</param>
/// <param name="Bytes">Proportional set size: its own memory and its share of what it shares.</param>
/// <param name="Peak">The most resident memory that it ever had, bytes.</param>
internal sealed record ProcessUse(TimeSpan Processor, long Bytes, long Peak)
{
    const int TicksPerSecond = 100;

    public static ProcessUse Of(int pid)
    {
        var stat = File.ReadAllText($"/proc/{pid}/stat");
        // The second field is a name in parentheses and may hold blanks.
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        var ticks = long.Parse(fields[11], CultureInfo.InvariantCulture)
            + long.Parse(fields[12], CultureInfo.InvariantCulture);
        return new ProcessUse(
            TimeSpan.FromSeconds((double)ticks / TicksPerSecond), Kib($"/proc/{pid}/smaps_rollup", "Pss:") * 1024,
            Kib($"/proc/{pid}/status", "VmHWM:") * 1024);
    }

    /// <summary>Both together; the peaks need not have been at the same time.</summary>
    public ProcessUse With(ProcessUse? other) => other is null
        ? this
        : new ProcessUse(Processor + other.Processor, Bytes + other.Bytes, Peak + other.Peak);

    /// <returns>Null when there is no process, or no longer.</returns>
    public static ProcessUse? Find(int? pid)
    {
        try
        {
            return pid is { } number ? Of(number) : null;
        }
        catch (IOException)
        {
            // It is being restarted.
            return null;
        }
    }

    static long Kib(string file, string key)
    {
        foreach (var line in File.ReadLines(file))
            if (line.StartsWith(key, StringComparison.Ordinal))
                return long.Parse(line[key.Length..].Trim().Split(' ')[0], CultureInfo.InvariantCulture);
        throw new IOException($"{file} has no {key}");
    }
}
