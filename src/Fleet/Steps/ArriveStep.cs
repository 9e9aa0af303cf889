using System.Collections.Concurrent;
using System.Diagnostics;
using Google.Rpc;
using Grpc.Core;
using Monolith.Fleet.Figures;
using Monolith.Fleet.Load;

namespace Monolith.Fleet.Steps;

/// <summary>
/// Servers are asked for at a rate, whether those before are done or not (open loop), as people do in the morning.
/// </summary>
public sealed record ArriveStep : Step
{
    /// <summary>Creates a second at the beginning.</summary>
    public double Rate { get; init; } = 100;

    /// <summary>Creates a second at the end, reached in a straight line. Default: as at the beginning.</summary>
    public double? To { get; init; }

    public TimeSpan For { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>False: a refusal is counted and not repeated.</summary>
    public bool Retry { get; init; } = true;

    internal override IEnumerable<string> Violations
    {
        get
        {
            if (Rate is not (> 0 and <= 100_000)) yield return $"rate must be more than 0, and is {Rate}";
            if (To is not (null or (> 0 and <= 100_000))) yield return $"to must be more than 0, and is {To}";
            if (For <= TimeSpan.Zero) yield return "for must be more than 0 s";
        }
    }

    internal override async Task RunAsync(Stage stage, CancellationToken cancel)
    {
        Samples called = new(), ready = new(), late = new();
        var refusals = new Refusals();
        var began = Stopwatch.GetTimestamp();
        await Clock.Of(stage, Name, ready).WhileAsync(ArriveAsync());
        var seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
        stage.Board.Add(Name + ".offered", late.Count);
        stage.Board.Add(Name + ".late.p99", late.Distribute().Percentile(99), "ms");
        stage.Board.Add(Name + ".call", called);
        stage.Board.Add(Name + ".ready", ready);
        stage.Board.Add(Name + ".rate", ready.Count / seconds, "/s");
        refusals.Add(stage.Board, Name);

        async Task ArriveAsync()
        {
            var under = new List<Task>();
            foreach (var due in Arrivals.Of(Rate, To ?? Rate, For, stage.Seed))
            {
                var left = due - Stopwatch.GetElapsedTime(began);
                if (left > TimeSpan.FromMilliseconds(1)) await Task.Delay(left, cancel);
                late.Add(TimeSpan.FromTicks(Math.Max(0, (Stopwatch.GetElapsedTime(began) - due).Ticks)));
                under.Add(Task.Run(OneAsync, cancel));
            }
            await Task.WhenAll(under);
        }

        Task OneAsync() => Loop.TryAsync(stage, async () =>
        {
            try
            {
                await stage.Population.CreateAsync(called, ready, cancel, Retry);
            }
            catch (RpcException e) when (!Retry && !cancel.IsCancellationRequested)
            {
                refusals.Add(e);
            }
        });
    }
}

/// <summary>When creates begin: Poisson, at a rate that changes in a straight line.</summary>
internal static class Arrivals
{
    /// <param name="rate">A second, at the beginning.</param>
    /// <param name="to">A second, at the end.</param>
    /// <param name="seed">The same gives the same moments.</param>
    /// <returns>From the beginning, in order.</returns>
    public static IEnumerable<TimeSpan> Of(double rate, double to, TimeSpan span, int seed)
    {
        // Moments of a Poisson process of rate 1, moved to where the expected count has reached them: with slope k the
        // count at t is rate·t + k·t²/2.
        var random = new Random(seed);
        var (seconds, slope) = (span.TotalSeconds, (to - rate) / span.TotalSeconds);
        var expected = (rate + to) / 2 * seconds;
        for (var count = 0.0; ;)
        {
            count -= Math.Log(1 - random.NextDouble());
            if (count >= expected) yield break;
            // The root in the form that does not lose its digits when the slope is almost 0.
            yield return TimeSpan.FromSeconds(2 * count / (rate + Math.Sqrt((rate * rate) + (2 * slope * count))));
        }
    }
}

/// <summary>Answers that were a refusal. Safe for concurrent use.</summary>
internal sealed class Refusals
{
    readonly ConcurrentDictionary<StatusCode, int> byStatus = new();
    int silent, quota;

    public void Add(RpcException refusal)
    {
        byStatus.AddOrUpdate(refusal.StatusCode, 1, (_, n) => n + 1);
        if (refusal.StatusCode != StatusCode.ResourceExhausted) return;
        var details = refusal.GetRpcStatus()?.Details ?? [];
        // Who has used up a quota has nothing to wait for.
        if (details.Any(d => d.Is(QuotaFailure.Descriptor))) Interlocked.Increment(ref quota);
        else if (!details.Any(d => d.Is(RetryInfo.Descriptor) && d.Unpack<RetryInfo>().RetryDelay is not null))
            Interlocked.Increment(ref silent);
    }

    /// <summary>
    /// <c>refused.STATUS</c>; <c>refused_by_quota</c>; <c>refused_without_retry</c>: RESOURCE_EXHAUSTED that does not
    /// say when to come back; <c>lost</c>: answers that are none of the two, such as DEADLINE_EXCEEDED.
    /// </summary>
    public void Add(Board board, string step)
    {
        foreach (var (status, count) in byStatus.OrderBy(s => s.Key)) board.Add($"{step}.refused.{status}", count);
        board.Add(step + ".refused_by_quota", quota);
        board.Add(step + ".refused_without_retry", silent);
        board.Add(step + ".lost", byStatus.Where(s => s.Key != StatusCode.ResourceExhausted).Sum(s => s.Value));
    }
}
