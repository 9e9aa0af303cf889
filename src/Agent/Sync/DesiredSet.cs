using System.Globalization;
using Google.Protobuf;
using Monolith.Agent.Ledger;

namespace Monolith.Agent.Sync;

/// <summary>
/// What is wanted of one concern: in memory for reconcilers, in a ledger for the next start. Changes are durable before
/// anybody sees them, so that nothing is ever done that a restarted agent would not do again.
/// </summary>
internal sealed class DesiredSet
{
    private readonly Lock _lock = new();
    private readonly ILedger _ledger;
    private readonly Dictionary<string, DesiredItem> _items = new(StringComparer.Ordinal);

    public DesiredSet(IConcern concern, ILedger ledger)
    {
        _ledger = ledger;
        foreach (var record in ledger.Load())
        {
            try
            {
                _items[record.Key] =
                    new DesiredItem(record.Key, record.Generation, concern.Parse(record.Key, record.Body!));
            }
            catch (InvalidProtocolBufferException)
            {
                // Not ours to understand (a newer agent wrote it): the digest will differ and the host sends it again.
            }
        }
    }

    public int Count
    {
        get
        {
            lock (_lock) return _items.Count;
        }
    }

    public IReadOnlyList<string> Keys
    {
        get
        {
            lock (_lock) return [.. _items.Keys];
        }
    }

    public DesiredItem? Find(string key)
    {
        lock (_lock) return _items.GetValueOrDefault(key);
    }

    public IReadOnlyList<DesiredItem> Snapshot()
    {
        lock (_lock) return [.. _items.Values];
    }

    /// <summary>Empty when nothing is held.</summary>
    public string ComputeDigest()
    {
        lock (_lock)
        {
            return _items.Count == 0
                ? ""
                : Digest.Of(_items.Values.Select(i => KeyValuePair.Create(i.Key, i.Generation.ToString(CultureInfo.InvariantCulture))));
        }
    }

    /// <summary>Makes changes durable, then visible.</summary>
    public void Apply(IReadOnlyList<DesiredChange> changes)
    {
        _ledger.Commit([.. changes.Select(c => c.Item is { } item
            ? LedgerRecord.Put(item.Key, item.Generation, item.Body)
            : LedgerRecord.Drop(c.Key))]);
        lock (_lock)
        {
            foreach (var change in changes)
            {
                if (change.Item is null) _items.Remove(change.Key);
                else _items[change.Key] = change.Item;
            }
        }
    }
}

/// <summary>A change of the desired set.</summary>
/// <param name="Key">Of the item.</param>
/// <param name="Item">Null: no longer wanted.</param>
/// <param name="Explicit">The host said so itself; else it follows from the item's absence in a snapshot.</param>
internal readonly record struct DesiredChange(string Key, DesiredItem? Item, bool Explicit);
