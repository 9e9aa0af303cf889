using Monolith.Agent.Ledger;

namespace Monolith.Agent.Emulated;

/// <summary>Where agents of an emulated machine keep their ledgers: one agent after the other, as on a disk.</summary>
public sealed class EmulatedDisk
{
    private readonly Lock gate = new();
    private readonly Dictionary<string, Dictionary<string, LedgerRecord>> ledgers = new(StringComparer.Ordinal);

    /// <summary>As <see cref="FileLedger.Open"/>: at most one at a time for a name.</summary>
    internal ILedger Open(string name)
    {
        lock (gate)
        {
            if (!ledgers.TryGetValue(name, out var kept))
                ledgers[name] = kept = new Dictionary<string, LedgerRecord>(StringComparer.Ordinal);
            return new MemoryLedger(kept);
        }
    }
}
