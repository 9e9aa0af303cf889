using Microsoft.Extensions.Logging;
using Monolith.Agent.Images;
using Monolith.Agent.V1;
using State = Monolith.Agent.V1.ImageStatus.Types.State;

namespace Monolith.Agent.Reconcile;

/// <summary>
/// Has the images here that the host wants ahead (prewarm.proto), one after the other, and tells of all of them whenever
/// one changes. Nothing is remembered: the host says what it wants before anything of the cache is given up.
/// <code>
///   wanted ─▶ WAITING ── a moment of its own, its turn ──▶ FETCHING ──▶ HOLDING ── gone again: looked at now and then ─┐
///     ▲          ▲                                            │                                                        │
///     │          └── pause ◀── a few failures ◀───────────────┤                                                        │
///     │          └── pause ◀── FAILED ◀── no room, refused ───┘                                                        │
///     └────────────────────────────────────────────────────────────────────────────────────────────────────────────────┘
/// </code>
/// </summary>
internal sealed class ImagePrewarming : IAsyncDisposable
{
    /// <summary>Failures that may pass, and are no failure yet.</summary>
    private const int Forgiven = 3;

    private sealed class Image(WantedImage wanted)
    {
        public VmImage Plan { get; } =
            new() { Sha256 = wanted.Sha256, SizeBytes = wanted.SizeBytes, Format = wanted.Format };

        public ImageStatus Status { get; set; } = new() { Sha256 = wanted.Sha256, State = State.Waiting };

        /// <summary>Its moment has come.</summary>
        public bool Begun { get; set; }

        public int Failures { get; set; }
    }

    private readonly Lock gate = new();
    private readonly IImages images;
    private readonly Func<IReadOnlySet<ImageDigest>> inUse;
    private readonly Action<ImageStatuses> tell;
    private readonly VmPolicy policy;
    private readonly TimeProvider time;
    private readonly Random dice;
    private readonly ILogger log;
    private readonly Lanes lanes;
    private readonly SemaphoreSlim turn = new(1);
    // In the order of the wish.
    private List<Image> wanted = [];
    private bool told;

    /// <param name="inUse">Images that vms use.</param>
    /// <param name="tell">Has the newest statuses sent; those before them need not be.</param>
    public ImagePrewarming(
        IImages images, Func<IReadOnlySet<ImageDigest>> inUse, Action<ImageStatuses> tell, VmPolicy policy,
        TimeProvider time, Random dice, ILogger log)
    {
        (this.images, this.inUse, this.tell, this.policy) = (images, inUse, tell, policy);
        (this.time, this.dice, this.log) = (time, dice, log);
        lanes = new Lanes("images", StepAsync, time, log);
    }

    /// <summary>All that is wanted from now on. Returns soon.</summary>
    public void OnWanted(WantedImages said)
    {
        string[] left;
        lock (gate)
        {
            var known = wanted.ToDictionary(i => i.Plan.Sha256, StringComparer.Ordinal);
            wanted = [.. said.Images.Where(IsImage).DistinctBy(i => i.Sha256).Select(i =>
                known.Remove(i.Sha256, out var same) && same.Plan.SizeBytes == i.SizeBytes ? same : new Image(i))];
            left = [.. known.Keys];
            images.Keep([.. wanted.Select(i => i.Plan)]);
        }

        foreach (var sha256 in left) lanes.Wake(sha256, interrupt: true);
        foreach (var image in said.Images) lanes.Wake(image.Sha256);
        Tell();
    }

    public async ValueTask DisposeAsync()
    {
        await lanes.DisposeAsync();
        turn.Dispose();
    }

    private static bool IsImage(WantedImage image) => ImageDigest.TryParse("sha256:" + image.Sha256, null, out _);

    private Image? Find(string sha256)
    {
        lock (gate) return wanted.Find(i => i.Plan.Sha256 == sha256);
    }

    private async Task<Verdict> StepAsync(string sha256, CancellationToken cancellation)
    {
        if (Find(sha256) is not { } image) return new Verdict.Gone();
        if (images.Holds(image.Plan)) return Held(image);
        Set(image, image.Status.State == State.Failed ? State.Failed : State.Waiting, cause: image.Status);
        if (!image.Begun)
        {
            image.Begun = true;
            return Verdict.LookAfter(policy.PrewarmSpread * Chance());
        }

        // Others may be tried while this one waits for its turn.
        await turn.WaitAsync(cancellation);
        try
        {
            await images.FetchAheadAsync(image.Plan, inUse, new Arrival(this, image), cancellation);
            return Held(image);
        }
        catch (Exception e) when (!cancellation.IsCancellationRequested && (e is ImageException or IOException))
        {
            return Failed(image, e);
        }
        finally
        {
            turn.Release();
        }
    }

    private Verdict.Again Held(Image image)
    {
        image.Failures = 0;
        Set(image, State.Holding);
        return new Verdict.Again(policy.ResyncEvery, AsWanted: true);
    }

    private Verdict.Again Failed(Image image, Exception e)
    {
        var failure = (e as ImageException)?.Reason ?? ImageFailure.FetchFailed;
        var lasting = failure is ImageFailure.NoRoom or ImageFailure.NoSpace or ImageFailure.Refused;
        Set(image, lasting || ++image.Failures > Forgiven ? State.Failed : State.Waiting,
            cause: new ImageStatus { Reason = VmActs.ReasonOf(failure), Message = e.Message });
        log.ImageNotFetched(image.Plan.Sha256, e.Message);
        return new Verdict.Again(
            lasting ? policy.RetryCap : policy.Retry.After(image.Failures, Chance()), AsWanted: true);
    }

    private double Chance()
    {
        lock (dice) return dice.NextDouble();
    }

    private void Set(Image image, State state, long bytes = 0, ImageStatus? cause = null)
    {
        var status = new ImageStatus
        {
            Sha256 = image.Plan.Sha256, State = state, BytesDone = bytes,
            Reason = cause?.Reason ?? "", Message = cause?.Message ?? "",
        };
        lock (gate)
        {
            if (image.Status.Equals(status)) return;
            image.Status = status;
        }

        Tell();
    }

    private void Tell()
    {
        lock (gate)
        {
            // A host that never wanted any may not know what this is.
            if (wanted.Count == 0 && !told) return;
            told = wanted.Count > 0;
            tell(new ImageStatuses { Images = { wanted.Select(i => i.Status) } });
        }
    }

    /// <summary>Tells what has arrived, now and then.</summary>
    private sealed class Arrival(ImagePrewarming all, Image image) : IProgress<long>
    {
        private long? since;

        public void Report(long value)
        {
            if (since is { } before && all.time.GetElapsedTime(before) < all.policy.PrewarmProgress) return;
            since = all.time.GetTimestamp();
            all.Set(image, State.Fetching, value);
        }
    }
}
