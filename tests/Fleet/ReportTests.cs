using System.Text.Json;
using System.Xml.Linq;
using Monolith.Fleet.Figures;
using Monolith.Fleet.Reports;
using Monolith.Fleet.Scenarios;

namespace Monolith.Fleet.Tests;

public sealed class ReportTests
{
    const string Evil = "<script>alert('1')</script> & \"more\"";

    [Fact]
    public void WhatOthersWrote_StaysText()
    {
        var page = HtmlReport.Page(Findings(Evil, [Evil]) with { Ended = Evil }, "monolith fleet run " + Evil);

        Assert.DoesNotContain("<script", page, StringComparison.Ordinal);
        Assert.Contains("&lt;script&gt;", page, StringComparison.Ordinal);
    }

    [Fact]
    public void ThePage_NeedsNothingElse_AndRunsNothing()
    {
        var page = HtmlReport.Page(Findings("calm", []), "monolith fleet run calm");

        Assert.DoesNotContain("src=", page, StringComparison.Ordinal);
        Assert.DoesNotContain("href=", page, StringComparison.Ordinal);
        Assert.Contains("prefers-color-scheme: dark", page, StringComparison.Ordinal);
        Assert.Contains("default-src 'none'", page, StringComparison.Ordinal);
    }

    [Fact]
    public void ThePage_TellsEveryVerdict_FigureAndStep()
    {
        var page = HtmlReport.Page(Findings("calm", []), "monolith fleet run calm --seed 1");

        Assert.All([
            "<td class=\"met\">met</td><td>create.ready.p95 &lt;= 2 s</td>",
            "<td class=\"missed\">missed</td><td>create.rate &gt;= 100 /s</td>",
            "<td class=\"missed\">not measured</td><td>nothing &lt;= 1</td>",
            "<h3>create</h3>", "monolith fleet run calm --seed 1", "Servers done",
        ], part => Assert.Contains(part, page, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(300)]
    public void APlot_IsXml_WithItsAxesAndSteps(int points)
    {
        var plot = new Plot("A & B", "MiB < GiB",
            [.. Enumerable.Range(0, points).Select(i => new Point(TimeSpan.FromSeconds(i > 100 ? 3 * i : i), i % 17))]);

        var svg = XElement.Parse(plot.Svg([("create", TimeSpan.Zero), ("quiet", TimeSpan.FromSeconds(5))],
            TimeSpan.FromSeconds(900)));

        var words = svg.Descendants().Where(e => e.Name.LocalName == "text").Select(e => e.Value).ToList();
        Assert.Contains("MiB < GiB", words);
        Assert.Contains("seconds since the run began", words);
        Assert.Contains("create", words);
        Assert.Contains("quiet", words);
    }

    [Fact]
    public void BothFiles_AreWritten_AndTheJsonIsRead()
    {
        var directory = Directory.CreateTempSubdirectory("fleet-report-").FullName;
        try
        {
            var findings = Findings("calm", ["one"]);
            Assert.True(File.Exists(HtmlReport.Write(findings, "monolith fleet run calm", directory)));
            using var json = JsonDocument.Parse(File.ReadAllText(JsonReport.Write(findings, directory)));
            Assert.False(json.RootElement.GetProperty("passed").GetBoolean());
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    static Findings Findings(string name, IReadOnlyList<string> failings) => new(
        new Scenario
        {
            Name = name,
            About = name,
            Thresholds =
            [
                Threshold.Parse("create.ready.p95 <= 2 s"), Threshold.Parse("create.rate >= 100 /s"),
                Threshold.Parse("nothing <= 1"),
            ],
        },
        DateTimeOffset.UnixEpoch, TimeSpan.FromSeconds(20),
        [
            new("create.ready.count", 3, ""), new("create.ready.p50", 1, "ms"), new("create.ready.p95", 2, "ms"),
            new("create.rate", 10, "/s"), new("failed", failings.Count, ""),
        ],
        new Dictionary<string, IReadOnlyList<Point>>
        {
            ["rate"] = [new(TimeSpan.FromSeconds(1), 4), new(TimeSpan.FromSeconds(2), 6)],
        },
        [("create", TimeSpan.FromSeconds(1))], failings, null);
}
