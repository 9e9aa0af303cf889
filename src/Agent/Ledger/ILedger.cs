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

/// <summary>Keeps nothing: an emulated node is as new after its restart.</summary>
internal sealed class MemoryLedger : ILedger
{
    public IReadOnlyList<LedgerRecord> Load() => [];

    public void Commit(IReadOnlyList<LedgerRecord> records)
    {
    }

    public void Dispose()
    {
    }
}
