using System.Diagnostics;
using System.Globalization;
using Google.Protobuf;
using Monolith.Agent.Ledger;

namespace Monolith.Agent.Sync;

/// <summary>
/// What is wanted of one concern: in memory for reconcilers, in a ledger for the next start. Changes are durable before
/// anybody sees them, so that nothing is ever done that a restarted agent would not do again.
/// <code>
///   upsert ─▶ wanted ── remove ─▶ leaving ── its reconciler: nothing is left (Left) ─▶ forgotten
///                ▲                   │
///                └───── upsert ──────┘
/// </code>
/// What leaves is remembered until its reconciler has seen the end of it: an agent that is killed in the middle of a
/// removal takes it up again, and says that it is done when it is.
/// </summary>
internal sealed class DesiredSet
{
    private const string LeavingPrefix = "leaving:";
    private const ulong Ordered = 1, LeftOut = 2;

    private readonly Lock gate = new();
    private readonly ILedger ledger;
    private readonly Dictionary<string, DesiredItem> items = new(StringComparer.Ordinal);
    private readonly Dictionary<string, bool> leaving = new(StringComparer.Ordinal);
    // Nothing is left of these; the ledger learns it with its next commit, and repeats a removal of nothing before.
    private readonly HashSet<string> left = new(StringComparer.Ordinal);

    public DesiredSet(IConcern concern, ILedger ledger)
    {
        this.ledger = ledger;
        foreach (var record in ledger.Load())
        {
            if (record.Key.StartsWith(LeavingPrefix, StringComparison.Ordinal))
            {
                leaving[record.Key[LeavingPrefix.Length..]] = record.Generation == Ordered;
                continue;
            }

            try
            {
                items[record.Key] =
                    new DesiredItem(record.Key, record.Generation, concern.Parse(record.Key, record.Body!));
            }
            catch (InvalidProtocolBufferException)
            {
                // Not ours to understand (a newer agent wrote it): the digest will differ and the host sends it again.
            }
        }

        foreach (var key in items.Keys) leaving.Remove(key);
    }

    /// <summary>
    /// Nothing is wanted and nothing leaves: a node that was never told anything, or has forgotten it all.
    /// </summary>
    public bool IsEmpty
    {
        get
        {
            lock (gate) return items.Count == 0 && leaving.Count == 0;
        }
    }

    public int Count
    {
        get
        {
            lock (gate) return items.Count;
        }
    }

    public IReadOnlyList<string> Keys
    {
        get
        {
            lock (gate) return [.. items.Keys];
        }
    }

    /// <summary>Keys of what is no longer wanted and of which something may be left.</summary>
    public IReadOnlyList<string> Leaving
    {
        get
        {
            lock (gate) return [.. leaving.Keys];
        }
    }

    /// <summary>Whether the host itself said remove, and something of it may be left.</summary>
    public bool IsOrderedToLeave(string key)
    {
        lock (gate) return leaving.TryGetValue(key, out var ordered) && ordered;
    }

    /// <summary>Its reconciler says that nothing is left of it.</summary>
    /// <returns>False when it was not leaving: never known, said before, or wanted again.</returns>
    public bool Left(string key)
    {
        lock (gate)
        {
            if (!leaving.Remove(key)) return false;
            left.Add(key);
            return true;
        }
    }

    public DesiredItem? Find(string key)
    {
        lock (gate) return items.GetValueOrDefault(key);
    }

    public IReadOnlyList<DesiredItem> Snapshot()
    {
        lock (gate) return [.. items.Values];
    }

    /// <summary>Empty when nothing is held.</summary>
    public string ComputeDigest()
    {
        lock (gate)
        {
            return items.Count == 0
                ? ""
                : Digest.Of(items.Values.Select(
                    i => KeyValuePair.Create(i.Key, i.Generation.ToString(CultureInfo.InvariantCulture))));
        }
    }

    /// <summary>Makes changes durable, then visible. By one at a time.</summary>
    public void Apply(IReadOnlyList<DesiredChange> changes)
    {
        string[] left;
        Dictionary<string, bool> marked;
        lock (gate)
        {
            left = [.. this.left];
            marked = new Dictionary<string, bool>(leaving, StringComparer.Ordinal);
            foreach (var key in left) marked[key] = false;
        }

        ledger.Commit([
            .. left.Select(k => LedgerRecord.Drop(LeavingPrefix + k)),
            .. changes.SelectMany(c => RecordsOf(c, marked)),
        ]);
        lock (gate)
        {
            this.left.ExceptWith(left);
            foreach (var change in changes)
            {
                if (change.Item is null)
                {
                    items.Remove(change.Key);
                    leaving[change.Key] = change.Explicit || leaving.GetValueOrDefault(change.Key);
                    this.left.Remove(change.Key);
                }
                else
                {
                    items[change.Key] = change.Item;
                    leaving.Remove(change.Key);
                }
            }
        }
    }

    /// <summary>
    /// In an order of which every beginning is true: a torn commit leaves an item wanted, never forgotten.
    /// </summary>
    private static IEnumerable<LedgerRecord> RecordsOf(DesiredChange change, Dictionary<string, bool> marked)
    {
        var mark = LeavingPrefix + change.Key;
        if (change.Item is { } item)
        {
            yield return LedgerRecord.Put(item.Key, item.Generation, item.Body);
            if (marked.Remove(change.Key)) yield return LedgerRecord.Drop(mark);
            yield break;
        }

        // Once it is ordered, it stays ordered.
        var ordered = marked[change.Key] = change.Explicit || marked.GetValueOrDefault(change.Key);
        yield return new LedgerRecord(mark, ordered ? Ordered : LeftOut, ByteString.Empty);
        yield return LedgerRecord.Drop(change.Key);
    }
}

/// <summary>A change of the desired set.</summary>
/// <param name="Key">Of the item.</param>
/// <param name="Item">Null: no longer wanted.</param>
/// <param name="Explicit">The host said so itself; else it follows from the item's absence in a snapshot.</param>
internal readonly record struct DesiredChange(string Key, DesiredItem? Item, bool Explicit)
{
    /// <summary>What led to it; default when that is not known.</summary>
    public ActivityContext Cause { get; init; }
}
