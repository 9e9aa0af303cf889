namespace Monolith.Simulation.Tests.Stories;

/// <summary>
/// Random load under random faults:
/// <code>
///   load and faults ──▶ heal ──▶ all agrees, in bounded time ──▶ delete all ──▶ nothing is left
/// </code>
/// </summary>
internal static class UnderFaults
{
    static readonly TimeSpan Load = TimeSpan.FromSeconds(90);

    public static async Task RunAsync(Simulation simulation)
    {
        foreach (var client in simulation.Clients) client.Start();
        simulation.Faults.Start();
        await Task.Delay(Load, simulation.Time);
        foreach (var client in simulation.Clients) client.Stop();
        simulation.Faults.Heal();
        await simulation.UntilAsync("the clients to have answers",
            () => [.. simulation.Clients.Where(c => !c.IsDone).Select(c => c.Project + " waits for one")]);
        await simulation.UntilAsync("rows and nodes to agree", simulation.Differences);
        foreach (var client in simulation.Clients)
            foreach (var (name, server) in client.Servers.Where(s => !s.Value.Deleted))
                await client.DeleteAsync(name, server);
        await simulation.UntilAsync("everything to be gone", simulation.Leftovers);
    }
}
