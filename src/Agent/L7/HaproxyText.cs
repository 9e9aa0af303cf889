using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Monolith.Agent.L7;

/// <summary>One line of "show stat" (HAProxy management guide 9.1) that is a server.</summary>
internal readonly record struct HaproxyStat(
    string Backend, string Server, string Status, int Weight, string Check, long Sessions, long TotalSessions)
{
    public MemberHealth Health => Status switch
    {
        _ when Status.StartsWith("MAINT", StringComparison.Ordinal) => MemberHealth.Disabled,
        _ when Status.StartsWith("DRAIN", StringComparison.Ordinal) => MemberHealth.Draining,
        _ when Status.StartsWith("DOWN", StringComparison.Ordinal) => MemberHealth.Down,
        _ when Status.StartsWith("NOLB", StringComparison.Ordinal) || Weight == 0 => MemberHealth.Draining,
        // HAProxy believes a member until its first check has ended; people should not.
        _ when Check.TrimStart('*', ' ').StartsWith("INI", StringComparison.Ordinal) => MemberHealth.Unknown,
        _ when Status.StartsWith("UP", StringComparison.Ordinal) => MemberHealth.Up,
        "no check" => MemberHealth.Unchecked,
        _ => MemberHealth.Unknown,
    };
}

/// <summary>"show proc" of the master.</summary>
internal sealed record HaproxyProcesses(int FailedReloads, IReadOnlyList<int> Workers);

/// <summary>Reads what HAProxy prints. Pure; never throws.</summary>
internal static partial class HaproxyText
{
    public static List<HaproxyStat> Stats(string csv)
    {
        var stats = new List<HaproxyStat>();
        Dictionary<string, int>? columns = null;
        foreach (var line in csv.Split('\n'))
        {
            if (line.StartsWith('#'))
            {
                columns = [];
                foreach (var (i, name) in Fields(line[1..].Trim()).Index()) columns[name] = i;
                continue;
            }
            if (columns is null || line.Length == 0) continue;
            var fields = Fields(line);
            string Field(string name) => columns.TryGetValue(name, out var i) && i < fields.Count ? fields[i] : "";
            var server = Field("svname");
            if (server is "" or "FRONTEND" or "BACKEND") continue;
            var check = string.Join(' ', new[] { Field("check_status"), Field("last_chk") }.Where(t => t.Length > 0));
            stats.Add(new HaproxyStat(
                Field("pxname"), server, Field("status"), (int)Number(Field("weight")), check,
                Number(Field("scur")), Number(Field("stot"))));
        }
        return stats;
    }

    public static HaproxyProcesses Processes(string text)
    {
        var failed = 0;
        var workers = new List<int>();
        var section = "";
        foreach (var line in text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.StartsWith('#'))
            {
                section = line;
                continue;
            }
            if (FailedReloads().Match(line) is { Success: true } match) failed = (int)Number(match.Groups[1].Value);
            var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (section == "# workers" && words.Length > 1 && words[1] == "worker"
                && int.TryParse(words[0], NumberStyles.None, CultureInfo.InvariantCulture, out var pid))
                workers.Add(pid);
        }
        return new HaproxyProcesses(failed, workers);
    }

    /// <summary>Whose fault a refusal is: by the line of the file, else by the proxy that is named.</summary>
    /// <returns>No owner: the node's own, or not to be told.</returns>
    public static (LoadBalancerId? Owner, string Cause) Blame(string output, HaproxyConfig config)
    {
        var alerts = output.Split('\n')
            .Where(l => l.StartsWith("[ALERT]", StringComparison.Ordinal))
            .Select(l => Prefix().Replace(l, "").Trim()).Where(l => l.Length > 0).ToList();
        foreach (var alert in alerts)
        {
            if (Line().Match(alert) is { Success: true } line
                && Number(line.Groups[1].Value) is > 0 and var number && number <= config.Owners.Count
                && config.Owners[(int)number - 1] is { } owner)
                return (owner, alert);
            if (Proxy().Match(alert) is { Success: true } proxy
                && config.Owners.Contains(new LoadBalancerId(proxy.Groups[1].Value)))
                return (new LoadBalancerId(proxy.Groups[1].Value), alert);
        }
        return (null, alerts.Count > 0 ? alerts[0] : output.Trim().ReplaceLineEndings(" | "));
    }

    /// <summary>One line of comma-separated values; quotes hold commas, two quotes are one (RFC 4180).</summary>
    internal static List<string> Fields(string line)
    {
        var fields = new List<string>();
        var field = new StringBuilder();
        var quoted = false;
        for (var i = 0; i < line.Length; i++)
        {
            if (line[i] == '"' && quoted && i + 1 < line.Length && line[i + 1] == '"') field.Append(line[i++]);
            else if (line[i] == '"') quoted = !quoted;
            else if (line[i] == ',' && !quoted)
            {
                fields.Add(field.ToString());
                field.Clear();
            }
            else field.Append(line[i]);
        }
        fields.Add(field.ToString());
        return fields;
    }

    private static long Number(string text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;

    [GeneratedRegex(@"\[failed: (\d{1,9})\]")]
    private static partial Regex FailedReloads();

    [GeneratedRegex(@"^\[ALERT\]\s*\(\d+\)\s*:\s*(config\s*:)?")]
    private static partial Regex Prefix();

    [GeneratedRegex(@"\[haproxy\.cfg[^:\]]{0,16}:(\d{1,9})\]")]
    private static partial Regex Line();

    [GeneratedRegex(@"(?:frontend|backend|proxy) '?([a-z0-9-]{1,64})\.")]
    private static partial Regex Proxy();
}
