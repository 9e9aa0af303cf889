using Monolith.Agent.Ledger;
using Monolith.Simulation.Tests.World;

namespace Monolith.Simulation.Tests.Nodes;

/// <summary>A ledger's file: what was committed outlives the agents.</summary>
internal sealed class KeptLedger
{
    // In the order of keys' first commits, as a file's reader finds them.
    public Dictionary<string, LedgerRecord> Records { get; } = new(StringComparer.Ordinal);
}

/// <summary>One agent's handle to it.</summary>
internal sealed class OpenLedger(KeptLedger file, Process agent, Func<bool> fails) : ILedger
{
    public IReadOnlyList<LedgerRecord> Load() => [.. file.Records.Values];

    public void Commit(IReadOnlyList<LedgerRecord> records)
    {
        if (!agent.IsAlive) return;
        if (records.Count > 0 && fails()) throw new IOException("The disk refused (simulated).");
        foreach (var record in records)
        {
            if (record.Body is null) file.Records.Remove(record.Key);
            else file.Records[record.Key] = record;
        }
    }

    public void Dispose()
    {
    }
}
