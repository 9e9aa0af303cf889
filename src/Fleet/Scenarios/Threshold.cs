using System.Globalization;
using System.Text.RegularExpressions;
using Monolith.Fleet.Figures;

namespace Monolith.Fleet.Scenarios;

/// <summary>What a figure has to be: <c>create.ready.p95 &lt;= 2 s</c>. Immutable.</summary>
/// <param name="Text">As it was written.</param>
/// <param name="Limit">In <paramref name="Unit"/>.</param>
public sealed partial record Threshold(string Text, string Figure, bool AtMost, double Limit, string Unit)
{
    /// <exception cref="FormatException">With an example.</exception>
    public static Threshold Parse(string text)
    {
        var match = Form().Match(text);
        if (!match.Success)
            throw new FormatException(
                $"'{text}' is not FIGURE <= VALUE or FIGURE >= VALUE, such as 'create.ready.p95 <= 2 s'");
        var (limit, unit) = (double.Parse(match.Groups["value"].Value, CultureInfo.InvariantCulture),
            match.Groups["unit"].Value);
        if (unit == "s") (limit, unit) = (limit * 1000, "ms");
        if (unit == "GiB") (limit, unit) = (limit * 1024, "MiB");
        return new Threshold(text, match.Groups["figure"].Value, match.Groups["relation"].Value == "<=", limit, unit);
    }

    /// <summary>The limit as it was written, without the figure: <c>&lt;= 2 s</c>.</summary>
    public string Goal => Text.Trim()[Figure.Length..].Trim();

    /// <summary>Null when the figure was not measured, which is not a pass.</summary>
    internal bool? Holds(IReadOnlyList<Figure> figures) =>
        figures.FirstOrDefault(f => f.Name == Figure) is not { } figure || figure.Unit != Unit ? null
        : AtMost ? figure.Value <= Limit : figure.Value >= Limit;

    [GeneratedRegex(@"^\s*(?<figure>[\w.-]+)\s*(?<relation><=|>=)\s*(?<value>\d+(\.\d+)?)\s*(?<unit>ms|s|/s|MiB|GiB|KiB|%|)\s*$")]
    private static partial Regex Form();
}
