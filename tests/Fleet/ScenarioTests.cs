using Monolith.Fleet.Scenarios;
using Monolith.Fleet.Steps;

namespace Monolith.Fleet.Tests;

public sealed class ScenarioTests
{
    public static TheoryData<string> Shipped => [.. ScenarioFile.Shipped];

    [Theory]
    [MemberData(nameof(Shipped))]
    public void EveryScenarioThatComesWithTheProgram_IsOne(string name)
    {
        var scenario = ScenarioFile.Read(name);

        Assert.Equal(name, scenario.Name);
        Assert.NotEmpty(scenario.About);
        Assert.NotEmpty(scenario.Thresholds);
    }

    [Theory]
    [MemberData(nameof(Shipped))]
    public void Thresholds_AreOfSteps_ThatTheScenarioHas(string name)
    {
        var scenario = ScenarioFile.Read(name);

        Assert.All(scenario.Thresholds, t => Assert.Contains(
            t.Figure.Split('.')[0], scenario.Steps.Select(s => s.Name).Append("join").Append("failed")));
    }

    [Theory]
    [MemberData(nameof(Shipped))]
    public void ATable_IsOfStepsThatTheScenarioHas_AndHidesNoGoal(string name)
    {
        var scenario = ScenarioFile.Read(name);
        if (scenario.Table.Count == 0) return;

        Assert.All(scenario.Table, r => Assert.Contains(
            r.Figure.Split('.')[0], scenario.Steps.Select(s => s.Name).Append("join").Append("failed")));
        Assert.All(scenario.Thresholds, t => Assert.Contains(t.Figure, scenario.Table.Select(r => r.Figure)));
        Assert.Equal(scenario.Table.Count, scenario.Table.DistinctBy(r => r.Words).Count());
    }

    [Fact]
    public void TenThousand_IsHeldToTheSameFigures()
    {
        var (small, large) = (ScenarioFile.Read("figures"), ScenarioFile.Read("ten-thousand"));

        Assert.Equal(small.Table, large.Table);
        Assert.Equal(small.Thresholds.Select(t => t.Figure), large.Thresholds.Select(t => t.Figure));
        Assert.Equal((10_000, 100_000), (large.Fleet.Hypervisors, large.Servers));
        // No goal is more than twice as loose, but the one that is promised otherwise.
        Assert.All(small.Thresholds.Zip(large.Thresholds).Where(p => p.First.Figure != "restart.converged"),
            p => Assert.True(p.First.AtMost ? p.Second.Limit <= 2 * p.First.Limit : p.Second.Limit >= p.First.Limit / 2,
                p.Second.Text));
    }

    [Fact]
    public void WhatIsNotSaid_IsAsInTheScenarioThatItIsLike()
    {
        var like = ScenarioFile.Parse("""
            like: small
            fleet: {hypervisors: 3, racks: 3}
            table:
              - all: failed
            """, "mine");

        Assert.Equal(ScenarioFile.Read("small") with
        {
            Name = "mine",
            About = "",
            Fleet = like.Fleet,
            Table = like.Table,
            Steps = like.Steps,
            Thresholds = like.Thresholds,
        }, like);
        Assert.Equal(ScenarioFile.Read("small").Steps, like.Steps);
        Assert.Equal(new TableRow("all", "failed"), Assert.Single(like.Table));
        Assert.Equal(3, like.Fleet.Hypervisors);
    }

    [Theory]
    [InlineData("like: nobody\nsteps:\n  - quiet: {}", "mine, line 1: 'nobody' is none of the scenarios")]
    [InlineData("like: small\ntable:\n  - {a: b, c: d}", "mine, line 3: row 1 of the table must be")]
    [InlineData("like: small\nsteps: []", "mine, line 2: steps must be at least one")]
    [InlineData("steps:\n  - create: {servers: 0}", "mine, line 2: create: servers must be at least 1")]
    public void ALikenessOrTable_ThatIsNone_IsRefused(string yaml, string told) =>
        Assert.StartsWith(told, Refusal(yaml)[0], StringComparison.Ordinal);

