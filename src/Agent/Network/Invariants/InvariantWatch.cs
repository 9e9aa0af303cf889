using System.Net;
using System.Net.Sockets;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.Extensions.Logging;
using Monolith.Agent.Routing;
using Monolith.Agent.V1;

namespace Monolith.Agent.Network.Invariants;

/// <summary>
/// Looks every second whether the invariants hold, and tells the host what does not (fabric.proto).
/// <code>
/// kernel (and mend what is the agent's) ─┐
/// routing daemon ────────────────────────┴► judge ─► ledger ─► host: when it changes, and every 30 s
/// </code>
/// </summary>
/// <param name="look">At the machine; null until it is prepared, since nothing holds before that.</param>
/// <param name="paths">At the routing daemon, about addresses of this machine.</param>
/// <param name="connect">To the host.</param>
internal sealed partial class InvariantWatch(
    Func<CancellationToken, Task<MachineFacts?>> look,
    Func<IReadOnlyCollection<IPAddress>, CancellationToken, Task<FabricPaths>> paths,
    Func<CallInvoker> connect, TimeProvider time, ILogger log)
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(1);

    /// <summary>Until what is known is told once more, and until what could not be told is.</summary>
    private static readonly TimeSpan Again = TimeSpan.FromSeconds(30), Retry = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(10);

    /// <summary>A daemon that is slower keeps the rest from being seen.</summary>
    private static readonly TimeSpan PathsDeadline = TimeSpan.FromSeconds(2);

    private BreachLedger ledger = BreachLedger.None;
    private ReportBreachesRequest told = new();
    private FabricPaths lastPaths = FabricPaths.None;
    private long triedAt = long.MinValue;
    private bool mute;

    /// <summary>Runs until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        try
        {
            using var timer = new PeriodicTimer(Every, time);
            do
            {
                if (await LookAsync(cancellation) is { } report) await TellAsync(report, cancellation);
            }
            while (await timer.WaitForNextTickAsync(cancellation));
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
        }
    }

    /// <summary>One look, and what is known after it.</summary>
    internal async Task<ReportBreachesRequest?> LookAsync(CancellationToken cancellation)
    {
        IReadOnlyList<Breach> breaches;
        var report = new ReportBreachesRequest();
        try
        {
            if (await look(cancellation) is not { } facts) return null;
            var announced = facts.Announced().Select(a => a.Address).Distinct().ToList();
            lastPaths = await PathsAsync(announced, cancellation);
            breaches = Judge.Breaches(facts, lastPaths);
            (report.Ipv4Addresses, report.Ipv6Addresses) =
                (Packed(announced, AddressFamily.InterNetwork), Packed(announced, AddressFamily.InterNetworkV6));
        }
        catch (Exception e) when (!cancellation.IsCancellationRequested)
        {
            // Nothing is known to hold.
            breaches =
            [
                new(Invariant.NoSpoofablePath, "NOT_CHECKED", "machine",
                    $"The machine's network cannot be read, and nobody knows whether it is as it must be: {e.Message}"),
            ];
            (report.Ipv4Addresses, report.Ipv6Addresses) = (told.Ipv4Addresses, told.Ipv6Addresses);
        }

        var before = ledger;
        ledger = ledger.Look(breaches, time.GetUtcNow());
        Log(before);
        report.Breaches.AddRange(ledger.ToProto());
        return report;
    }

    private async Task<FabricPaths> PathsAsync(IReadOnlyCollection<IPAddress> announced, CancellationToken cancellation)
    {
        using var timer = new CancellationTokenSource(PathsDeadline, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellation, timer.Token);
        try
        {
            return await paths(announced, both.Token);
        }
        catch (IOException e)
        {
            return Unknown(e.Message);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return Unknown($"The routing daemon did not answer within {PathsDeadline.TotalSeconds:0} s");
        }
    }

    /// <summary>A daemon that does not answer speaks to nobody either.</summary>
    private FabricPaths Unknown(string why) => FabricPaths.None with
    {
        Sessions = [.. lastPaths.Sessions.Select(s => s with { State = FabricSightings.Unreachable })],
        Problem = why,
    };

    /// <summary>In an order that says nothing, so that the same ones are the same report.</summary>
    private static ByteString Packed(IEnumerable<IPAddress> addresses, AddressFamily family) => ByteString.CopyFrom(
        [.. addresses.Where(a => a.AddressFamily == family).Select(a => a.GetAddressBytes())
            .OrderBy(Convert.ToHexString, StringComparer.Ordinal).SelectMany(b => b)]);

    private async Task TellAsync(ReportBreachesRequest report, CancellationToken cancellation)
    {
        var due = triedAt == long.MinValue || time.GetElapsedTime(triedAt) >= (mute ? Retry : Again);
        if (!due && (mute || report.Equals(told))) return;
        triedAt = time.GetTimestamp();
        try
        {
            await new FabricService.FabricServiceClient(connect()).ReportBreachesAsync(
                report, deadline: time.GetUtcNow().UtcDateTime + Deadline, cancellationToken: cancellation);
            (told, mute) = (report, false);
        }
        catch (RpcException e) when (!cancellation.IsCancellationRequested)
        {
            // The host is away, or older than this. Once is enough to say.
            if (!mute) LogNotTold(e.Status.Detail);
            mute = true;
        }
    }

    private void Log(BreachLedger before)
    {
        var known = before.Entries.Select(KeyOf).ToHashSet();
        foreach (var entry in ledger.Entries.Where(e => !known.Contains(KeyOf(e))))
        {
            if (entry.Mended is null) LogBreach(entry.Breach.Code, entry.Breach.Subject, entry.Breach.Message);
            else LogMended(entry.Breach.Code, entry.Breach.Subject);
        }

        static (string, string, DateTimeOffset, DateTimeOffset?) KeyOf(BreachEntry entry) =>
            (entry.Breach.Code, entry.Breach.Subject, entry.Since, entry.Mended);
    }

    [LoggerMessage(LogLevel.Error, "{Code} {Subject}: {Message}")]
    private partial void LogBreach(string code, string subject, string message);

    [LoggerMessage(LogLevel.Information, "{Code} {Subject}: mended")]
    private partial void LogMended(string code, string subject);

    [LoggerMessage(LogLevel.Warning, "What is wrong with the machine's network could not be told to the host: {Cause}. It is tried again")]
    private partial void LogNotTold(string cause);
}
