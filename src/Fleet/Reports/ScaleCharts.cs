using System.Globalization;
using Monolith.Fleet.Scenarios;

namespace Monolith.Fleet.Reports;

/// <summary>
/// The charts of bench/scale: points are reports, each of a run of its own; goals are the thresholds of the scenarios
/// <c>figures</c> and <c>ten-thousand</c>.
/// </summary>
internal static class ScaleCharts
{
    // Of two lines the upper one comes first: its values are written above it.
    static readonly Kind[] Kinds =
    [
        new("agents-convergence", "scale-agents", "Host killed: until the agents are in step, from ready",
            "agents, each with a server", "seconds", 1000, null,
            [("restart.converged", "all agents"), ("restart.half_converged", "half of them")], "restart.converged"),
        new("servers-list", "scale-servers", "List, a page of 100, with 20 creates a second",
            "servers", "milliseconds", 1, "create.ready.count",
            [("busy.list.p99", "p99"), ("busy.list.p50", "p50")], "busy.list.p99"),
        new("servers-get", "scale-servers", "Get, with 20 creates a second",
            "servers", "milliseconds", 1, "create.ready.count",
            [("busy.get.p99", "p99"), ("busy.get.p50", "p50")], "busy.get.p99"),
        new("servers-memory", "scale-servers", "Memory of the host after the creates",
            "servers", "MiB", 1, "create.ready.count", [("full.host_memory", "host, idle")], "full.host_memory"),
    ];

    /// <param name="Scenario">Whose reports are its points.</param>
    /// <param name="Divisor">From the figures' unit to the chart's.</param>
    /// <param name="At">The figure that is a point's place; null: the hypervisors.</param>
    /// <param name="Goal">Of which figure there is a goal.</param>
    sealed record Kind(string File, string Scenario, string Title, string XTitle, string YTitle, double Divisor,
        string? At, (string Figure, string Label)[] Lines, string Goal);

    /// <returns>A chart for each kind that has a report; with the name of its file.</returns>
    public static IEnumerable<(string File, Chart Chart)> Of(IReadOnlyList<JsonReport> reports) =>
        from kind in Kinds
        let points = reports.Where(r => r.Scenario == kind.Scenario)
            .OrderBy(r => r.Hypervisors).ThenBy(r => r.Servers).ToList()
        where points.Count > 0
        select (kind.File + ".svg", Draw(kind, points));

    static Chart Draw(Kind kind, List<JsonReport> points)
    {
        var lines = kind.Lines.Select(line => new ChartLine(line.Label,
        [
            .. points.Select(p => (X: Place(kind, p), Y: Value(p, line.Figure) / kind.Divisor))
                .Where(s => s is { X: > 0, Y: > 0 }).Select(s => new Spot(s.X!.Value, s.Y!.Value)),
        ]));
        var lost = points.Where(p => Value(p, kind.Lines[0].Figure) is null || Place(kind, p) is null)
            .Select(p => $"{Asked(kind, p):#,0} not measured: {p.Ended ?? "its report has no such figure"}")
            .Select(l => l.ReplaceLineEndings(" "));
        return new Chart(kind.Title, Note(points), kind.XTitle, kind.YTitle, [.. lines], Goals(kind), [.. lost]);
    }

    static double? Place(Kind kind, JsonReport point) => kind.At is null ? point.Hypervisors : Value(point, kind.At);

    static int Asked(Kind kind, JsonReport point) => kind.At is null ? point.Hypervisors : point.Servers;

    static double? Value(JsonReport point, string figure) => point.Figures.FirstOrDefault(f => f.Name == figure)?.Value;

    static List<ChartGoal> Goals(Kind kind)
    {
        var goals = new List<ChartGoal>();
        foreach (var scenario in (string[])["figures", "ten-thousand"])
        {
            var read = ScenarioFile.Read(scenario);
            if (read.Thresholds.FirstOrDefault(t => t.Figure == kind.Goal && t.AtMost) is not { } goal) continue;
            var to = kind.At is null ? read.Fleet.Hypervisors : read.Servers;
            if (goals.Count > 0 && goals[^1].Most == goal.Limit / kind.Divisor) goals.RemoveAt(goals.Count - 1);
            goals.Add(new ChartGoal(to, goal.Limit / kind.Divisor));
        }
        return goals;
    }

    static string Note(List<JsonReport> points)
    {
        var on = points.Select(p => p.Machine).FirstOrDefault(m => m is not null);
        var databases = string.Join(" and ", points.Select(p => p.Database).Where(d => d.Length > 0).Distinct());
        var last = points.Max(p => p.Began);
        var machine = on is null ? "" : $"{on.Cores} cores, {on.Model}; ";
        return string.Create(CultureInfo.InvariantCulture, $"{databases}; {machine}"
            + $"host and fleet on the same machine; {last:yyyy-MM-dd}");
    }

    /// <summary>All figures of all points, a line for each, for other programs.</summary>
    public static string Csv(IReadOnlyList<JsonReport> reports) => string.Join('\n',
    [
        "scenario,hypervisors,servers,database,began,figure,value,unit",
        .. reports.SelectMany(r => r.Figures.Select(f => string.Create(CultureInfo.InvariantCulture,
            $"{r.Scenario},{r.Hypervisors},{r.Servers},{r.Database},{r.Began:O},{f.Name},{f.Value:R},{f.Unit}"))), "",
    ]);
}
