using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using CsCheck;
using Microsoft.Extensions.Logging.Abstractions;
using Monolith.Agent.Images;
using Monolith.Agent.Native.Safe;
using Monolith.Agent.Tests.Vms;

namespace Monolith.Agent.Tests.Images;

public sealed class ImageCacheTests : IDisposable
{
    private static readonly byte[] Bytes = [.. Enumerable.Range(0, 300_000).Select(i => (byte)(i * 7))];
    private static readonly ImagePlan Plan =
        new(ImageDigest.FromHash(SHA256.HashData(Bytes)), Bytes.Length, DiskFormat.Raw);

    private readonly Scratch scratch = new();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => scratch.Dispose();

    [Fact]
    public async Task Ensure_Image_IsFetchedOnceAndKept()
    {
        var cache = Open();
        var fetches = 0;
        var seen = new Seen();
        ImageFetch fetch = cancellation => Chunks(Bytes, () => fetches++, cancellation);
        var path = await cache.EnsureAsync(Plan, fetch, seen, Stop);
        Assert.Equal(path, await Open().EnsureAsync(Plan, fetch, null, Stop));
        Assert.Equal(Bytes, await File.ReadAllBytesAsync(path, Stop));
        Assert.Equal(1, fetches);
        Assert.Equal(Plan.Size, seen.Last);
        Assert.Equal([Plan.Digest], cache.List());
    }

