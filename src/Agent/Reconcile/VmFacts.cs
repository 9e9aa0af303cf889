using Monolith.Agent.Ledger;

namespace Monolith.Agent.Reconcile;

/// <summary>The facts of all vms: in memory, and in a ledger where the next agent needs them.</summary>
internal sealed class VmFacts
{
    private readonly Lock _lock = new();
    private readonly ILedger _ledger;
    private readonly Dictionary<string, VmFact> _facts = new(StringComparer.Ordinal);

    public VmFacts(ILedger ledger)
    {
        _ledger = ledger;
        foreach (var record in ledger.Load())
        {
            if (VmFact.Decode(record.Body!) is { } fact) _facts[record.Key] = fact;
        }
    }

    public IReadOnlyList<string> Keys
    {
        get
        {
            lock (_lock) return [.. _facts.Keys];
        }
    }

    public VmFact Of(string id)
    {
        lock (_lock) return _facts.GetValueOrDefault(id, VmFact.None);
    }

    /// <summary>Remembers until the agent ends.</summary>
    public void Note(string id, VmFact fact)
    {
        lock (_lock) _facts[id] = fact;
    }

    /// <summary>Remembers across restarts and power losses, from when this returns.</summary>
    public void Keep(string id, VmFact fact)
    {
        lock (_lock)
        {
            _ledger.Commit([new LedgerRecord(id, fact.Generation, fact.Encode())]);
            _facts[id] = fact;
        }
    }

    public void Forget(string id)
    {
        lock (_lock)
        {
            if (_facts.Remove(id)) _ledger.Commit([LedgerRecord.Drop(id)]);
        }
    }
}
