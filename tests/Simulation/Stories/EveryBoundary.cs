using System.Globalization;
using Monolith.Simulation.Tests.Faults;

namespace Monolith.Simulation.Tests.Stories;

/// <summary>
/// Promise 1, boundary by boundary: a server's whole life, once with the host killed at the first commit of it, once at
/// the second, and so on until it lives through; before the commit, and after it. Or at the first message. Or an agent,
/// at what it writes to its disk, sends or takes.
/// </summary>
internal static class EveryBoundary
{
    /// <param name="agents">Which of the two dies.</param>
    /// <param name="first">The first boundary that it dies at, from 1.</param>
    /// <param name="every">And at each so many after that.</param>
    /// <returns>How many deaths there were.</returns>
    public static async Task<int> RunAsync(Simulation simulation, string life, bool agents, Boundary at, Crossing death,
        int first, int every)
    {
        var client = simulation.Clients[0];
        for (int number = first, deaths = 0; ; number += every, deaths++)
        {
            var shot = new Shot(at, number, death);
            if (agents) simulation.Faults.AgentDiesAt(shot);
            else simulation.Faults.HostDiesAt(shot);
            var name = string.Create(CultureInfo.InvariantCulture, $"projects/{client.Project}/servers/web{number}");
            await Lives.LiveAsync(life, simulation, client, name);
            if (!shot.IsFired) return deaths;
        }
    }
}
