using Microsoft.Extensions.Logging.Abstractions;
using Monolith.Fleet.Hosts;
using Monolith.Fleet.Scenarios;

namespace Monolith.Fleet.Tests;

/// <summary>
/// What a server may cost, in things that are counted and not timed: whoever adds a query or a message to each create
/// raises a number here, and says why. Measured is about four fifths of each; a slow machine shares fewer transactions
/// and counts more of what the host does every few seconds.
/// </summary>
[Collection(typeof(OneFleet))]
public sealed class BudgetTests
{
    [Fact]
    public async Task AServer_CostsNoMoreThanItsBudget()
    {
        var scenario = ScenarioFile.Parse("""
            about: Servers one after the other, a few at a time.
            fleet: {hypervisors: 5, racks: 5}
            projects: 5
            steps:
              - create: {servers: 20, clients: 8, name: warm}
              - create: {servers: 100, clients: 8}
            thresholds:
              - failed <= 0
              - create.round_trips_per_server <= 120
              - create.writes_per_server <= 13
              - create.transactions_per_server <= 16
              - create.messages_per_server <= 14
            """, "budget");
        var directory = Directory.CreateTempSubdirectory("fleet-budget-").FullName;
        using var late = new CancellationTokenSource(TimeSpan.FromMinutes(5));
        try
        {
            await using var host = await HostProcess.StartAsync(scenario.Host, RunTests.HostProgram, directory, late.Token);
            var findings = await new Run(scenario, host, directory, NullLoggerFactory.Instance, _ => { })
                .PlayAsync(late.Token);

            Assert.Empty(findings.Failings);
            RunTests.MissesNothing(scenario, findings);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }
}