    [Fact]
    public async Task Ensure_ManyAtOnce_ShareOneFetch()
    {
        var cache = Open();
        var fetches = 0;
        var go = new TaskCompletionSource();
        async IAsyncEnumerable<ReadOnlyMemory<byte>> Slow([EnumeratorCancellation] CancellationToken cancellation)
        {
            Interlocked.Increment(ref fetches);
            await go.Task.WaitAsync(cancellation);
            yield return Bytes;
        }
        var all = Enumerable.Range(0, 20).Select(_ => cache.EnsureAsync(Plan, Slow, null, Stop)).ToArray();
        using var impatient = new CancellationTokenSource();
        var left = cache.EnsureAsync(Plan, Slow, null, impatient.Token);
        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => left);
        go.SetResult();
        Assert.Single((await Task.WhenAll(all)).Distinct());
        Assert.Equal(1, fetches);
    }

    [Fact]
    public async Task Ensure_EveryWaiterLeaves_FetchEndsAndTheNextBeginsAnew()
    {
        var cache = Open();
        var began = new TaskCompletionSource();
        async IAsyncEnumerable<ReadOnlyMemory<byte>> Endless([EnumeratorCancellation] CancellationToken cancellation)
        {
            yield return Bytes.AsMemory(0, 1000);
            began.SetResult();
            await new TaskCompletionSource().Task.WaitAsync(TimeSpan.FromSeconds(20), cancellation);
        }
        using var impatient = new CancellationTokenSource();
        var left = cache.EnsureAsync(Plan, Endless, null, impatient.Token);
        await began.Task.WaitAsync(TimeSpan.FromSeconds(20), Stop);
        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => left);
        var path = await cache.EnsureAsync(Plan, c => Chunks(Bytes, null, c), null, Stop);
        Assert.Equal(Bytes.Length, new FileInfo(path).Length);
        Assert.Single(Directory.EnumerateFileSystemEntries(scratch.Path));
    }

    public static TheoryData<string, ImageFailure> Bad => new()
    {
        { "flipped", ImageFailure.WrongDigest },
        { "short", ImageFailure.WrongSize },
        { "long", ImageFailure.WrongSize },
        { "broken", ImageFailure.FetchFailed },
        { "refused", ImageFailure.Refused },
    };

    [Theory]
    [MemberData(nameof(Bad))]
    public async Task Ensure_BadSource_LeavesNothingAndTheNextSucceeds(string kind, ImageFailure reason)
    {
        var cache = Open();
        byte[] bytes = kind switch
        {
            "flipped" => [.. Bytes[..^1], (byte)(Bytes[^1] ^ 1)],
            "short" => Bytes[..^1],
            "long" => [.. Bytes, 0],
            _ => Bytes,
        };
        var plan = kind == "refused" ? Plan with { Format = DiskFormat.Qcow2 } : Plan;
        var e = await Assert.ThrowsAsync<ImageException>(() => cache.EnsureAsync(
            plan, c => kind == "broken" ? Broken(c) : Chunks(bytes, null, c), null, Stop));
        Assert.Equal(reason, e.Reason);
        Assert.Contains(Plan.Digest.ToString(), e.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(scratch.Path));
        await cache.EnsureAsync(Plan, c => Chunks(Bytes, null, c), null, Stop);
        Assert.Equal([Plan.Digest], cache.List());
    }

    [Fact]
    public void Open_AfterACrash_RemovesWhatIsNotWhole()
    {
        File.WriteAllText(scratch.In($".partial-{Plan.Digest.Hex}"), "half");
        Assert.Empty(Open().List());
        Assert.Empty(Directory.EnumerateFileSystemEntries(scratch.Path));
    }

    /// <summary>What servers need counts, stays whatever it takes, and is made room for.</summary>
    [Theory]
    [InlineData(2000, 700, "new")]
    [InlineData(3000, 700, "new old")]
    [InlineData(2000, 100, "new old")]
    [InlineData(100, 700, "")]
    public async Task RemoveUnused_UnderALimit_KeepsTheYoungestThatFit(int limitKib, int usedKib, string kept)
    {
        var cache = ImageCache.Open(scratch.Path, NullLogger.Instance, limitKib * 1024L);
        await cache.EnsureAsync(Plan, c => Chunks(Bytes, null, c), null, Stop);
        var old = await PutAsync(cache, 1, DateTime.UtcNow.AddHours(-2));
        var young = await PutAsync(cache, 2, DateTime.UtcNow.AddHours(-1));
        var large = await PutAsync(cache, 3, DateTime.UtcNow.AddHours(-9), usedKib * 1024);
        cache.RemoveUnused(() => new HashSet<ImageDigest> { Plan.Digest, large });
        var left = cache.List();
        Assert.Contains(Plan.Digest, left);
        Assert.Contains(large, left);
        Assert.Equal(kept, string.Join(' ', new[] { (young, "new"), (old, "old") }.Where(i => left.Contains(i.Item1)).Select(i => i.Item2)));
    }

    private static async Task<ImageDigest> PutAsync(ImageCache cache, byte number, DateTime asked, int length = 600 * 1024)
    {
        var bytes = new byte[length];
        bytes[^1] = number;
        var digest = ImageDigest.FromHash(SHA256.HashData(bytes));
        var path = await cache.EnsureAsync(new(digest, length, DiskFormat.Raw), c => Chunks(bytes, null, c), null, Stop);
        File.SetLastWriteTimeUtc(path, asked);
        return digest;
    }

    /// <summary>
    /// Images of random sizes, asked for in a random order: what is used stays, and of the rest the youngest.
    /// </summary>
    [Fact]
    public void RemoveUnused_KeepsWhatIsUsed_AndTheRestWithinItsBound() =>
        Gen.Select(Gen.Select(Gen.Int[1, 3000], Gen.Bool).Array[0, 8], Gen.Long[0, 8000]).Sample(
            (images, allowance) =>
            {
                using var scratch = new Scratch();
                var cache = ImageCache.Open(scratch.Path, NullLogger.Instance);
                var digests = images.Select((image, n) =>
                {
                    var digest = ImageDigest.FromHash(SHA256.HashData([(byte)n]));
                    File.WriteAllBytes(cache.PathOf(digest), new byte[image.Item1]);
                    File.SetLastWriteTimeUtc(cache.PathOf(digest), DateTime.UnixEpoch.AddHours(n));
                    return digest;
                }).ToList();
                var used = digests.Where((_, n) => images[n].Item2).ToHashSet();
                var removed = cache.RemoveUnused(() => used, allowance);
                var left = cache.List();
                Assert.Empty(removed.Intersect(used));
                Assert.Equal(digests.Except(removed).Order(ByHex), left.Order(ByHex));
                var sizes = digests.Zip(images, (d, i) => (d, (long)i.Item1)).ToDictionary(p => p.d, p => p.Item2);
                var kept = left.Except(used).Sum(d => sizes[d]);
                Assert.True(kept <= allowance, $"{kept} bytes of images that nobody uses, {allowance} are allowed");
                // Nothing was removed for which there was room beside those that were asked for later.
                Assert.All(removed, d => Assert.True(
                    left.Except(used).Where(k => digests.IndexOf(k) > digests.IndexOf(d)).Sum(k => sizes[k]) + sizes[d]
                    > allowance));
            },
            iter: 100);

    private static readonly Comparer<ImageDigest> ByHex =
        Comparer<ImageDigest>.Create((a, b) => string.CompareOrdinal(a.Hex, b.Hex));

    [Fact]
    public async Task RemoveUnused_WhileItIsFetchedOrWasJustAskedFor_KeepsIt()
    {
        var cache = Open();
        var (began, go) = (new TaskCompletionSource(), new TaskCompletionSource());
        async IAsyncEnumerable<ReadOnlyMemory<byte>> Slow([EnumeratorCancellation] CancellationToken cancellation)
        {
            began.SetResult();
            await go.Task.WaitAsync(cancellation);
            yield return Bytes;
        }

        var fetch = cache.EnsureAsync(Plan, Slow, null, Stop);
        await began.Task.WaitAsync(TimeSpan.FromSeconds(20), Stop);
        Assert.Empty(cache.RemoveUnused(() => new HashSet<ImageDigest>(), 0));
        go.SetResult();
        var path = await fetch;
        File.SetLastWriteTimeUtc(path, DateTime.UnixEpoch);
        await cache.EnsureAsync(Plan, Slow, null, Stop);
        Assert.True(File.GetLastWriteTimeUtc(path) > DateTime.UtcNow.AddHours(-1), "a use makes it young");
        Assert.Equal([Plan.Digest], cache.RemoveUnused(() => new HashSet<ImageDigest>(), 0));
        Assert.Throws<IOException>(() => cache.RemoveUnused(() => throw new IOException("not known")));
    }

    [Fact]
    public void Allowance_IsATenth_AndNothingWhenTheDiskIsFull()
    {
        Assert.Equal(100, ImageCache.Allowance(1000, 500));
        Assert.Equal(0, ImageCache.Allowance(1000, 99));
    }

    [Fact]
    [Trait("Needs", "root")]
    public async Task Ensure_DiskIsFull_SaysSo()
    {
        var mount = Directory.CreateDirectory(scratch.In("small")).FullName;
        await CommandAsync("mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", mount);
        try
        {
            var cache = ImageCache.Open(mount, NullLogger.Instance);
            var e = await Assert.ThrowsAsync<ImageException>(
                () => cache.EnsureAsync(Plan, c => Chunks(Bytes, null, c), null, Stop));
            Assert.Equal(ImageFailure.NoSpace, e.Reason);
            Assert.Empty(Directory.EnumerateFileSystemEntries(mount));
        }
        finally
        {
            await CommandAsync("umount", mount);
        }
    }

    private ImageCache Open() => ImageCache.Open(scratch.Path, NullLogger.Instance);

    private static async IAsyncEnumerable<ReadOnlyMemory<byte>> Chunks(
        byte[] bytes, Action? began, [EnumeratorCancellation] CancellationToken cancellation)
    {
        began?.Invoke();
        for (var at = 0; at < bytes.Length; at += 65_536)
        {
            await Task.Yield();
            cancellation.ThrowIfCancellationRequested();
            yield return bytes.AsMemory(at, Math.Min(65_536, bytes.Length - at));
        }
    }

    private static async IAsyncEnumerable<ReadOnlyMemory<byte>> Broken(
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        yield return Bytes.AsMemory(0, 10);
        await Task.Yield();
        cancellation.ThrowIfCancellationRequested();
        throw new InvalidOperationException("the host went away");
    }

    private static async Task CommandAsync(string name, params string[] arguments)
    {
        var result = await ProcessCommand.RunAsync(
            name, arguments, "/", TimeSpan.FromSeconds(20), CancellationToken.None);
        Assert.True(result.Succeeded, result.Output);
    }

    private sealed class Seen : IProgress<long>
    {
        public long Last { get; private set; }

        public void Report(long value) => Last = value;
    }
}
