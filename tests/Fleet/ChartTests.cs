using System.Globalization;
using System.Xml.Linq;
using CsCheck;
using Monolith.Fleet.Figures;
using Monolith.Fleet.Reports;

namespace Monolith.Fleet.Tests;

public sealed class ChartTests
{
    static readonly JsonReport[] Points =
    [
        Agents(100, 500, 300), Agents(1000, 4_000, 2_000), Agents(10_000, 60_000, 31_000),
        Agents(3000) with { Ended = "It was not done within 45 min." },
    ];

    [Fact]
    public void APoint_IsAReport_AndOneWithoutTheFigureIsTold()
    {
        var (file, chart) = Assert.Single(ScaleCharts.Of(Points));

        Assert.Equal("agents-convergence.svg", file);
        Assert.Equal([new Spot(100, 0.5), new Spot(1000, 4), new Spot(10_000, 60)], chart.Lines[0].Spots);
        Assert.Equal([new ChartGoal(1200, 5), new ChartGoal(10_000, 30)], chart.Goals);
        Assert.Equal(["3,000 not measured: It was not done within 45 min."], chart.Lost);
    }

    [Fact]
    public void ServersThatWereReached_AreTheirPlace_AndAGoalThatDoesNotChangeIsOneLine()
    {
        var report = new JsonReport
        {
            Scenario = "scale-servers", Servers = 26_000,
            Figures =
            [
                new("create.ready.count", 20_000, ""), new("busy.list.p99", 30, "ms"), new("busy.list.p50", 10, "ms"),
            ],
        };

        var chart = ScaleCharts.Of([report]).Single(c => c.File == "servers-list.svg").Chart;

        Assert.Equal([new Spot(20_000, 30)], chart.Lines[0].Spots);
        Assert.Equal(50, Assert.Single(chart.Goals).Most);
    }

    [Fact]
    public void EveryPoint_IsWithinTheFrame_AndRisesWithItsValue()
    {
        var svg = XElement.Parse(ScaleCharts.Of(Points).Single().Chart.Svg());

        var circles = svg.Descendants().Where(e => e.Name.LocalName == "circle")
            .Select(c => (X: Number(c, "cx"), Y: Number(c, "cy"))).Take(3).ToList();
        Assert.All(circles, c => Assert.True(c is { X: > 70 and < 650, Y: > 64 and < 364 }, $"{c}"));
        Assert.Equal(circles.OrderBy(c => c.X), circles);
        Assert.Equal(circles.OrderByDescending(c => c.Y), circles);
        // A factor of ten is the same way everywhere.
        Assert.Equal(circles[1].X - circles[0].X, circles[2].X - circles[1].X, 0.2);
        Assert.Contains("goal 30", svg.Descendants().Select(e => e.Value));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void AChartOfLittle_IsStillXml(int points)
    {
        var chart = new Chart("A & B", "<note>", "x", "y",
            [new ChartLine("<p99>", [.. Enumerable.Range(1, points).Select(i => new Spot(i, i))])], [], ["<lost>"]);

        var words = XElement.Parse(chart.Svg()).Descendants().Select(e => e.Value).ToList();

        Assert.Contains("A & B", words);
        Assert.Contains("<lost>", words);
    }

    [Fact]
    public void Ticks_EncloseEveryValue_AndRise() => Gen.Double[1e-3, 1e6].Array[1, 20].Sample(values =>
    {
        var ticks = Chart.Ticks(values);

        Assert.True(ticks.Count > 1);
        Assert.Equal(ticks.Distinct().Order(), ticks);
        Assert.True(ticks[0] <= values.Min() && ticks[^1] >= values.Max());
    });

    [Fact]
    public void TheCsv_HasALineForEachFigure() => Assert.Equal(
        "scale-agents,100,100,SQLite,1970-01-01T00:00:00.0000000+00:00,restart.converged,500,ms",
        ScaleCharts.Csv(Points).Split('\n')[1]);

    static JsonReport Agents(int count, params double[] milliseconds) => new()
    {
        Scenario = "scale-agents", Hypervisors = count, Servers = count, Database = "SQLite",
        Began = DateTimeOffset.UnixEpoch,
        Figures =
        [
            .. milliseconds.Zip(["restart.converged", "restart.half_converged"])
                .Select(p => new Figure(p.Second, p.First, "ms")),
        ],
    };

    static double Number(XElement element, string attribute) =>
        double.Parse(element.Attribute(attribute)!.Value, CultureInfo.InvariantCulture);
}
