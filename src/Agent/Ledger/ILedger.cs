namespace Monolith.Agent.Ledger;

/// <summary>
/// Where a keyed set outlives the process. Not safe for concurrent commits: each ledger has one owner.
/// </summary>
internal interface ILedger : IDisposable
{
    /// <summary>What survived: one put per live key. Empty for a new ledger.</summary>
    IReadOnlyList<LedgerRecord> Load();

    /// <summary>All of it survives a power loss when this returns; some prefix of it when it does not return.</summary>
    /// <exception cref="IOException">The disk refused; nothing may be acted on.</exception>
    void Commit(IReadOnlyList<LedgerRecord> records);
}

/// <summary>In memory: what is committed is there for whoever opens the same set after this one.</summary>
/// <param name="kept">The set, by key; it outlives the ledger.</param>
internal sealed class MemoryLedger(Dictionary<string, LedgerRecord> kept) : ILedger
{
    /// <summary>A set of its own, which ends with it.</summary>
    public MemoryLedger() : this(new Dictionary<string, LedgerRecord>(StringComparer.Ordinal))
    {
    }

    // Whoever wants to know what is kept may look while its owner writes.
    public IReadOnlyList<LedgerRecord> Load()
    {
        lock (kept) return [.. kept.Values];
    }

    public void Commit(IReadOnlyList<LedgerRecord> records)
    {
        lock (kept)
        {
            foreach (var record in records)
            {
                if (record.Body is null) kept.Remove(record.Key);
                else kept[record.Key] = record;
            }
        }
    }

    public void Dispose()
    {
    }
}
