using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Monolith.Platform.Nodes;

/// <summary>An item that a node should hold.</summary>
/// <param name="Id">As in digests.</param>
/// <param name="Generation">Rises with every change of the item.</param>
/// <param name="Item">What is sent.</param>
public sealed record DesiredItem<TItem>(string Id, ulong Generation, TItem Item);

/// <summary>What a node that has missed nothing agrees with. Immutable.</summary>
/// <param name="Items">Everything that the node should hold, without what is in it.</param>
/// <param name="StatusDigest">The digest of the statuses that the rows remember; see sync.proto.</param>
public sealed record NodeSummary(IReadOnlyList<(string Id, ulong Generation)> Items, string StatusDigest);

/// <summary>What one concern of one module keeps for nodes, read from its rows at each call.</summary>
public interface INodeItems<TItem>
{
    /// <summary>Everything that the node should hold, in the order in which it is to be sent.</summary>
    Task<IReadOnlyList<DesiredItem<TItem>>> AllAsync(string node, CancellationToken cancel);

    /// <summary>Those of the named items that the node should hold.</summary>
    Task<IReadOnlyList<DesiredItem<TItem>>> SomeAsync(string node, IReadOnlyCollection<string> ids,
        CancellationToken cancel);

    /// <summary>To compare with. When a whole fleet comes back, and while nothing changes, little else is read.</summary>
    Task<NodeSummary> SummaryAsync(string node, CancellationToken cancel);
}

/// <summary>Digests of sync.proto: SHA-256 over <c>id:version\n</c>, ordered by id.</summary>
public static class SyncDigest
{
    public static string Of(IEnumerable<(string Id, string Version)> items)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var (id, version) in items.OrderBy(i => i.Id, StringComparer.Ordinal))
            hash.AppendData(Encoding.UTF8.GetBytes($"{id}:{version}\n"));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    public static string Of(IEnumerable<(string Id, ulong Generation)> items) =>
        Of(items.Select(i => (i.Id, i.Generation.ToString(CultureInfo.InvariantCulture))));
}

/// <summary>The trace that goes to a node with a message.</summary>
public static class SyncTrace
{
    internal const string Send = "send to node";

    internal static readonly ActivitySource Activities = new("Monolith.Platform");

    /// <summary>The <c>traceparent</c> of the message that is being sent; empty when it is not known what led to it. A
    /// stream's own trace is as long as the stream, and is nobody's cause.</summary>
    public static string Parent => Activity.Current is { OperationName: Send, Id: { } id } ? id : "";
}

/// <summary>
/// The host's side of one concern's streams (sync.proto): which nodes are connected to this process, and what each was
/// sent. A wake names items; what is sent is read from the rows. A full comparison runs now and then, so that a lost
/// wake costs time and nothing else: each minute, and less often when there are more nodes than 600.
/// </summary>
public sealed class NodeSync<TItem>(INodeItems<TItem> items, TimeProvider time)
{
    static readonly TimeSpan FullComparison = TimeSpan.FromMinutes(1);

    // What a fleet costs that does nothing is bounded, however large it is.
    static readonly TimeSpan BetweenComparisons = TimeSpan.FromMilliseconds(100);

    // When a whole fleet comes back at once, snapshots side by side finish no sooner than in turn, and calls would wait
    // behind them.
    const int SnapshotsAtOnce = 8;

    static readonly SemaphoreSlim Snapshots = new(SnapshotsAtOnce);

    readonly ConcurrentDictionary<string, NodeSession<TItem>> sessions = new(StringComparer.Ordinal);

    // Counted beside the dictionary, which takes all its locks to say how many it has; and this is asked with every wake.
    int served;

    TimeSpan Patience => TimeSpan.FromTicks(Math.Max(FullComparison.Ticks, BetweenComparisons.Ticks * Volatile.Read(ref served)));

    public IEnumerable<string> Connected => sessions.Keys;

    public bool IsConnected(string node) => sessions.ContainsKey(node);

    /// <summary>The item changed, or is no longer the node's. Never blocks.</summary>
    public void Wake(string node, string id)
    {
        if (sessions.TryGetValue(node, out var session)) session.Wake(id);
    }

