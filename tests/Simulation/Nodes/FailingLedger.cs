using Monolith.Agent.Ledger;
using Monolith.Simulation.Tests.World;

namespace Monolith.Simulation.Tests.Nodes;

/// <summary>One agent's handle to a ledger: nothing of what it does after its death, and its disk refuses now and then.</summary>
internal sealed class FailingLedger(ILedger kept, Process agent, Func<bool> fails, Action<Action> commit) : ILedger
{
    public IReadOnlyList<LedgerRecord> Load() => kept.Load();

    public void Commit(IReadOnlyList<LedgerRecord> records)
    {
        if (!agent.IsAlive) return;
        if (records.Count > 0 && fails()) throw new IOException("The disk refused (simulated).");
        commit(() => kept.Commit(records));
    }

    public void Dispose() => kept.Dispose();
}
