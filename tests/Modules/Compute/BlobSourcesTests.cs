using Microsoft.Extensions.Time.Testing;
using Monolith.Compute.Vms;

namespace Monolith.Modules.Tests.Compute;

/// <summary>Who reads an image from whom.</summary>
public sealed class BlobSourcesTests
{
    const string Blob = "b";

    readonly FakeTimeProvider time = new();
    readonly BlobSources sources;

    public BlobSourcesTests() => sources = new(time);

    BlobSource Choose(string node, string[]? holders = null, string[]? failed = null) => sources.Choose(Blob, node, holders ?? [], failed ?? []);

    /// <summary>A fleet that wants one image at once, each transfer as long as the next: it doubles, and more.</summary>
    [Theory]
    [InlineData(100, 4)]
    [InlineData(1000, 5)]
    public void AFleet_CostsTheHostAFewReadings_AndTakesAFewRounds(int nodes, int rounds)
    {
        var waiting = Enumerable.Range(0, nodes).Select(i => $"hv{i}").ToList();
        waiting.ForEach(n => sources.Connected(n, $"192.0.2.1:{n.Length}"));
        var (fromHost, round) = (0, 0);
        while (waiting.Count > 0)
        {
            round++;
            var chosen = waiting.ToDictionary(n => n, n => Choose(n));
            var reading = chosen.Where(c => c.Value is not BlobSource.Wait).ToList();
            fromHost += reading.Count(c => c.Value is BlobSource.Host);
            Assert.True(chosen.Values.OfType<BlobSource.Peer>().CountBy(p => p.Node).All(p => p.Value <= BlobSources.FromPeer));
            Assert.True(chosen.Values.OfType<BlobSource.Peer>().All(p => !waiting.Contains(p.Node)));
            foreach (var (node, _) in reading)
            {
                sources.Ended(Blob, node, complete: true);
                waiting.Remove(node);
            }
        }
        TestContext.Current.TestOutputHelper!.WriteLine($"{nodes} nodes: {fromHost} readings from the host, {round} rounds");
        Assert.InRange(round, 2, rounds);
        // What all of them at the host would be is {nodes}.
        Assert.InRange(fromHost, 1, BlobSources.FromHost * round);
    }

    [Fact]
    public void WhoHasIt_IsAsked_BeforeTheHost_TheIdlestFirst()
    {
        sources.Connected("a", "192.0.2.1:1");
        sources.Connected("b", "192.0.2.2:1");
        string[] holders = ["a", "b", "gone"];
        Assert.Equal(new BlobSource.Peer("a", "192.0.2.1:1"), Choose("x", holders));
        Assert.Equal(new BlobSource.Peer("b", "192.0.2.2:1"), Choose("y", holders));
        // Nobody from itself, nor from whom it did not get it.
        Assert.Equal(new BlobSource.Peer("b", "192.0.2.2:1"), Choose("a", holders));
        Assert.Equal(new BlobSource.Host(), Choose("z", holders, ["a", "b"]));
        // Whoever does not give, or is away, is not named.
        sources.Connected("a", null);
        sources.Disconnected("b");
        Assert.Equal(new BlobSource.Host(), Choose("v", holders));
    }

    [Fact]
    public void APlace_IsFree_WhenItsReaderHasEnded_Left_OrWasNeverHeardOfAgain()
    {
        for (var i = 0; i < BlobSources.FromHost; i++) Assert.IsType<BlobSource.Host>(Choose($"n{i}"));
        Assert.IsType<BlobSource.Wait>(Choose("x"));
        // Who asks again has had its answer.
        Assert.IsType<BlobSource.Host>(Choose("n0"));
        sources.Ended(Blob, "n0", complete: false);
        Assert.IsType<BlobSource.Host>(Choose("x"));
        sources.Disconnected("n1");
        Assert.IsType<BlobSource.Host>(Choose("y"));
        Assert.IsType<BlobSource.Wait>(Choose("z"));
        time.Advance(TimeSpan.FromMinutes(11));
        Assert.IsType<BlobSource.Host>(Choose("z"));
    }

    [Fact]
    public void BlobsAreApart()
    {
        for (var i = 0; i < BlobSources.FromHost; i++) sources.Choose("one", $"n{i}", [], []);
        Assert.IsType<BlobSource.Host>(sources.Choose("two", "n0", [], []));
    }
}