    /// <summary>
    /// Serves one stream until it ends. A node's new stream ends its old one: the old one is a connection that the
    /// network has not buried yet.
    /// </summary>
    /// <param name="hello">The node's digests.</param>
    /// <param name="send">Writes one message; null item: remove. Called by one at a time.</param>
    /// <param name="inSync">Writes InSync: unchanged, send statuses.</param>
    public async Task ServeAsync(string node, string desiredDigest, string statusDigest,
        Func<string, TItem?, Task> send, Func<bool, bool, Task> inSync, CancellationToken cancel)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var session = new NodeSession<TItem>(ended);
        sessions.AddOrUpdate(node, session, (_, old) =>
        {
            old.End();
            return session;
        });
        Interlocked.Increment(ref served);
        try
        {
            await SnapshotAsync(node, session, desiredDigest, statusDigest, send, inSync, ended.Token);
            while (true)
            {
                var woken = await session.WaitAsync(Patience, time, ended.Token);
                IReadOnlyCollection<string> looked = woken is null ? await DifferingAsync(node, session, ended.Token) : woken.Keys;
                if (looked.Count == 0) continue;
                // Of what a comparison finds no wake has told, and whoever keeps what they read until a wake comes has it wrong.
                var wanted = woken is null
                    ? [.. (await items.AllAsync(node, ended.Token)).Where(i => looked.Contains(i.Id))]
                    : await items.SomeAsync(node, looked, ended.Token);
                foreach (var item in wanted)
                {
                    if (session.Sent.TryGetValue(item.Id, out var sent) && sent == item.Generation) continue;
                    using var activity = StartSend(node, item.Id, woken);
                    await send(item.Id, item.Item);
                    session.Sent[item.Id] = item.Generation;
                }
                var present = wanted.Select(i => i.Id).ToHashSet(StringComparer.Ordinal);
                foreach (var id in looked.Where(id => !present.Contains(id)))
                {
                    if (!session.Sent.Remove(id)) continue;
                    using var activity = StartSend(node, id, woken);
                    await send(id, default);
                }
            }
        }
        finally
        {
            Interlocked.Decrement(ref served);
            sessions.TryRemove(new(node, session));
        }
    }

    /// <summary>Where the rows and what the node was sent differ, by generations alone: nearly always nowhere.</summary>
    async Task<IReadOnlyCollection<string>> DifferingAsync(string node, NodeSession<TItem> session, CancellationToken cancel)
    {
        var differing = session.Sent.Keys.ToHashSet(StringComparer.Ordinal);
        foreach (var (id, generation) in (await items.SummaryAsync(node, cancel)).Items)
        {
            if (session.Sent.TryGetValue(id, out var sent) && sent == generation) differing.Remove(id);
            else differing.Add(id);
        }
        return differing;
    }

    async Task SnapshotAsync(string node, NodeSession<TItem> session, string desiredDigest, string statusDigest,
        Func<string, TItem?, Task> send, Func<bool, bool, Task> inSync, CancellationToken cancel)
    {
        NodeSummary summary;
        IReadOnlyList<DesiredItem<TItem>>? all = null;
        await Snapshots.WaitAsync(cancel);
        try
        {
            summary = await items.SummaryAsync(node, cancel);
            if (SyncDigest.Of(summary.Items) != desiredDigest) all = await items.AllAsync(node, cancel);
        }
        finally
        {
            Snapshots.Release();
        }
        // What changes from now on is woken for.
        if (all is null)
            foreach (var (id, generation) in summary.Items) session.Sent[id] = generation;
        // How fast a node takes them is its own affair, and nobody's place depends on it.
        foreach (var item in all ?? [])
        {
            await send(item.Id, item.Item);
            session.Sent[item.Id] = item.Generation;
        }
        await inSync(all is null, summary.StatusDigest != statusDigest);
    }

    static Activity? StartSend(string node, string id, Dictionary<string, ActivityContext>? woken)
    {
        if (woken is null || !woken.TryGetValue(id, out var cause) || cause == default) return null;
        var activity = SyncTrace.Activities.StartActivity(SyncTrace.Send, ActivityKind.Producer, cause);
        return activity?.SetTag("monolith.node", node).SetTag("monolith.id", id);
    }
}

internal sealed class NodeSession<TItem>(CancellationTokenSource ended)
{
    readonly Lock gate = new();
    Dictionary<string, ActivityContext> woken = new(StringComparer.Ordinal);
    TaskCompletionSource signal = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Generation of each item that the node was sent. Used by the serving loop only.</summary>
    public Dictionary<string, ulong> Sent { get; } = new(StringComparer.Ordinal);

    public void Wake(string id)
    {
        lock (gate)
        {
            if (!woken.TryGetValue(id, out var cause) || cause == default)
                woken[id] = Activity.Current?.Context ?? default;
            signal.TrySetResult();
        }
    }

    public void End()
    {
        try
        {
            ended.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It was ending by itself.
        }
    }

    /// <summary>The ids that were woken, each with its first cause; null when it is time for a full comparison.</summary>
    public async Task<Dictionary<string, ActivityContext>?> WaitAsync(TimeSpan patience, TimeProvider time,
        CancellationToken cancel)
    {
        Task wait;
        lock (gate) wait = signal.Task;
        try
        {
            await wait.WaitAsync(patience * (0.75 + Chance.Dice.NextDouble() / 2), time, cancel);
        }
        catch (TimeoutException)
        {
            return null;
        }
        lock (gate)
        {
            var ids = woken;
            woken = new(StringComparer.Ordinal);
            signal = new(TaskCreationOptions.RunContinuationsAsynchronously);
            return ids;
        }
    }
}
