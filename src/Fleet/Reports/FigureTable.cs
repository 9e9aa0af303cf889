using System.Globalization;
using System.Text;
using Monolith.Fleet.Figures;
using Monolith.Fleet.Scenarios;

namespace Monolith.Fleet.Reports;

/// <summary>
/// Figure, goal, verdict in words; of several runs side by side, such as on two databases or of two sizes, with how
/// each compares to the first.
/// </summary>
/// <param name="Reports">
/// At least one. The rows are the first table that one of them has, or all figures of the first one by their names.
/// </param>
internal sealed record FigureTable(IReadOnlyList<JsonReport> Reports)
{
    /// <summary>More than this many times as bad as the first is said so.</summary>
    const double Bad = 2;

    static readonly string[] NoRow = [];

    /// <param name="markdown">True: for a README; false: for a terminal.</param>
    public string Text(bool markdown)
    {
        var text = new StringBuilder();
        foreach (var report in Reports) text.AppendLine((markdown ? "- " : "") + Heading(report));
        text.AppendLine();
        Write(text, [Titles(), .. Rows().Select(Cells)], markdown);
        text.AppendLine();
        foreach (var report in Reports.Where(r => r.Ended is not null))
            text.AppendLine($"{Label(report)}: it ended early: {report.Ended}");
        return text.ToString();
    }

    static string Heading(JsonReport report)
    {
        var machine = report.Machine is { } on
            ? string.Create(CultureInfo.InvariantCulture,
                $"; {on.Cores} cores, {on.Model}, {on.MemoryGib:0} GiB, load before {on.Load:0.0}")
            : "";
        return string.Create(CultureInfo.InvariantCulture,
            $"{report.Scenario}: {report.Hypervisors:N0} hypervisors, {report.Servers:N0} servers; {report.Database}"
            + $"{machine}; {report.Began:yyyy-MM-dd}, {report.Seconds:0} s")
            + (report.GoalsFor is { } other ? $"; goals are for {other}" : "");
    }

    /// <summary>By what the reports differ.</summary>
    string Label(JsonReport report)
    {
        if (Reports.Count == 1) return "seen";
        if (Reports.DistinctBy(r => r.Database).Count() == Reports.Count) return report.Database;
        if (Reports.DistinctBy(r => r.Hypervisors).Count() == Reports.Count)
            return string.Create(CultureInfo.InvariantCulture, $"{report.Hypervisors:N0} hypervisors");
        return $"run {Reports.ToList().IndexOf(report) + 1}";
    }

    IEnumerable<TableRow> Rows()
    {
        var table = Reports.Select(r => r.Table).FirstOrDefault(t => t.Count > 0);
        return table ?? Reports[0].Figures.Select(f => new TableRow(f.Name, f.Name));
    }

    string[] Titles() =>
    [
        "figure", "goal",
        .. Reports.SelectMany((r, i) => (string[])[Label(r), "verdict", .. i == 0 ? NoRow : ["of the first"]]),
    ];

    string[] Cells(TableRow row)
    {
        var goals = Reports.Select(r => GoalOf(r, row.Figure)).ToList();
        var first = Find(Reports[0], row.Figure);
        return
        [
            row.Words, string.Join(", ", goals.Where(g => g is not null).Select(g => g!.Goal).Distinct()),
            .. Reports.SelectMany((r, i) => (string[])
            [
                Find(r, row.Figure) is { } figure ? Number(figure) : "not measured", VerdictOf(r, row.Figure),
                .. i == 0 ? NoRow : [Compared(first, Find(r, row.Figure), goals[i])],
            ]),
        ];
    }

    static Figure? Find(JsonReport report, string name) => report.Figures.FirstOrDefault(f => f.Name == name);

    static Threshold? GoalOf(JsonReport report, string figure) =>
        report.Thresholds.Select(t => Threshold.Parse(t.Text)).FirstOrDefault(t => t.Figure == figure);

    static string VerdictOf(JsonReport report, string figure)
    {
        var found = report.Thresholds.FirstOrDefault(t => Threshold.Parse(t.Text).Figure == figure);
        return found is null ? "" : found.Holds switch { true => "met", false => "MISSED", null => "NOT MEASURED" };
    }

    static string Compared(Figure? first, Figure? other, Threshold? goal)
    {
        if (first is null || other is null || first.Value == 0) return "";
        var times = other.Value / first.Value;
        var worse = goal is { AtMost: false } || other.Unit == "/s" ? 1 / times : times;
        return times.ToString("0.00", CultureInfo.InvariantCulture) + (worse > Bad ? " (worse than twice)" : "");
    }

    static string Number(Figure figure) =>
        figure is { Unit: "ms", Value: >= 10_000 } ? $"{TextReport.Number(figure.Value / 1000)} s"
        : $"{TextReport.Number(figure.Value)} {figure.Unit}".Trim();

    static void Write(StringBuilder text, IReadOnlyList<string[]> lines, bool markdown)
    {
        var widths = Enumerable.Range(0, lines[0].Length).Select(i => lines.Max(l => l[i].Length)).ToArray();
        for (var n = 0; n < lines.Count; n++)
        {
            var cells = lines[n].Select((cell, i) => cell.PadRight(widths[i]));
            text.AppendLine(markdown ? $"| {string.Join(" | ", cells)} |" : string.Join("  ", cells).TrimEnd());
            if (markdown && n == 0)
                text.AppendLine($"|{string.Join('|', widths.Select(w => new string('-', w + 2)))}|");
        }
    }
}
