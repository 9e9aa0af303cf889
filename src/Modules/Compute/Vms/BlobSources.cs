namespace Monolith.Compute.Vms;

/// <summary>Where a node is to read a blob. Closed.</summary>
internal abstract record BlobSource
{
    BlobSource() { }

    public sealed record Host : BlobSource;

    /// <param name="Address"><c>ip:port</c></param>
    public sealed record Peer(string Node, string Address) : BlobSource;

    /// <summary>All who have it are busy.</summary>
    public sealed record Wait(TimeSpan For) : BlobSource;
}

/// <summary>
/// Who reads which blob from whom, so that a fleet that wants one image at once doubles those who have it instead of
/// dividing one link:
/// <code>
///   host ─▶ 8 nodes ─▶ 3 each ─▶ 3 each ─▶ …     a node is asked as soon as it has all of it
/// </code>
/// In memory: what is lost with the host is who is busy, and that is over in minutes. Who has a blob is told by the vms that
/// were made of it, by those who hold it because they are to, and by those who have just read it.
/// </summary>
internal sealed class BlobSources(TimeProvider time)
{
    /// <summary>Of one blob at a time.</summary>
    public const int FromHost = 8, FromPeer = 3;

    static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);
    // However many wait, they ask no more often than that, together.
    const double AsksASecond = 300;
    static readonly TimeSpan Longest = TimeSpan.FromMinutes(10);
    static readonly TimeSpan Remembered = TimeSpan.FromHours(1);

    /// <param name="From">Empty: the host.</param>
    readonly record struct Reading(string From, DateTimeOffset Since);

    sealed class Blob
    {
        public Dictionary<string, Reading> Readings { get; } = new(StringComparer.Ordinal);
        public Dictionary<string, DateTimeOffset> Fresh { get; } = new(StringComparer.Ordinal);
        public HashSet<string> Waiting { get; } = new(StringComparer.Ordinal);

        public BlobSource.Wait Wait(string node)
        {
            Waiting.Add(node);
            var share = TimeSpan.FromSeconds(Waiting.Count / AsksASecond);
            return new(share > Pause ? share : Pause);
        }
    }

    readonly Lock gate = new();
    readonly Dictionary<string, Blob> blobs = new(StringComparer.Ordinal);
    readonly Dictionary<string, string> addresses = new(StringComparer.Ordinal);

    /// <summary>A node's agent is here, and gives blobs to others at an address; null: it does not.</summary>
    public void Connected(string node, string? address)
    {
        lock (gate)
            if (address is { Length: > 0 }) addresses[node] = address;
            else addresses.Remove(node);
    }

    public void Disconnected(string node)
    {
        lock (gate)
        {
            addresses.Remove(node);
            foreach (var blob in blobs.Values)
            {
                blob.Readings.Remove(node);
                blob.Waiting.Remove(node);
            }
        }
    }

    /// <param name="holders">Nodes that have it, as the rows say.</param>
    /// <param name="failed">Nodes that did not give it.</param>
    public BlobSource Choose(string sha256, string node, IEnumerable<string> holders, IReadOnlyCollection<string> failed)
    {
        lock (gate)
        {
            var now = time.GetUtcNow();
            Forget(now);
            if (!blobs.TryGetValue(sha256, out var blob)) blobs[sha256] = blob = new Blob();
            blob.Readings.Remove(node);
            var busy = blob.Readings.Values.CountBy(r => r.From).ToDictionary(StringComparer.Ordinal);
            var peer = holders.Concat(blob.Fresh.Keys).Distinct(StringComparer.Ordinal)
                .Where(h => h != node && !failed.Contains(h) && addresses.ContainsKey(h) && busy.GetValueOrDefault(h) < FromPeer)
                .OrderBy(h => busy.GetValueOrDefault(h)).ThenBy(h => h, StringComparer.Ordinal).FirstOrDefault();
            if (peer is null && busy.GetValueOrDefault("") >= FromHost) return blob.Wait(node);
            blob.Waiting.Remove(node);
            blob.Readings[node] = new(peer ?? "", now);
            return peer is null ? new BlobSource.Host() : new BlobSource.Peer(peer, addresses[peer]);
        }
    }

    /// <summary>A node has read it, or not.</summary>
    public void Ended(string sha256, string node, bool complete)
    {
        lock (gate)
        {
            if (!blobs.TryGetValue(sha256, out var blob)) return;
            blob.Readings.Remove(node);
            blob.Waiting.Remove(node);
            if (complete) blob.Fresh[node] = time.GetUtcNow();
        }
    }

    void Forget(DateTimeOffset now)
    {
        foreach (var (sha256, blob) in blobs)
        {
            foreach (var (node, reading) in blob.Readings)
                if (now - reading.Since > Longest) blob.Readings.Remove(node);
            foreach (var (node, since) in blob.Fresh)
                if (now - since > Remembered) blob.Fresh.Remove(node);
            if (blob.Readings.Count + blob.Fresh.Count == 0) blobs.Remove(sha256);
        }
    }
}
