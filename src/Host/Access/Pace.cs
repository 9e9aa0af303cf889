using System.Diagnostics.Metrics;
using System.Net;
using System.Threading.RateLimiting;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;

namespace Monolith.Host.Access;

/// <summary>Keeps callers within <see cref="CallLimits"/>.</summary>
internal sealed class Pace : IDisposable
{
    const int Burst = 2, RefusalBurst = 20;
    static readonly TimeSpan Soon = TimeSpan.FromMilliseconds(100), Later = TimeSpan.FromSeconds(1);
    static readonly Meter Meter = new("Monolith.Host");
    static readonly Counter<long> Throttled = Meter.CreateCounter<long>("monolith.calls.throttled", "{call}",
        "Calls that were refused because their caller, or all together, had too many.");

    readonly CallLimits limits;
    readonly PartitionedRateLimiter<string> rate, calls, streams, refusals;
    readonly ConcurrencyLimiter all;

    public Pace(CallLimits limits)
    {
        this.limits = limits;
        rate = Rate(limits.CallerRate, Burst);
        refusals = Rate(limits.Refusals, RefusalBurst);
        calls = AtATime(limits.CallerCalls);
        streams = AtATime(limits.CallerStreams);
        all = new ConcurrencyLimiter(Concurrent(limits.Calls));
    }

    /// <summary>A call begins. It ends when what is returned is disposed of.</summary>
    /// <param name="who">A caller's name, or an address.</param>
    /// <exception cref="Fault">RESOURCE_EXHAUSTED.</exception>
    public IDisposable Enter(string who, bool isStream)
    {
        using (var turn = rate.AttemptAcquire(who))
            if (!turn.IsAcquired)
                throw Refuse("CALLER_TOO_FAST", $"{who} makes more than {limits.CallerRate} calls a second. Slow down, or watch instead of "
                    + "asking again and again.", turn, Soon);
        var own = (isStream ? streams : calls).AttemptAcquire(who);
        if (!own.IsAcquired)
            throw isStream
                ? Refuse("CALLER_HAS_TOO_MANY_STREAMS", $"{who} has {limits.CallerStreams} streams open. End some first.", own, Later)
                : Refuse("CALLER_HAS_TOO_MANY_CALLS", $"{who} has {limits.CallerCalls} calls under way. Wait for their answers.", own, Soon);
        if (isStream) return own;
        var common = all.AttemptAcquire();
        if (common.IsAcquired) return new Place(own, common);
        own.Dispose();
        throw Refuse("HOST_BUSY", $"{limits.Calls} calls are under way on this host. Try again a little later.", common, Later);
    }

    /// <summary>A credential was not believed.</summary>
    /// <exception cref="Fault">RESOURCE_EXHAUSTED, instead of the answer that it was not.</exception>
    public void Disbelieved(IPAddress? peer)
    {
        using var turn = refusals.AttemptAcquire(Peer.Neighbourhood(peer));
        if (!turn.IsAcquired)
            throw Refuse("ADDRESS_REFUSED_TOO_OFTEN", "Too many calls from this address showed a credential that is none. Stop, and see that "
                + "every program has a token that is valid.", turn, Later);
    }

    public void Dispose()
    {
        rate.Dispose();
        calls.Dispose();
        streams.Dispose();
        refusals.Dispose();
        all.Dispose();
    }

    static Fault Refuse(string reason, string message, RateLimitLease lease, TimeSpan otherwise)
    {
        Throttled.Add(1, new KeyValuePair<string, object?>("reason", reason));
        return Fault.Exhausted(reason, message,
            lease.TryGetMetadata(MetadataName.RetryAfter, out var after) && after > TimeSpan.Zero ? after : otherwise);
    }

    static PartitionedRateLimiter<string> Rate(int perSecond, int burst) => PartitionedRateLimiter.Create<string, string>(who =>
        RateLimitPartition.GetTokenBucketLimiter(who, _ => new TokenBucketRateLimiterOptions
        {
            TokenLimit = perSecond * burst,
            TokensPerPeriod = Math.Max(1, perSecond / 10),
            ReplenishmentPeriod = TimeSpan.FromSeconds(Math.Max(1, perSecond / 10) / (double)perSecond),
        }), StringComparer.Ordinal);

    static PartitionedRateLimiter<string> AtATime(int count) => PartitionedRateLimiter.Create<string, string>(who =>
        RateLimitPartition.GetConcurrencyLimiter(who, _ => Concurrent(count)), StringComparer.Ordinal);

    static ConcurrencyLimiterOptions Concurrent(int count) => new() { PermitLimit = count };

    sealed class Place(RateLimitLease own, RateLimitLease common) : IDisposable
    {
        public void Dispose()
        {
            own.Dispose();
            common.Dispose();
        }
    }
}
