using Grpc.Core;
using Microsoft.Extensions.Logging;
using Monolith.Agent.V1;

namespace Monolith.Agent.Routing;

/// <summary>Looks at the machine's BGP sessions, and tells the host what it sees (fabric.proto).</summary>
/// <param name="connect">To the host.</param>
public sealed partial class FabricWatch(IRouting routing, Func<CallInvoker> connect, TimeProvider time, ILogger log)
{
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);

    /// <summary>Until what is known is told once more, and until what could not be told is.</summary>
    private static readonly TimeSpan Again = TimeSpan.FromSeconds(30), Retry = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(10);

    /// <summary>Runs until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        try
        {
            await WatchAsync(cancellation);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
        }
    }

    private async Task WatchAsync(CancellationToken cancellation)
    {
        var (seen, told) = (FabricSightings.None, new ReportFabricRequest());
        var (triedAt, mute) = (long.MinValue, false);
        using var timer = new PeriodicTimer(Look, time);
        do
        {
            seen = await LookAsync(seen, cancellation);
            var report = seen.ToReport();
            var due = triedAt == long.MinValue || time.GetElapsedTime(triedAt) >= (mute ? Retry : Again);
            if (!due && (mute || report.Equals(told))) continue;
            triedAt = time.GetTimestamp();
            try
            {
                await new FabricService.FabricServiceClient(connect()).ReportFabricAsync(
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
        while (await timer.WaitForNextTickAsync(cancellation));
    }

    private async Task<FabricSightings> LookAsync(FabricSightings before, CancellationToken cancellation)
    {
        try
        {
            return before.Look(await routing.ListSessionsAsync(cancellation), time.GetUtcNow());
        }
        catch (IOException e)
        {
            return before.Miss(e.Message, time.GetUtcNow());
        }
    }

    [LoggerMessage(LogLevel.Warning, "What is seen of BGP could not be told to the host: {Cause}. It is tried again")]
    private partial void LogNotTold(string cause);
}
