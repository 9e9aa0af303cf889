using System.Globalization;
using System.Net;
using System.Text;
using Monolith.Fleet.Figures;
using Monolith.Fleet.Scenarios;

namespace Monolith.Fleet.Reports;

/// <summary>Everything that a run found, for people: one file that needs no other and runs nothing.</summary>
internal static class HtmlReport
{
    static readonly (string Series, string Title, string Unit)[] Plots =
    [
        ("rate", "Servers done", "servers a second"), ("host_cores", "The host's processor time", "cores"),
        ("host_mib", "The host's memory", "MiB"), ("in_sync", "Agents in step with the host", "agents"),
    ];

    static readonly string[] Ranks = ["count", "p50", "p95", "p99", "max"];

    /// <param name="command">What plays the same scenario again.</param>
    /// <returns>The file's path.</returns>
    public static string Write(Findings findings, string command, string directory)
    {
        Directory.CreateDirectory(directory);
        var path = Path.Combine(directory, "report.html");
        File.WriteAllText(path, Page(findings, command));
        return path;
    }

    internal static string Page(Findings findings, string command)
    {
        var page = new StringBuilder();
        var name = Text(findings.Scenario.Name);
        var (kind, verdict) = findings.Passed ? ("met", "passed") : ("missed", "not passed");
        page.Append($"""
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
            <title>{name}: {verdict}</title>
            <style>{ReportStyle.Css}</style>
            </head>
            <body>
            <h1>{name} <span class="{kind}">{verdict}</span></h1>
            <p>{Text(findings.Scenario.About)}</p>
            <p class="quiet">{Text(Summary(findings))}</p>

            """);
        if (findings.Ended is { } why) page.Append($"<p class=\"missed\">It ended early: {Text(why)}</p>\n");
        Thresholds(page, findings);
        Lines(page, findings);
        Failings(page, findings);
        page.Append("<h2>Figures</h2>\n");
        foreach (var step in findings.Figures.GroupBy(f => f.Name.Split('.')[0])) Step(page, step.Key, [.. step]);
        page.Append($"""
            <h2>Once more</h2>
            <p>The same nodes, dice and arrivals (seed {findings.Scenario.Fleet.Seed}); times depend on the machine.</p>
            <pre>{Text(command)}</pre>
            </body>
            </html>

            """);
        return page.ToString();
    }

    static string Summary(Findings findings)
    {
        var fleet = findings.Scenario.Fleet;
        return string.Create(CultureInfo.InvariantCulture,
            $"{fleet.Hypervisors:N0} hypervisors, {fleet.LoadBalancers:N0} load balancer nodes, "
            + $"{findings.Scenario.Projects:N0} projects. Began {findings.Began:yyyy-MM-dd HH:mm:ss} UTC, "
            + $"took {findings.Took.TotalSeconds:0} s on {Environment.ProcessorCount} cores.");
    }

    static void Thresholds(StringBuilder page, Findings findings)
    {
        if (findings.Scenario.Thresholds.Count == 0) return;
        page.Append("<h2>Thresholds</h2>\n<table><tr><th>verdict</th><th>threshold</th><th>measured</th></tr>\n");
        foreach (var threshold in findings.Scenario.Thresholds)
        {
            var (kind, verdict) = threshold.Holds(findings.Figures) switch
            {
                true => ("met", "met"),
                false => ("missed", "missed"),
                null => ("missed", "not measured"),
            };
            page.Append($"<tr><td class=\"{kind}\">{verdict}</td><td>{Text(threshold.Text)}</td>")
                .Append($"<td class=\"number\">{Text(Measured(threshold, findings))}</td></tr>\n");
        }
        page.Append("</table>\n");
    }

    static string Measured(Threshold threshold, Findings findings) =>
        findings.Figures.FirstOrDefault(f => f.Name == threshold.Figure) is { } figure
            ? $"{TextReport.Number(figure.Value)} {figure.Unit}"
            : "";

    static void Lines(StringBuilder page, Findings findings)
    {
        page.Append("<h2>Over time</h2>\n");
        foreach (var (series, title, unit) in Plots)
        {
            if (!findings.Series.TryGetValue(series, out var points) || points.Count == 0) continue;
            var plot = new Plot(title, unit, points);
            page.Append($"<figure><figcaption>{Text(title)}, {Text(unit)}; ")
                .Append($"most {Text(TextReport.Number(points.Max(p => p.Value)))}, ")
                .Append($"at the end {Text(TextReport.Number(points[^1].Value))}</figcaption>\n")
                .Append(plot.Svg(findings.Steps, findings.Took)).Append("</figure>\n");
        }
    }

    static void Failings(StringBuilder page, Findings findings)
    {
        if (findings.Failings.Count == 0) return;
        var all = findings.Figures.FirstOrDefault(f => f.Name == "failed")?.Value ?? findings.Failings.Count;
        page.Append($"<h2>What failed</h2>\n<p>{Text(TextReport.Number(all))} in all; the first of them:</p>\n<ul>\n");
        foreach (var failing in findings.Failings) page.Append($"<li>{Text(failing)}</li>\n");
        page.Append("</ul>\n");
    }

    // Durations of one kind share a row; what stands alone comes after them.
    static void Step(StringBuilder page, string step, List<Figure> figures)
    {
        page.Append($"<h3>{Text(step)}</h3>\n");
        var kinds = figures.Where(f => f.Name.EndsWith(".count", StringComparison.Ordinal))
            .Select(f => f.Name[..^".count".Length]).Where(k => figures.Any(f => f.Name == k + ".p50")).ToList();
        if (kinds.Count > 0)
        {
            page.Append($"<table><tr><th>milliseconds</th>{string.Concat(Ranks.Select(r => $"<th>{r}</th>"))}</tr>\n");
            foreach (var kind in kinds)
            {
                page.Append($"<tr><td>{Text(Short(kind))}</td>");
                foreach (var rank in Ranks)
                    page.Append($"<td class=\"number\">{Text(Value(figures, $"{kind}.{rank}"))}</td>");
                page.Append("</tr>\n");
            }
            page.Append("</table>\n");
        }
        var alone = figures.Where(f => !kinds.Any(k => Ranks.Any(r => f.Name == $"{k}.{r}"))).ToList();
        if (alone.Count == 0) return;
        page.Append("<table><tr><th>figure</th><th>value</th><th>unit</th></tr>\n");
        foreach (var figure in alone)
            page.Append($"<tr><td>{Text(Short(figure.Name))}</td><td class=\"number\">")
                .Append($"{Text(TextReport.Number(figure.Value))}</td><td>{Text(figure.Unit)}</td></tr>\n");
        page.Append("</table>\n");
    }

    static string Short(string name) => name.Contains('.') ? name[(name.IndexOf('.') + 1)..] : name;

    static string Value(List<Figure> figures, string name) =>
        figures.FirstOrDefault(f => f.Name == name) is { } figure ? TextReport.Number(figure.Value) : "";

    static string Text(string text) => WebUtility.HtmlEncode(text);
}
