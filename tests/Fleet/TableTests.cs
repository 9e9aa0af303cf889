using Monolith.Fleet.Figures;
using Monolith.Fleet.Hosts;
using Monolith.Fleet.Reports;
using Monolith.Fleet.Scenarios;

namespace Monolith.Fleet.Tests;

public sealed class TableTests
{
    static readonly Figure Restart = new("restart.start", 12_500, "ms");

    static readonly JsonReport Sqlite = new()
    {
        Scenario = "figures", Hypervisors = 1200, Servers = 26000, Database = "SQLite", Seconds = 90,
        Machine = new Machine(2, "a processor", 24, 0.3),
        Thresholds =
        [
            new("create.ready.p95 <= 2 s", true), new("create.rate >= 100 /s", false), new("get.p99 <= 10 ms", null),
        ],
        Table =
        [
            new("create to READY, p95", "create.ready.p95"), new("servers a second", "create.rate"),
            new("get, p99", "get.p99"), new("a restart", "restart.start"),
        ],
        Figures = [new("create.ready.p95", 1257.4, "ms"), new("create.rate", 56, "/s"), Restart],
    };

    static readonly JsonReport Postgres = Sqlite with
    {
        Database = "PostgreSQL",
        Ended = "It was interrupted.",
        Figures = [new("create.ready.p95", 2600, "ms"), new("create.rate", 30, "/s"), Restart],
    };

    [Fact]
    public void ARow_HasWords_Goal_FigureAndVerdict()
    {
        var lines = Lines(new FigureTable([Sqlite]).Text(markdown: false));

        Assert.Equal(["figure", "goal", "seen", "verdict"], lines[0]);
        Assert.Equal(["create to READY, p95", "<= 2 s", "1,257 ms", "met"], lines[1]);
        Assert.Equal(["servers a second", ">= 100 /s", "56 /s", "MISSED"], lines[2]);
        Assert.Equal(["get, p99", "<= 10 ms", "not measured", "NOT MEASURED"], lines[3]);
        Assert.Equal(["a restart", "12.5 s"], lines[4]);
    }

    [Fact]
    public void TheHeading_NamesSize_Database_AndMachine() => Assert.StartsWith(
        "figures: 1,200 hypervisors, 26,000 servers; SQLite; 2 cores, a processor, 24 GiB, load before 0.3",
        new FigureTable([Sqlite]).Text(markdown: false), StringComparison.Ordinal);

    [Fact]
    public void TwoRuns_AreSideBySide_AndWhatIsMoreThanTwiceAsBadIsSaid()
    {
        var text = new FigureTable([Sqlite, Postgres]).Text(markdown: false);
        var lines = Lines(text);

        Assert.Equal(["figure", "goal", "SQLite", "verdict", "PostgreSQL", "verdict", "of the first"], lines[0]);
        Assert.Equal("2.07 (worse than twice)", lines[1][^1]);
        // Half of a rate is twice as bad; 0.54 is not yet.
        Assert.Equal("0.54", lines[2][^1]);
        Assert.Equal("1.00", lines[4][^1]);
        Assert.Contains("PostgreSQL: it ended early: It was interrupted.", text, StringComparison.Ordinal);
    }

    [Fact]
    public void TwoSizes_AreToldByTheirHypervisors_AndDifferentGoalsAreBothTold()
    {
        var large = Sqlite with { Hypervisors = 10_000, Thresholds = [new("create.ready.p95 <= 4 s", true)] };

        var lines = Lines(new FigureTable([Sqlite, large]).Text(markdown: false));

        Assert.Equal("10,000 hypervisors", lines[0][4]);
        Assert.Equal("<= 2 s, <= 4 s", lines[1][1]);
    }

    [Fact]
    public void AReportWithoutATable_TellsEveryFigureByItsName()
    {
        var text = new FigureTable([Sqlite with { Table = [] }]).Text(markdown: true);

        Assert.All(Sqlite.Figures, f => Assert.Contains($"| {f.Name} ", text, StringComparison.Ordinal));
    }

    [Fact]
    public void AReport_IsReadAsItWasWritten_FromItsDirectory()
    {
        var directory = Directory.CreateTempSubdirectory("fleet-table-").FullName;
        try
        {
            var scenario = ScenarioFile.Read("figures").Sized(300, 500);
            JsonReport.Write(new Findings(scenario, DateTimeOffset.UnixEpoch, TimeSpan.FromSeconds(9), Sqlite.Figures,
                new Dictionary<string, IReadOnlyList<Point>> { ["rate"] = [new(TimeSpan.FromSeconds(1), 4)] },
                [("idle", TimeSpan.Zero)], ["one"], null), directory);

            var report = JsonReport.Read(directory);

            Assert.Equal((300, 500, "SQLite", "1,200 hypervisors, 26,000 servers"),
                (report.Hypervisors, report.Servers, report.Database, report.GoalsFor));
            Assert.Equal(Sqlite.Figures, report.Figures);
            Assert.Equal(scenario.Table, report.Table);
            Assert.Equal(scenario.Thresholds.Select(t => t.Text), report.Thresholds.Select(t => t.Text));
            Assert.Equal([1, 4], report.Series["rate"][0]);
            Assert.False(report.Passed);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    [Theory]
    [InlineData("nowhere")]
    [InlineData("/proc/self/status")]
    public void WhatIsNoReport_IsRefused_WithItsName(string path) =>
        Assert.Contains(
            path, Assert.Throws<FormatException>(() => JsonReport.Read(path)).Message, StringComparison.Ordinal);

    // Cells of a terminal's table are two blanks apart at least; the heading and a blank line come before.
    static List<string[]> Lines(string text) =>
    [
        .. text.Split('\n').SkipWhile(l => l.Length > 0).Skip(1).TakeWhile(l => l.Length > 0)
            .Select(l => l.Split("  ", StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)),
    ];
}
