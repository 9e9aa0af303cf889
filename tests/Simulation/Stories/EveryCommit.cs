using System.Globalization;
using Monolith.Compute.V1;
using Monolith.Simulation.Tests.Hosts;

namespace Monolith.Simulation.Tests.Stories;

/// <summary>
/// Promise 1, commit by commit: a server's whole life, once with the host killed at the first commit of it, once at the
/// second, and so on until it lives through; before the commit, and after it.
/// </summary>
internal static class EveryCommit
{
    public static async Task RunAsync(Simulation simulation, CommitFate fate)
    {
        var client = simulation.Clients[0];
        for (var commit = 1; ; commit++)
        {
            simulation.Faults.DieAt(commit, fate);
            var name = string.Create(CultureInfo.InvariantCulture, $"projects/{client.Project}/servers/web{commit}");
            await client.CreateAsync(name);
            await client.StateAsync(name, Server.Types.State.Ready);
            await client.StopAsync(name);
            await client.StateAsync(name, Server.Types.State.Stopped);
            await client.StartAsync(name);
            await client.StateAsync(name, Server.Types.State.Ready);
            await client.DeleteAsync(name, client.Servers[name]);
            await simulation.UntilAsync("everything to be gone", simulation.Leftovers);
            if (!simulation.Faults.HasDied) return;
        }
    }
}
