using System.Security.Cryptography;
using CsCheck;
using Microsoft.Extensions.Logging.Abstractions;
using Monolith.Agent.Images;
using Monolith.Agent.Reconcile;
using Monolith.Agent.Tests.Vms;
using Monolith.Agent.V1;

namespace Monolith.Agent.Tests.Images;

/// <summary>What stays in a cache because it is wanted ahead.</summary>
public sealed class ImageRoomTests : IDisposable
{
    private const long Large = 1L << 40;

    private readonly Scratch scratch = new();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => scratch.Dispose();

    private static ImagePlan Plan(int n, long size) => new(ImageDigest.FromHash(SHA256.HashData([(byte)n])), size, DiskFormat.Raw);

    /// <summary>The most wanted first, and never more than there is; what does not fit does not keep out what does.</summary>
    [Fact]
    public void Room_IsGivenInOrder_AndNotTwice() => Gen.Select(Gen.Int[0, 4000].Array[0, 8], Gen.Int[0, 9000], Gen.Int[0, 9000]).Sample(
        (sizes, limit, used) =>
        {
            var wanted = sizes.Select((size, n) => Plan(n, size)).ToList();
            var room = ImageRoom.Of(wanted, limit, used, 0, Large, Large);
            Assert.Equal(Math.Max(0, limit - used), room.Budget);
            var left = room.Budget;
            foreach (var image in wanted)
            {
                Assert.Equal(image.Size <= left, room.Fitting.Contains(image.Digest));
                if (room.Fitting.Contains(image.Digest)) left -= image.Size;
            }
            Assert.True(left >= 0);
        });

    [Theory]
    [InlineData(1000, 500, 0, 400)]
    [InlineData(1000, 500, 300, 700)]
    [InlineData(1000, 50, 0, 0)]
    [InlineData(1000, 50, 200, 150)]
    public void WithoutALimit_ATenthOfTheDiskStaysFree(long total, long free, long others, long budget) =>
        Assert.Equal(budget, ImageRoom.Of([], null, 0, others, total, free).Budget);

    /// <summary>Older than everything, needed by no vm, and it stays; until nobody wants it.</summary>
    [Fact]
    public async Task WhatIsWanted_OutlivesWhatIsYounger_AndGoesWhenItIsNot()
    {
        var cache = ImageCache.Open(scratch.Path, NullLogger.Instance, 1000 * 1024);
        var old = await PutAsync(cache, 1, 600);
        var young = await PutAsync(cache, 2, 600);
        cache.Keep([old]);
        Assert.Equal([young.Digest], cache.RemoveUnused(() => new HashSet<ImageDigest>()));
        Assert.Empty(cache.RemoveUnused(() => new HashSet<ImageDigest>()));
        cache.Keep([]);
        await PutAsync(cache, 2, 600);
        Assert.Equal([old.Digest], cache.RemoveUnused(() => new HashSet<ImageDigest>()));
    }

    /// <summary>What vms use comes first, and the rest of the room is that of the most wanted.</summary>
    [Fact]
    public async Task WhatTheLimitCannotHold_BesideWhatVmsUse_Goes_AndIsRefusedWithItsCause()
    {
        var cache = ImageCache.Open(scratch.Path, NullLogger.Instance, 1500 * 1024);
        var (first, second) = (await PutAsync(cache, 1, 600), await PutAsync(cache, 2, 600));
        cache.Keep([first, second]);
        Assert.Empty(cache.RemoveUnused(() => new HashSet<ImageDigest>()));
        var used = await PutAsync(cache, 3, 700);
        Assert.Equal([second.Digest], cache.RemoveUnused(() => new HashSet<ImageDigest> { used.Digest }));
        var refused = Assert.Throws<ImageException>(() => cache.MakeRoom(second, () => new HashSet<ImageDigest> { used.Digest }));
        Assert.Equal(ImageFailure.NoRoom, refused.Reason);
        Assert.Contains("--image-cache", refused.Message, StringComparison.Ordinal);
        // One that a vm uses as well needs no room of its own.
        cache.MakeRoom(second, () => new HashSet<ImageDigest> { used.Digest, second.Digest });
    }

    /// <summary>Before it is fetched, what nobody needs makes room for it.</summary>
    [Fact]
    public async Task RoomIsMade_BeforeItIsFetched()
    {
        var cache = ImageCache.Open(scratch.Path, NullLogger.Instance, 1000 * 1024);
        var nobodys = await PutAsync(cache, 1, 600);
        var wanted = Plan(9, 600 * 1024);
        cache.Keep([wanted]);
        cache.MakeRoom(wanted, () => new HashSet<ImageDigest>());
        Assert.DoesNotContain(nobodys.Digest, cache.List());
    }

    /// <summary>Through the real cache, from a real host: as a vm's image, but it waits for its turn.</summary>
    [Fact]
    public async Task Ahead_ItIsFetchedFromTheHost_AndHeld()
    {
        byte[] bytes = [.. Enumerable.Range(0, 400_000).Select(i => (byte)(i * 7))];
        await using var cloud = await new BlobCloud { Blob = bytes }.StartAsync();
        cloud.Sources.Enqueue(new FindBlobSourceResponse { Wait = new() { Nanos = 1_000_000 } });
        var images = new BlobImages(
            ImageCache.Open(scratch.Path, NullLogger.Instance), () => cloud.Invoker, TimeProvider.System, () => cloud.Node("reader"));
        var image = new VmImage { Sha256 = cloud.Digest.Hex, SizeBytes = bytes.Length, Format = "raw" };
        images.Keep([image]);
        Assert.False(images.Holds(image));
        await images.FetchAheadAsync(image, () => new HashSet<ImageDigest>(), null, Stop);
        Assert.True(images.Holds(image));
        Assert.Equal(2, cloud.Asked.Count);
        await images.FetchAsync(image, null, Stop);
        Assert.Single(cloud.Reads);
    }

    private static async Task<ImagePlan> PutAsync(ImageCache cache, byte number, int kib)
    {
        var bytes = new byte[kib * 1024];
        bytes[^1] = number;
        var plan = new ImagePlan(ImageDigest.FromHash(SHA256.HashData(bytes)), bytes.Length, DiskFormat.Raw);
        var path = await cache.EnsureAsync(plan, _ => Chunks(bytes), null, Stop);
        File.SetLastWriteTimeUtc(path, DateTime.UtcNow.AddHours(-9 + number));
        return plan;
    }

    private static async IAsyncEnumerable<ReadOnlyMemory<byte>> Chunks(byte[] bytes)
    {
        await Task.Yield();
        yield return bytes;
    }
}
