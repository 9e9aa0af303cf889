using Microsoft.Extensions.Logging.Abstractions;
using Monolith.Fleet.Hosts;
using Monolith.Fleet.Scenarios;

namespace Monolith.Fleet.Tests;

/// <summary>What a group of 1,000 costs when somebody joins or leaves it: one message for each hypervisor, no more and no less.</summary>
[Collection(typeof(OneFleet))]
public sealed class GroupChangeTests
{
    [Fact]
    public async Task AChange_ReachesEveryHypervisor_WithOneMessageEach()
    {
        var scenario = ScenarioFile.Parse("""
            about: A group of 1,000 members on ten hypervisors.
            fleet: {hypervisors: 10, racks: 10}
            projects: 1
            steps:
              - create: {servers: 20, clients: 8}
              - change_group: {members: 1000, changes: 6}
            thresholds:
              - failed <= 0
              - change_group.members >= 1000
              - change_group.hypervisors >= 10
              - change_group.known.count >= 60
              - change_group.messages_per_hypervisor <= 1
              - change_group.messages_per_hypervisor >= 1
            """, "group");
        var directory = Directory.CreateTempSubdirectory("fleet-group-").FullName;
        using var late = new CancellationTokenSource(TimeSpan.FromMinutes(5));
        try
        {
            await using var host = await HostProcess.StartAsync(scenario.Host, RunTests.HostProgram, directory, late.Token);
            var findings = await new Run(scenario, host, directory, NullLoggerFactory.Instance, _ => { })
                .PlayAsync(late.Token);

            Assert.Null(findings.Ended);
            Assert.Empty(findings.Failings);
            RunTests.MissesNothing(scenario, findings);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }
}
