using System.Threading.Channels;
using Google.Protobuf;

namespace Monolith.Agent.Sync;

/// <summary>
/// What is reported of one concern. A status is the whole fact, so that of many changes only the last is sent: the
/// queue holds each key once and is bounded by the number of things that exist.
/// <para>
/// What exists has a status here until it is gone, since a full report also tells what does not exist. The end of a
/// thing is a farewell: sent once, and in no digest. Is the connection lost before the host has it, then the next
/// hello's digest lacks the thing, and the full report that the host asks for tells the same.
/// </para>
/// </summary>
internal sealed class StatusBoard(IConcern concern)
{
    private readonly Lock gate = new();
    private readonly Dictionary<string, Entry> entries = new(StringComparer.Ordinal);
    private readonly Queue<string> changed = new();
    private readonly Dictionary<string, IMessage> farewells = new(StringComparer.Ordinal);
    private IMessage? note;
    private readonly Channel<bool> signal = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    private sealed record Entry(IMessage Status, string Digest)
    {
        public bool Queued { get; set; }
    }

    /// <summary>Reports a fact. Nothing is sent when it is what was reported last.</summary>
    /// <param name="key">Of the item.</param>
    /// <param name="status">Owned by the board from here on; its digest field is empty.</param>
    public void Set(string key, IMessage status)
    {
        var digest = Digest.OfBytes(status.ToByteArray());
        concern.SetDigest(status, digest);
        lock (gate)
        {
            var old = entries.GetValueOrDefault(key);
            farewells.Remove(key);
            if (old?.Digest == digest) return;
            entries[key] = new Entry(status, digest) { Queued = true };
            if (old is not { Queued: true }) changed.Enqueue(key);
        }

        signal.Writer.TryWrite(true);
    }

    /// <summary>Reports the end of a thing, and forgets it.</summary>
    /// <param name="key">Of the item.</param>
    /// <param name="status">Owned by the board from here on; its digest field is empty.</param>
    public void Farewell(string key, IMessage status)
    {
        concern.SetDigest(status, Digest.OfBytes(status.ToByteArray()));
        lock (gate)
        {
            entries.Remove(key);
            farewells[key] = status;
        }

        signal.Writer.TryWrite(true);
    }

    /// <summary>
    /// Something that is no status: in no digest, and only the newest is sent. One that no session took is dropped with
    /// the next one's beginning: whoever notes it does so again then.
    /// </summary>
    /// <param name="message">Owned by the board from here on.</param>
    public void Note(IMessage message)
    {
        lock (gate) note = message;
        signal.Writer.TryWrite(true);
    }

    public void Remove(string key)
    {
        lock (gate) entries.Remove(key);
    }

    public IMessage? Find(string key)
    {
        lock (gate) return entries.GetValueOrDefault(key)?.Status;
    }

    public IReadOnlyList<IMessage> Snapshot()
    {
        lock (gate) return [.. entries.Values.Select(e => e.Status)];
    }

    /// <summary>The digest for a hello. What changes from here on is sent on the stream that it opens.</summary>
    public string BeginSession()
    {
        lock (gate)
        {
            ClearQueue();
            note = null;
            return Digest.Of(entries.Select(e => KeyValuePair.Create(e.Key, e.Value.Digest)));
        }
    }

    /// <summary>Every status, when the host's picture differs. What changes from here on is sent after them.</summary>
    public IReadOnlyList<IMessage> TakeAll()
    {
        lock (gate)
        {
            ClearQueue();
            return [.. entries.Values.Select(e => e.Status)];
        }
    }

    /// <summary>Statuses that changed since they were taken last; waits until there is one.</summary>
    public async ValueTask<IReadOnlyList<IMessage>> TakeChangedAsync(CancellationToken cancellation)
    {
        while (true)
        {
            var taken = TakeChanged();
            if (taken.Count > 0) return taken;
            await signal.Reader.ReadAsync(cancellation);
        }
    }

    private List<IMessage> TakeChanged()
    {
        lock (gate)
        {
            var taken = new List<IMessage>();
            while (changed.TryDequeue(out var key))
            {
                if (!entries.TryGetValue(key, out var entry) || !entry.Queued) continue;
                entry.Queued = false;
                taken.Add(entry.Status);
            }

            taken.AddRange(farewells.Values);
            farewells.Clear();
            if (note is not null) taken.Add(note);
            note = null;
            return taken;
        }
    }

    private void ClearQueue()
    {
        changed.Clear();
        farewells.Clear();
        foreach (var entry in entries.Values) entry.Queued = false;
    }
}
