using System.Collections.Concurrent;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Monolith.Agent.Native.Safe;

namespace Monolith.Agent.Images;

public enum ImageFailure
{
    /// <summary>
    /// The bytes are not those that the digest names. Fetch again; if it repeats, the source is damaged.
    /// </summary>
    WrongDigest,

    /// <summary>More or fewer bytes than announced.</summary>
    WrongSize,

    /// <summary>The image would reach beyond itself, or is not what it says. It is never used.</summary>
    Refused,

    /// <summary>The machine's disk is full.</summary>
    NoSpace,

    /// <summary>It is wanted ahead, and the cache may not grow by it.</summary>
    NoRoom,

    /// <summary>The source failed.</summary>
    FetchFailed,
}

/// <summary>An image could not be had. The message says why and what to do next.</summary>
public sealed class ImageException(ImageFailure reason, string message, Exception? inner = null)
    : Exception(message, inner)
{
    public ImageFailure Reason { get; } = reason;
}

/// <summary>An image to have.</summary>
/// <param name="Digest">Names its bytes.</param>
/// <param name="Size">Bytes.</param>
/// <param name="Format">What the bytes are.</param>
public sealed record ImagePlan(ImageDigest Digest, long Size, DiskFormat Format);

/// <summary>Reads an image from wherever it is.</summary>
public delegate IAsyncEnumerable<ReadOnlyMemory<byte>> ImageFetch(CancellationToken cancellation);

/// <summary>
/// Images by digest in one directory. A file under its final name is whole, verified, inspected and on disk.
/// <code>
///   fetch ─► .partial-HEX (hashed as it is written) ─► digest and size agree ─► header inspected
///         ─► fsync ─► rename to sha256-HEX ─► fsync directory
/// </code>
/// Any failure removes the partial file; what a crash left is removed when the cache opens. Callers who want the same
/// image at the same time share one fetch, which ends early only when none of them waits any longer.
/// </summary>
public sealed class ImageCache
{
    private const string PartialPrefix = ".partial-";

    private sealed class Flight(Task<string> done, CancellationTokenSource abandon)
    {
        public Task<string> Done { get; } = done;

        public CancellationTokenSource Abandon { get; } = abandon;

        public int Waiters { get; set; } = 1;

        public List<IProgress<long>> Progress { get; } = [];
    }

    private readonly Dictionary<ImageDigest, Flight> flights = [];
    private readonly Lock gate = new();
    private readonly string directory;
    private readonly ILogger logger;
    private readonly long? limit;
    private IReadOnlyList<ImagePlan> wanted = [];

    private ImageCache(string directory, ILogger logger, long? limit)
    {
        this.directory = directory;
        this.logger = logger;
        this.limit = limit;
    }

    /// <summary>Opens or makes the directory and removes what a crash left.</summary>
    /// <param name="directory">Holds nothing else.</param>
    /// <param name="logger">Told what comes and goes.</param>
    /// <param name="limit">Bytes that images may take, those in use among them; null: see
    /// <see cref="Allowance(long, long)"/>.</param>
    public static ImageCache Open(string directory, ILogger logger, long? limit = null)
    {
        directory = Directory.CreateDirectory(Path.GetFullPath(directory)).FullName;
        foreach (var left in Directory.GetFiles(directory, PartialPrefix + "*"))
        {
            File.Delete(left);
            var name = Path.GetFileName(left);
            ImageLog.LeftoverRemoved(logger, name);
        }
        return new ImageCache(directory, logger, limit);
    }

    public string PathOf(ImageDigest digest) => Path.Combine(directory, digest.FileName);

    /// <summary>The image's bytes, for as long as they are held, also when it is removed meanwhile; null when it is not
    /// here.</summary>
    public FileStream? OpenRead(ImageDigest digest)
    {
        try
        {
            return new FileStream(
                PathOf(digest), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 0,
                FileOptions.Asynchronous | FileOptions.SequentialScan);
        }
        catch (FileNotFoundException)
        {
            return null;
        }
    }

    /// <summary>Images that stay whether they are used or not, as far as there is room; the most wanted first. Replaces what
    /// was wanted before.</summary>
    public void Keep(IReadOnlyList<ImagePlan> images)
    {
        lock (gate) wanted = images;
    }

    /// <summary>Makes room for an image that is kept.</summary>
    /// <param name="plan">One of those that are kept.</param>
    /// <param name="inUse">As for <see cref="RemoveUnused(Func{IReadOnlySet{ImageDigest}})"/>.</param>
    /// <exception cref="ImageException">There is none beside what is used, and what is wanted more.</exception>
    public void MakeRoom(ImagePlan plan, Func<IReadOnlySet<ImageDigest>> inUse)
    {
        lock (gate)
        {
            var used = inUse();
            var room = RoomBeside(used);
            if (!used.Contains(plan.Digest) && !room.Fitting.Contains(plan.Digest))
                throw new ImageException(ImageFailure.NoRoom, room.Refusal(plan));
        }

        RemoveUnused(inUse);
    }

