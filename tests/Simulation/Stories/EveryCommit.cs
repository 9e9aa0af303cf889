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
    /// <param name="first">The first commit that it dies at, from 1.</param>
    /// <param name="every">And at each so many after that.</param>
    /// <returns>How many deaths there were.</returns>
    public static async Task<int> RunAsync(Simulation simulation, string life, bool agents, CommitFate fate, int first, int every)
    {
        var client = simulation.Clients[0];
        for (int commit = first, deaths = 0; ; commit += every, deaths++)
        {
            if (agents) simulation.Faults.AgentDiesAt(commit, fate);
            else simulation.Faults.DieAt(commit, fate);
            var name = string.Create(CultureInfo.InvariantCulture, $"projects/{client.Project}/servers/web{commit}");
            await Lives.LiveAsync(life, simulation, client, name);
            if (!(agents ? simulation.Faults.HasAgentDied : simulation.Faults.HasDied)) return deaths;
        }
    }
}
