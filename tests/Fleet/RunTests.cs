using Microsoft.Extensions.Logging.Abstractions;
using Monolith.Fleet.Hosts;
using Monolith.Fleet.Scenarios;

namespace Monolith.Fleet.Tests;

/// <summary>
/// One fleet runs at a time: the agents of a process count their messages together, and a figure for each agent or
/// server would hold another fleet's.
/// </summary>
[CollectionDefinition]
public sealed class OneFleet;

/// <summary>
/// A scenario against a real host: the one that MONOLITH_HOST_PROGRAM names, or the one that was built beside.
/// </summary>
[Collection(typeof(OneFleet))]
public sealed class RunTests
{
    static readonly TimeSpan Deadline = TimeSpan.FromMinutes(5);

    internal static string HostProgram
    {
        get
        {
            if (Environment.GetEnvironmentVariable("MONOLITH_HOST_PROGRAM") is { Length: > 0 } named) return named;
            var artifacts = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "../../.."));
            return Path.Combine(artifacts, "bin/Monolith.Host/debug/Monolith.Host.dll");
        }
    }

    /// <summary>What a threshold missed is told with every figure: that is what it is mended from.</summary>
    internal static void MissesNothing(Scenario scenario, Findings findings)
    {
        var missed = scenario.Thresholds.Where(t => t.Holds(findings.Figures) != true).Select(t => t.Text).ToList();
        Assert.True(missed.Count == 0, $"missed: {string.Join(", ", missed)}\n{string.Join('\n', findings.Figures)}");
    }

    [Fact]
    public async Task AFleet_LivesThroughTheDeathOfItsHost()
    {
        var scenario = ScenarioFile.Parse("""
            about: The host is killed between creates and deletes.
            fleet: {hypervisors: 5, racks: 5}
            projects: 2
            probes: {gets: 5, lists: 2, watchers: 1}
            steps:
              - create: {servers: 20, clients: 4}
              - restart_host: {}
              - reconnect: {part: 1}
              - upgrade: {at_once: 2}
              - lose_racks: {racks: 1, down: 100 ms}
              - slow_database: {for: 1 s, clients: 2}
              - arrive: {rate: 5, to: 10, for: 4 s, retry: false}
              - delete: {clients: 4}
            thresholds:
              - failed <= 0
              - create.ready.count >= 20
              - create.not_begun <= 0
              - create.fleet_cpu_per_server >= 0 ms
              - restart_host.messages_per_stream >= 1
              - restart_host.converged <= 120 s
              - reconnect.messages_per_stream >= 1
              - upgrade.back.count >= 5
              - upgrade.failures <= 0
              - upgrade.messages_per_agent <= 18
              - slow_database.held.count >= 1
              - slow_database.get.count >= 1
              - arrive.list.count >= 1
              - arrive.watch.count >= 1
              - arrive.ready.count >= 1
              - arrive.refused_without_retry <= 0
              - delete.gone.count >= 21
            """, "mine");
        var directory = Directory.CreateTempSubdirectory("fleet-run-").FullName;
        using var late = new CancellationTokenSource(Deadline);
        var said = new List<string>();
        try
        {
            await using var host = await HostProcess.StartAsync(scenario.Host, HostProgram, directory, late.Token);
            var findings = await new Run(scenario, host, directory, NullLoggerFactory.Instance, said.Add)
                .PlayAsync(late.Token);

            Assert.Null(findings.Ended);
            Assert.Empty(findings.Failings);
            MissesNothing(scenario, findings);
            Assert.Equal(scenario.Steps.Select(s => s.Name), findings.Steps.Select(s => s.Step));
            Assert.True(findings.Passed);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }
}