    /// <summary>What is here, whole.</summary>
    public IReadOnlyList<ImageDigest> List() =>
        [.. Directory.GetFiles(directory, "sha256-*").Select(Path.GetFileName)
            .Select(name => ImageDigest.TryParseFileName(name!, out var digest) ? digest : (ImageDigest?)null)
            .OfType<ImageDigest>()];

    /// <summary>Fetches the image unless it is here.</summary>
    /// <param name="plan">What to have.</param>
    /// <param name="fetch">Called at most once for callers at the same time, and not at all for an image that is
    /// here.</param>
    /// <param name="progress">Is told the bytes that are written; called on the fetch's task.</param>
    /// <param name="cancellation">Ends this caller's wait.</param>
    /// <returns>The file's path.</returns>
    /// <exception cref="ImageException">It could not be had.</exception>
    public async Task<string> EnsureAsync(
        ImagePlan plan, ImageFetch fetch, IProgress<long>? progress, CancellationToken cancellation)
    {
        var flight = Join(plan, fetch, progress);
        try
        {
            return await flight.Done.WaitAsync(cancellation);
        }
        finally
        {
            Leave(flight, progress);
        }
    }

    /// <summary>
    /// Removes images that are neither in use nor kept, those first that were asked for longest ago, until the rest of them
    /// is within <see cref="Allowance"/>. Whoever would begin to use one is held still meanwhile.
    /// </summary>
    /// <param name="inUse">Asked while nobody can begin to use an image. What it throws is thrown on.</param>
    /// <returns>What was removed.</returns>
    public IReadOnlyList<ImageDigest> RemoveUnused(Func<IReadOnlySet<ImageDigest>> inUse)
    {
        var disk = new DriveInfo(directory);
        var allowance = Allowance(disk.TotalSize, disk.AvailableFreeSpace);
        return Remove(inUse, used => limit is { } most && allowance > 0 ? Math.Max(0, most - used) : allowance);
    }

    /// <summary>What images that nobody uses may take, in bytes: a tenth of the disk, and nothing of a disk that is
    /// full
    /// to nine tenths. They cost a transfer when somebody wants them again.</summary>
    internal static long Allowance(long total, long free) => free < total / 10 ? 0 : total / 10;

    internal IReadOnlyList<ImageDigest> RemoveUnused(Func<IReadOnlySet<ImageDigest>> inUse, long allowance) =>
        Remove(inUse, _ => allowance);

    /// <param name="inUse">As above.</param>
    /// <param name="allowance">What the rest may take, of the bytes of those that stay in any case.</param>
    private List<ImageDigest> Remove(Func<IReadOnlySet<ImageDigest>> inUse, Func<long, long> allowance)
    {
        var removed = new List<ImageDigest>();
        lock (gate)
        {
            var used = inUse();
            var fitting = RoomBeside(used).Fitting;
            var here = List().ToLookup(
                d => used.Contains(d) || fitting.Contains(d) || flights.ContainsKey(d),
                d => (Digest: d, File: new FileInfo(PathOf(d))));
            // Those that are kept have their room before they are here.
            var coming = wanted.Where(w => fitting.Contains(w.Digest) && !File.Exists(PathOf(w.Digest))).Sum(w => w.Size);
            var most = allowance(here[true].Sum(i => i.File.Length) + coming);
            var kept = 0L;
            foreach (var (digest, file) in here[false].OrderByDescending(i => i.File.LastWriteTimeUtc)
                .ThenBy(i => i.Digest.Hex, StringComparer.Ordinal))
            {
                if ((kept += file.Length) <= most) continue;
                kept -= file.Length;
                file.Delete();
                removed.Add(digest);
            }
        }

        foreach (var digest in removed) ImageLog.Removed(logger, digest);
        return removed;
    }

    /// <summary>Holds the lock.</summary>
    private ImageRoom RoomBeside(IReadOnlySet<ImageDigest> used)
    {
        if (wanted.Count == 0) return ImageRoom.None;
        var here = List().ToLookup(used.Contains, d => new FileInfo(PathOf(d)).Length);
        var coming = Directory.GetFiles(directory, PartialPrefix + "*").Select(f => new FileInfo(f))
            .Sum(f => f.Exists ? f.Length : 0);
        var disk = new DriveInfo(directory);
        return ImageRoom.Of(
            wanted.Where(w => !used.Contains(w.Digest)), limit, here[true].Sum(), here[false].Sum() + coming,
            disk.TotalSize, disk.AvailableFreeSpace);
    }

