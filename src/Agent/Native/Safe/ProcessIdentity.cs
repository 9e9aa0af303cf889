using System.Globalization;

namespace Monolith.Agent.Native.Safe;

/// <summary>
/// Names one process for ever: a pid comes round again, a pid with its start time on one boot of the machine does not.
/// </summary>
/// <param name="Pid">The process id.</param>
/// <param name="StartTicks">Start time in clock ticks since boot: field 22 of /proc/PID/stat, proc(5).</param>
/// <param name="BootId">/proc/sys/kernel/random/boot_id.</param>
internal readonly record struct ProcessIdentity(int Pid, ulong StartTicks, string BootId)
{
    private static readonly Lazy<string> CurrentBoot =
        new(() => File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim());

    public static string CurrentBootId => CurrentBoot.Value;

    /// <summary>
    /// The process that has this pid now; null when there is none or when it is dead and not yet reaped.
    /// </summary>
    public static ProcessIdentity? Of(int pid)
    {
        try
        {
            var stat = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/stat"));
            return ProcessStat.TryParse(stat, out var parsed) && !parsed.IsDead
                ? new ProcessIdentity(pid, parsed.StartTicks, CurrentBootId)
                : null;
        }
        catch (IOException)
        {
            return null; // The process ended, before or during the read (ENOENT, ESRCH).
        }
    }

    public bool IsAlive => BootId == CurrentBootId && Of(Pid) == this;
}

/// <summary>What we need of /proc/PID/stat. Pure.</summary>
internal readonly record struct ProcessStat(char State, int Session, ulong StartTicks)
{
    public bool IsDead => State is 'Z' or 'X' or 'x';

    public static bool TryParse(ReadOnlySpan<char> text, out ProcessStat stat)
    {
        stat = default;
        // The command is in parentheses and may hold spaces and parentheses: fields count from the last one.
        var end = text.LastIndexOf(')');
        if (end < 0 || end + 2 >= text.Length) return false;
        var rest = text[(end + 2)..].TrimEnd();
        var field = 0;
        char state = default;
        var session = 0;
        foreach (var range in rest.Split(' '))
        {
            var value = rest[range];
            if (field == 0)
            {
                if (value.Length != 1) return false;
                state = value[0];
            }
            else if (field == 3) // Field 6.
            {
                if (!int.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out session))
                    return false;
            }
            else if (field == 19) // Field 22 of the line, counted from 1.
            {
                if (!ulong.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var ticks))
                    return false;
                stat = new ProcessStat(state, session, ticks);
                return true;
            }
            field++;
        }
        return false;
    }
}