    [Fact]
    public void AnotherSize_KeepsTheSharesOfItsSteps_AndSaysWhatTheGoalsAreFor()
    {
        var scenario = ScenarioFile.Parse("""
            fleet: {hypervisors: 30}
            steps:
              - create: {servers: 300, name: a}
              - create: {servers: 100, name: b}
            """, "mine");

        var sized = scenario.Sized(60, 40);

        Assert.Equal((60, 40), (sized.Fleet.Hypervisors, sized.Servers));
        Assert.Equal([30, 10], sized.Steps.Cast<CreateStep>().Select(s => s.Servers));
        Assert.Equal("30 hypervisors, 400 servers", sized.GoalsFor);
        Assert.Null(scenario.Sized(30, 400).GoalsFor);
        Assert.Null(scenario.Sized(null, null).GoalsFor);
    }

    [Fact]
    public void Violations_AreToldAllAtOnce_EachWithItsLine()
    {
        const string Yaml = """
            fleet: {hypervisors: 0,
              racks: 0}
            steps:
              - quiet:
              -
              - reconnect: {part: 2}
              - quiet: {for: 1 s}
              - quiet: {for: 1 s}
              - arrive: {rate: -1, name: a b}
            thresholds:
              - nonsense
            """;

        var told = Refusal(Yaml);

        string[] expected =
        [
            "mine, line 1: fleet.hypervisors must be from 1 to",
            "mine, line 1: fleet.zones must be from 1 to 1, and is 3",
            "mine, line 2: fleet.racks must be from 1 to",
            "mine, line 4: step 1 must be one thing",
            "mine, line 5: step 2 must be one thing",
            "mine, line 6: reconnect: part must be",
            "mine, line 8: two steps are called 'quiet'",
            "mine, line 9: 'a b' is no step's name",
            "mine, line 9: a b: rate must be more than 0",
            "mine, line 11: 'nonsense' is not FIGURE <= VALUE",
        ];
        Assert.Equal(expected.Length, told.Length);
        Assert.All(expected.Zip(told), l => Assert.StartsWith(l.First, l.Second, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("steps:\n  - quiet: {four: 3 s}", "mine, line 2: Property 'four' not found")]
    [InlineData("steps:\n  - quiet: {for: 3 parsecs}", "mine, line 2: '3 parsecs' is no duration")]
    [InlineData("fleet:\nsteps: []", "mine, line 2: steps must be at least one")]
    [InlineData("steps:\n  - quiet: {}\nsteps: []", "mine, line 3: ")]
    [InlineData("steps: [", "mine, line ")]
    [InlineData("", "mine: it is empty")]
    [InlineData("about: nothing", "mine, line 1: steps must be at least one")]
    public void WhatIsNoScenario_IsRefused_WithTheLine(string yaml, string told) =>
        Assert.StartsWith(told, Refusal(yaml)[0], StringComparison.Ordinal);

    [Fact]
    public void Steps_AreReadWithTheirParameters()
    {
        var scenario = ScenarioFile.Parse("""
            steps:
              - restart_host: {down: 2.5 s}
              - arrive: {rate: 10, to: 20, for: 1 min, retry: false, name: rush}
            """, "mine");

        Assert.Equal(
            new RestartHostStep { Name = "restart_host", Down = TimeSpan.FromSeconds(2.5) }, scenario.Steps[0]);
        Assert.Equal(new ArriveStep
        {
            Name = "rush", Index = 1, Rate = 10, To = 20, For = TimeSpan.FromMinutes(1), Retry = false,
        }, scenario.Steps[1]);
    }

    static string[] Refusal(string yaml) =>
        Assert.Throws<FormatException>(() => ScenarioFile.Parse(yaml, "mine")).Message.Split('\n');
}
