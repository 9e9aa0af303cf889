using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Monolith.Agent.Routing;

/// <summary>
/// One reply of BIRD's control socket. Pure.
/// <code>
/// 1002-tor1   BGP  ---  up  …   code, '-' : more follows
///      BGP state: Established   space     : continues the code above
/// 0000                          code, ' ' : the last line
/// </code>
/// Codes: 0xxx done, 1xxx tables, 8xxx errors of run time, 9xxx of syntax.
/// </summary>
internal sealed record BirdReply(int Code, IReadOnlyList<BirdLine> Lines)
{
    public bool IsError => Code >= 8000;

    /// <summary>Takes lines until the last one of a reply. Never throws.</summary>
    /// <returns>False when more lines are needed.</returns>
    public static bool TryParse(IReadOnlyList<string> text, [NotNullWhen(true)] out BirdReply? reply)
    {
        var lines = new List<BirdLine>();
        var code = 0;
        foreach (var line in text)
        {
            if (line.StartsWith(' ') || line.StartsWith('+'))
            {
                lines.Add(new BirdLine(code, line[1..]));
                continue;
            }

            if (line.Length < 4
                || !int.TryParse(line.AsSpan(0, 4), NumberStyles.None, CultureInfo.InvariantCulture, out code))
                continue;
            var rest = line.Length > 5 ? line[5..] : "";
            lines.Add(new BirdLine(code, rest));
            if (line.Length == 4 || line[4] == ' ')
            {
                reply = new BirdReply(code, lines);
                return true;
            }
        }

        reply = null;
        return false;
    }
}

/// <summary>A line under its code.</summary>
internal readonly record struct BirdLine(int Code, string Text);
