using Monolith.Agent.Ledger;

namespace Monolith.Agent.Reconcile;

/// <summary>The facts of all vms: in memory, and in a ledger where the next agent needs them.</summary>
internal sealed class VmFacts
{
    private readonly Lock gate = new();
    private readonly ILedger ledger;
    private readonly Dictionary<string, VmFact> facts = new(StringComparer.Ordinal);

    public VmFacts(ILedger ledger)
    {
        this.ledger = ledger;
        foreach (var record in ledger.Load())
        {
            if (VmFact.Decode(record.Body!) is { } fact) facts[record.Key] = fact;
        }
    }

    public IReadOnlyList<string> Keys
    {
        get
        {
            lock (gate) return [.. facts.Keys];
        }
    }

    public VmFact Of(string id)
    {
        lock (gate) return facts.GetValueOrDefault(id, VmFact.None);
    }

    /// <summary>Remembers until the agent ends.</summary>
    public void Note(string id, VmFact fact)
    {
        lock (gate) facts[id] = fact;
    }

    /// <summary>Remembers across restarts and power losses, from when this returns.</summary>
    public void Keep(string id, VmFact fact)
    {
        lock (gate)
        {
            ledger.Commit([new LedgerRecord(id, fact.Generation, fact.Encode())]);
            facts[id] = fact;
        }
    }

    public void Forget(string id)
    {
        lock (gate)
        {
            if (!facts.ContainsKey(id)) return;
            // A ledger that refuses keeps it, and so is it forgotten at the next try.
            ledger.Commit([LedgerRecord.Drop(id)]);
            facts.Remove(id);
        }
    }
}
