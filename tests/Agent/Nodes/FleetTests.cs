using Microsoft.Extensions.Logging.Abstractions;
using Monolith.Agent.Emulated;

namespace Monolith.Agent.Tests.Nodes;

/// <summary>What an emulated node costs while nothing happens, with 20 servers on it.</summary>
public sealed class FleetTests
{
    private const int Nodes = 50, Servers = 20;

    [Fact]
    public async Task EmulatedNode_With20Servers_IsUnder1MB()
    {
        using var stop = new CancellationTokenSource();
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var fleet = Enumerable.Range(0, Nodes).Select(n => new Member(n, stop.Token)).ToList();
        foreach (var member in fleet) await member.RunningAsync();
        // What the host in memory keeps is not the node's.
        foreach (var member in fleet) member.Host.Forget();
        var each = (GC.GetTotalMemory(forceFullCollection: true) - before) / Nodes;
        TestContext.Current.TestOutputHelper?.WriteLine($"{each / 1024} KiB a node");
        await stop.CancelAsync();
        await Task.WhenAll(fleet.Select(f => f.Run.WaitAsync(TimeSpan.FromSeconds(20))));
        Assert.InRange(each, 0, 1_000_000);
    }

    private sealed class Member
    {
        public Member(int seed, CancellationToken stop)
        {
            for (var n = 0; n < Servers; n++)
            {
                Host.Want(Wishes.Port(n));
                Host.Want(Wishes.Vm(n));
            }

            var node = new EmulatedNode(Emulation.Instant with { Seed = seed }, TimeProvider.System);
            Run = new AgentProcess(
                new AgentOptions { Node = $"hv{seed}" }, node.Drivers, () => Host, TimeProvider.System,
                NullLoggerFactory.Instance).RunAsync(stop);
        }

        public MemoryHost Host { get; } = new();
        public Task Run { get; }

        public Task RunningAsync() => Host.UntilAsync(
            () => Host.VmStatuses.Count == Servers && Host.VmStatuses.Values.All(s => s.Answers), "all run");
    }
}
