using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using Google.Protobuf.WellKnownTypes;
using Microsoft.Extensions.Logging.Abstractions;
using Monolith.Agent.Images;
using Monolith.Agent.Images.Peers;
using Monolith.Agent.Join;
using Monolith.Agent.Reconcile;
using Monolith.Agent.Tests.Vms;
using Monolith.Agent.V1;

namespace Monolith.Agent.Tests.Images;

/// <summary>A node gives another what the host says, and no more; and whatever a node does, the other gets its image.</summary>
public sealed class PeerTests : IAsyncDisposable
{
    private static readonly byte[] Bytes = [.. Enumerable.Range(0, 900_000).Select(i => (byte)(i * 7))];

    private readonly Scratch scratch = new();
    private readonly BlobCloud cloud = new() { Blob = Bytes };
    private readonly List<PeerServer> servers = [];

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        foreach (var server in servers) await server.DisposeAsync();
        await cloud.DisposeAsync();
        scratch.Dispose();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(500_001)]
    [InlineData(900_000)]
    public async Task APeer_GivesWhatTheTicketIsFor_FromAnOffset(int offset)
    {
        var server = await ServeAsync("holder");
        Assert.Equal(Bytes[offset..], await ReadAsync(cloud.Peer("holder", server.Port), offset));
    }

    [Theory]
    [InlineData("another reader's")]
    [InlineData("another server's")]
    [InlineData("of a blob that is not here")]
    [InlineData("expired")]
    [InlineData("changed")]
    [InlineData("signed by another")]
    [InlineData("not signed")]
    [InlineData("beyond the end")]
    [InlineData("before the beginning")]
    public async Task ATicket_ThatIsNotForThis_GetsNothing(string how)
    {
        var server = await ServeAsync("holder");
        await using var other = new BlobCloud { Blob = Bytes };
        var good = cloud.Peer("holder", server.Port);
        var peer = how switch
        {
            "another reader's" => cloud.Peer("holder", server.Port, reader: "somebody"),
            "another server's" => Instead(cloud.Peer("elsewhere", server.Port)),
            "of a blob that is not here" => cloud.Peer("holder", server.Port, blob: ImageDigest.FromHash(new byte[32])),
            "expired" => cloud.Peer("holder", server.Port, seconds: -1),
            "changed" => With(cloud.Peer("holder", server.Port, seconds: 61).Ticket, good),
            "signed by another" => other.Peer("holder", server.Port),
            "not signed" => new BlobPeer { Node = "holder", Address = good.Address, Ticket = good.Ticket },
            _ => good,
        };
        Assert.Empty(await ReadAsync(peer, how switch { "beyond the end" => 900_001, "before the beginning" => -1, _ => 0 }));
        // The next one is served.
        Assert.Equal(Bytes, await ReadAsync(good));

        static BlobPeer Instead(BlobPeer peer)
        {
            peer.Node = "holder";
            return peer;
        }

        static BlobPeer With(Google.Protobuf.ByteString ticket, BlobPeer peer)
        {
            peer = peer.Clone();
            peer.Ticket = ticket;
            return peer;
        }
    }

    [Fact]
    public async Task WhoIsNoNodeOfThisCloud_GetsNothing_AndIsGivenNothing()
    {
        var server = await ServeAsync("holder");
        await using var other = new BlobCloud { Blob = Bytes };
        var peer = cloud.Peer("holder", server.Port);
        foreach (var identity in new[] { other.Node("reader"), cloud.Node("reader", usage: "1.3.6.1.5.5.7.3.1") })
            // With TLS 1.3 the reader may be told only by what does not come.
            Assert.Empty(await QuietlyAsync(peer, identity));
        // And the other way round: who is at the address is not who the host named.
        peer.Node = "somebody";
        await Assert.ThrowsAsync<AuthenticationException>(() => ReadAsync(peer));
        peer.Node = "holder";
        Assert.Equal(Bytes, await ReadAsync(peer));
    }

    [Fact]
    public async Task Rubbish_IsNotAnswered_AndKeepsNobodyOut()
    {
        var seed = Environment.TickCount;
        TestContext.Current.TestOutputHelper!.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var server = await ServeAsync("holder");
        for (var i = 0; i < 40; i++)
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, server.Port, Stop);
            var noise = new byte[random.Next(3000)];
            random.NextBytes(noise);
            await client.GetStream().WriteAsync(noise, Stop);
        }

        await Lab.Eventually.HoldsAsync(async () => (await QuietlyAsync(cloud.Peer("holder", server.Port))).Length == Bytes.Length,
            "the blob is given");
    }

    public static TheoryData<string> Peers => ["good", "short", "lying", "gone", "another's", "silent", "long"];

    /// <summary>The image is there in every case, and only the host's word counts.</summary>
    [Theory]
    [MemberData(nameof(Peers))]
    public async Task AnImage_IsFetched_WhateverThePeerDoes(string how)
    {
        await cloud.StartAsync();
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        var port = how switch
        {
            "gone" => 9,
            "silent" => ((IPEndPoint)silent.LocalEndpoint).Port,
            "short" => (await ServeAsync("holder", Bytes[..400_000])).Port,
            "lying" => (await ServeAsync("holder", [.. Bytes[..^1], 0xee])).Port,
            "long" => (await ServeAsync("holder", [.. Bytes, 0])).Port,
            "another's" => (await ServeAsync("elsewhere")).Port,
            _ => (await ServeAsync("holder")).Port,
        };
        cloud.Sources.Enqueue(new() { Wait = Duration.FromTimeSpan(TimeSpan.FromMilliseconds(10)) });
        cloud.Sources.Enqueue(new() { Peer = cloud.Peer("holder", port) });
        var cache = ImageCache.Open(scratch.In("reader"), NullLogger.Instance);
        var images = new BlobImages(cache, () => cloud.Invoker, TimeProvider.System, Identity);
        var image = new VmImage { Sha256 = cloud.Digest.Hex, SizeBytes = Bytes.Length, Format = "raw" };
        var path = await images.FetchAsync(image, null, Stop);
        Assert.Equal(Bytes, await File.ReadAllBytesAsync(path, Stop));

        Assert.Equal(how switch { "good" => [], "short" => [400_000], _ => [0L] }, cloud.Reads);
        Assert.Equal(
            how switch { "good" => [true], "short" => [true], "lying" or "long" => [false], _ => [true] },
            cloud.Reports.Select(r => r.Complete));
        if (how is "short" or "gone" or "another's" or "silent") Assert.Equal(["holder"], cloud.Asked.Last().FailedNodes);
        // Once it is here nobody is asked.
        var asked = cloud.Asked.Count;
        await images.FetchAsync(image, null, Stop);
        Assert.Equal(asked, cloud.Asked.Count);
    }

    /// <summary>A dozen nodes one after the other, each reading from the one before: the host gives the blob once.</summary>
    [Fact]
    public async Task AChainOfNodes_CostsTheHostOneReading()
    {
        await cloud.StartAsync();
        for (var n = 0; n < 12; n++)
        {
            var identity = cloud.Node($"hv{n}");
            var cache = ImageCache.Open(scratch.In($"hv{n}"), NullLogger.Instance);
            if (n > 0) cloud.Sources.Enqueue(new() { Peer = cloud.Peer($"hv{n - 1}", servers[^1].Port, reader: $"hv{n}") });
            await new BlobImages(cache, () => cloud.Invoker, TimeProvider.System, () => identity).FetchAsync(
                new VmImage { Sha256 = cloud.Digest.Hex, SizeBytes = Bytes.Length, Format = "raw" }, null, Stop);
            servers.Add(Start(cache, identity));
        }

        Assert.Equal([0L], cloud.Reads);
        Assert.Equal(11, cloud.Reports.Count(r => r.Complete));
    }

    private NodeIdentity Identity() => cloud.Node("reader");

    private static PeerServer Start(ImageCache cache, NodeIdentity identity) => PeerServer.Start(
        cache, () => identity, new IPEndPoint(IPAddress.Loopback, 0), TimeProvider.System, NullLogger.Instance)!;

    /// <param name="bytes">What is in the file that should be the blob; null: that.</param>
    private async Task<PeerServer> ServeAsync(string node, byte[]? bytes = null)
    {
        var cache = ImageCache.Open(scratch.In(node), NullLogger.Instance);
        await File.WriteAllBytesAsync(cache.PathOf(cloud.Digest), bytes ?? Bytes, Stop);
        servers.Add(Start(cache, cloud.Node(node)));
        return servers[^1];
    }

    private async Task<byte[]> ReadAsync(BlobPeer peer, long offset = 0, NodeIdentity? identity = null)
    {
        var all = new MemoryStream();
        await foreach (var chunk in PeerReader.ReadAsync(peer, offset, identity ?? Identity(), TimeSpan.FromSeconds(10), Stop))
            all.Write(chunk.Span);
        return all.ToArray();
    }

    private async Task<byte[]> QuietlyAsync(BlobPeer peer, NodeIdentity? identity = null)
    {
        try
        {
            return await ReadAsync(peer, identity: identity);
        }
        catch (Exception e) when (e is IOException or AuthenticationException)
        {
            return [];
        }
    }
}
