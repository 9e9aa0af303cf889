using System.Collections.Concurrent;
using Microsoft.Extensions.Logging.Abstractions;
using Monolith.Agent;
using Monolith.Agent.Emulated;
using Monolith.Agent.Join;
using Monolith.Agent.Ledger;
using Monolith.Agent.Reconcile;
using Monolith.Simulation.Tests.Promises;

namespace Monolith.Crash.Nodes;

/// <summary>
/// An emulated hypervisor and its agent, joined and connected as a real one, with ledgers that are files. Its vms are in
/// this process: when it is killed, the machine has lost its power and its disks, and keeps what its agent was told.
/// </summary>
internal sealed class Machine(string name, int seed)
{
    readonly EmulatedNode node = new(new Emulation
    {
        Seed = seed,
        BootMedian = TimeSpan.FromMilliseconds(50),
        ShutdownLatency = TimeSpan.FromMilliseconds(20),
        ImageLatency = TimeSpan.FromMilliseconds(20),
        MigrationLatency = TimeSpan.FromMilliseconds(100),
        SnapshotLatency = TimeSpan.FromMilliseconds(50),
    }, TimeProvider.System);

    readonly ConcurrentDictionary<string, MirroredLedger> ledgers = new(StringComparer.Ordinal);

    public NodeFacts Facts =>
        NodeFacts.Of(name, node, ledger => ledgers.TryGetValue(ledger, out var open) ? open.Keys : []);

    /// <param name="state">Where its identity is, and its ledgers.</param>
    /// <param name="points">Told of what is written there.</param>
    public async Task RunAsync(string state, Points points)
    {
        using var channel = new HostChannel(NodeIdentity.Load(state));
        var agent = new AgentProcess(new AgentOptions
        {
            Node = name,
            Inventory = EmulatedNode.Inventory(8, 16_384, 100, "zone1"),
            BootId = Guid.NewGuid().ToString(),
            // What a host leaves out when an agent comes back is spared that long; nobody waits for ten minutes here.
            Policy = new VmPolicy { Grace = TimeSpan.FromSeconds(20) },
            InMemory = ledger => ledgers[ledger] =
                new MirroredLedger(FileLedger.Open(Path.Combine(state, ledger + ".ledger")), ledger, points),
        }, node.Drivers, () => channel.Invoker, TimeProvider.System, NullLoggerFactory.Instance);
        await agent.RunAsync(CancellationToken.None);
    }
}

/// <summary>A ledger that can be looked into, and whose commits are boundaries.</summary>
internal sealed class MirroredLedger(ILedger file, string name, Points points) : ILedger
{
    readonly MemoryLedger mirror = new();

    public IReadOnlyList<string> Keys => [.. mirror.Load().Select(r => r.Key)];

    public IReadOnlyList<LedgerRecord> Load()
    {
        var records = file.Load();
        mirror.Commit(records);
        return records;
    }

    public void Commit(IReadOnlyList<LedgerRecord> records)
    {
        points.CrossOrDie($"commit of {name} begins");
        file.Commit(records);
        points.CrossOrDie($"commit of {name} ends");
        mirror.Commit(records);
    }

    public void Dispose() => file.Dispose();
}
