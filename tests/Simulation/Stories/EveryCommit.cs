using System.Globalization;
using Monolith.Simulation.Tests.Hosts;

namespace Monolith.Simulation.Tests.Stories;

/// <summary>
/// Promise 1, commit by commit: a server's whole life, once with the host killed at the first commit of it, once at the
/// second, and so on until it lives through; before the commit, and after it. Or an agent, at what it writes to its disk.
/// </summary>
internal static class EveryCommit
{
    /// <param name="agents">Which of the two dies.</param>
    /// <returns>How many commits there were.</returns>
    public static async Task<int> RunAsync(Simulation simulation, string life, bool agents, CommitFate fate)
    {
        var client = simulation.Clients[0];
        for (var commit = 1; ; commit++)
        {
            if (agents) simulation.Faults.AgentDiesAt(commit, fate);
            else simulation.Faults.DieAt(commit, fate);
            var name = string.Create(CultureInfo.InvariantCulture, $"projects/{client.Project}/servers/web{commit}");
            await Lives.LiveAsync(life, simulation, client, name);
            if (!(agents ? simulation.Faults.HasAgentDied : simulation.Faults.HasDied)) return commit - 1;
        }
    }
}