    private Flight Join(ImagePlan plan, ImageFetch fetch, IProgress<long>? progress)
    {
        lock (gate)
        {
            if (flights.TryGetValue(plan.Digest, out var flight)
                && flight is { Done.IsCompleted: false, Abandon.IsCancellationRequested: false })
                flight.Waiters++;
            else
            {
                // One that was abandoned still cleans up: the next begins after it, not beside it.
                var before = flight?.Done ?? Task.FromResult("");
                var abandon = new CancellationTokenSource();
                var done = Task.Run(async () =>
                {
                    await before.ContinueWith(
                        _ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
                    return await FlyAsync(plan, fetch, bytes => Report(plan.Digest, bytes), abandon.Token);
                });
                var mine = flight = flights[plan.Digest] = new Flight(done, abandon);
                _ = done.ContinueWith(
                    _ => Land(plan.Digest, mine), CancellationToken.None,
                    TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            }
            if (progress is not null) flight.Progress.Add(progress);
            return flight;
        }
    }

    private void Leave(Flight flight, IProgress<long>? progress)
    {
        lock (gate)
        {
            if (progress is not null) flight.Progress.Remove(progress);
            if (--flight.Waiters > 0 || flight.Done.IsCompleted) return;
            flight.Abandon.Cancel();
        }
    }

    private void Land(ImageDigest digest, Flight flight)
    {
        lock (gate)
            if (flights.TryGetValue(digest, out var current) && ReferenceEquals(current, flight))
                flights.Remove(digest);
        _ = flight.Done.Exception; // Seen, also when every waiter has left.
    }

    private void Report(ImageDigest digest, long bytes)
    {
        IProgress<long>[] listeners;
        lock (gate) listeners = flights.TryGetValue(digest, out var flight) ? [.. flight.Progress] : [];
        foreach (var listener in listeners) listener.Report(bytes);
    }

    private async Task<string> FlyAsync(
        ImagePlan plan, ImageFetch fetch, Action<long> report, CancellationToken cancellation)
    {
        var path = PathOf(plan.Digest);
        if (File.Exists(path))
        {
            // When it was asked for last: nothing else writes to it.
            File.SetLastWriteTimeUtc(path, DateTime.UtcNow);
            return path;
        }

        var partial = Path.Combine(directory, PartialPrefix + plan.Digest.Hex);
        try
        {
            await WriteAsync(plan, partial, fetch, report, cancellation);
            if (ImageInspection.Refuse(partial, plan.Format) is { } refusal)
                throw new ImageException(ImageFailure.Refused, $"the image {plan.Digest} is refused: {refusal}");
            File.Move(partial, path);
            ProcessDirectory.Sync(directory);
            ImageLog.Fetched(logger, plan.Digest, plan.Size);
            return path;
        }
        catch (Exception e)
        {
            File.Delete(partial);
            throw ToFault(e, plan, cancellation);
        }
    }

    private static async Task WriteAsync(
        ImagePlan plan, string partial, ImageFetch fetch, Action<long> report, CancellationToken cancellation)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        // The size is taken from the disk at once: a full disk is found before the network is used.
        await using var file = new FileStream(partial, new FileStreamOptions
        {
            Mode = FileMode.Create,
            Access = FileAccess.Write,
            BufferSize = 0,
            Options = FileOptions.Asynchronous,
            PreallocationSize = plan.Size,
        });
        long written = 0;
        await foreach (var chunk in fetch(cancellation).WithCancellation(cancellation))
        {
            written += chunk.Length;
            if (written > plan.Size)
                throw new ImageException(
                    ImageFailure.WrongSize, $"the image {plan.Digest} is larger than the {plan.Size} bytes announced");
            hash.AppendData(chunk.Span);
            await file.WriteAsync(chunk, cancellation);
            report(written);
        }
        if (written != plan.Size)
            throw new ImageException(
                ImageFailure.WrongSize,
                $"the image {plan.Digest} ended after {written} of {plan.Size} bytes: fetch it again");
        var digest = ImageDigest.FromHash(hash.GetHashAndReset());
        if (digest != plan.Digest)
            throw new ImageException(
                ImageFailure.WrongDigest, $"the bytes fetched for {plan.Digest} are {digest}: the source is damaged");
        file.Flush(flushToDisk: true);
    }

    private static Exception ToFault(Exception e, ImagePlan plan, CancellationToken cancellation) => e switch
    {
        ImageException => e,
        OperationCanceledException when cancellation.IsCancellationRequested => e,
        IOException when e.Message.Contains("No space left", StringComparison.Ordinal)
            || e.Message.Contains("disk may be full", StringComparison.OrdinalIgnoreCase)
            || e.Message.Contains("the disk was full", StringComparison.OrdinalIgnoreCase) =>
            new ImageException(
                ImageFailure.NoSpace,
                $"the image {plan.Digest} of {plan.Size} bytes does not fit on the hypervisor's disk: free some of it",
                e),
        _ => new ImageException(ImageFailure.FetchFailed, $"fetching the image {plan.Digest} failed: {e.Message}", e),
    };
}
