using System.Collections.Concurrent;
using System.Threading.Channels;
using Microsoft.Extensions.Time.Testing;
using Monolith.Platform.Nodes;

namespace Monolith.Modules.Tests.Platform;

/// <summary>A stream on which no wake ever comes: what is left is the full comparison.</summary>
public sealed class NodeSyncTests : IDisposable
{
    readonly FakeTimeProvider time = new();
    readonly Rows rows = new();
    readonly Channel<string> sent = Channel.CreateUnbounded<string>();
    readonly CancellationTokenSource stop = new();

    public void Dispose() => stop.Dispose();

    [Fact]
    public async Task FullComparison_SendsWhatNoWakeToldOf_AndNothingElse()
    {
        rows["changed"] = 1;
        rows["same"] = 1;
        rows["gone"] = 1;
        var serving = Serve();
        Assert.Equal(["changed:1", "gone:1", "same:1", "in sync"], await NextAsync(4));

        rows["changed"] = 2;
        rows["new"] = 1;
        rows.Remove("gone");

        Assert.Equal(["changed:2", "new:1", "gone removed"], await NextAsync(3));
        await EndAsync(serving);
    }

    [Fact]
    public async Task FullComparison_OfWhatIsUnchanged_ReadsGenerationsAlone()
    {
        rows["a"] = 1;
        var serving = Serve();
        Assert.Equal(["a:1", "in sync"], await NextAsync(2));
        var (contents, summaries) = (rows.Contents, rows.Summaries);

        while (rows.Summaries < summaries + 3) await PassAsync();

        Assert.Equal(contents, rows.Contents);
        Assert.False(sent.Reader.TryPeek(out _));
        await EndAsync(serving);
    }

    /// <summary>What a fleet costs that does nothing has a bound.</summary>
    [Fact]
    public async Task FullComparisons_OfALargeFleet_AreTenASecondAtMost()
    {
        const int Nodes = 2_400;
        var start = time.GetUtcNow();
        var sync = new NodeSync<string>(rows, time);
        var serving = Enumerable.Range(0, Nodes).Select(n => Serve(sync, "node" + n)).ToList();

        // One with its hello, and one as long as others were still to come.
        while (rows.Summaries <= 2 * Nodes) await PassAsync();

        // The next is after 240 s, give or take a quarter.
        Assert.True(time.GetUtcNow() - start >= TimeSpan.FromSeconds(45 + 180));
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Task.WhenAll(serving));
    }

    Task Serve() => Serve(new(rows, time), "node");

    Task Serve(NodeSync<string> sync, string node) => sync.ServeAsync(node, "", "",
        (id, item) => sent.Writer.WriteAsync(item ?? id + " removed").AsTask(),
        (_, _) => sent.Writer.WriteAsync("in sync").AsTask(), stop.Token);

    async Task EndAsync(Task serving)
    {
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => serving);
    }

    async Task<List<string>> NextAsync(int count)
    {
        var next = new List<string>();
        while (next.Count < count)
        {
            if (sent.Reader.TryRead(out var one)) next.Add(one);
            else await PassAsync();
        }
        return next;
    }

    async Task PassAsync()
    {
        TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
        time.Advance(TimeSpan.FromSeconds(10));
        await Task.Yield();
    }

    sealed class Rows : INodeItems<string>
    {
        readonly ConcurrentDictionary<string, ulong> generations = new(StringComparer.Ordinal);
        int contents, summaries;

        public ulong this[string id] { set => generations[id] = value; }

        /// <summary>How often what is in items was read.</summary>
        public int Contents => Volatile.Read(ref contents);

        public int Summaries => Volatile.Read(ref summaries);

        public void Remove(string id) => generations.TryRemove(id, out _);

        public Task<IReadOnlyList<DesiredItem<string>>> AllAsync(string node, CancellationToken cancel) => Read();

        /// <summary>What is read on a wake may be kept until the next one.</summary>
        public Task<IReadOnlyList<DesiredItem<string>>> SomeAsync(string node, IReadOnlyCollection<string> ids,
            CancellationToken cancel) => throw new InvalidOperationException("No wake came.");

        public Task<NodeSummary> SummaryAsync(string node, CancellationToken cancel)
        {
            Interlocked.Increment(ref summaries);
            return Task.FromResult(new NodeSummary([.. generations.Select(g => (g.Key, g.Value))], ""));
        }

        Task<IReadOnlyList<DesiredItem<string>>> Read()
        {
            Interlocked.Increment(ref contents);
            return Task.FromResult<IReadOnlyList<DesiredItem<string>>>([.. generations
                .OrderBy(g => g.Key, StringComparer.Ordinal).Select(g => new DesiredItem<string>(g.Key, g.Value, $"{g.Key}:{g.Value}"))]);
        }
    }
}
