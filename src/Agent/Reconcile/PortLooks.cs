using System.Net;
using System.Net.Sockets;
using Grpc.Core;
using Microsoft.Extensions.Logging;
using Monolith.Agent.Network;
using Monolith.Agent.V1;

namespace Monolith.Agent.Reconcile;

/// <summary>
/// Answers how a port is at this moment (port.proto, PortLook): not what was reported, but what kernel, routing daemon and guest
/// say when they are asked.
/// </summary>
internal sealed class PortLooks(
    IPorts ports, HypervisorDrivers drivers, Func<CallInvoker> connect, TimeProvider time, ILogger log)
{
    private const int AtOnce = 16;

    /// <summary>For the guest, and for the host to take the answer.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1), Deadline = TimeSpan.FromSeconds(5);

    private int under;

    /// <summary>Returns at once. Who asks for more than can be had hears nothing, and has a deadline.</summary>
    public void Look(PortLook asked, CancellationToken cancellation)
    {
        if (Interlocked.Increment(ref under) <= AtOnce)
            _ = Task.Run(() => AnswerAsync(asked, cancellation), CancellationToken.None);
        else
            Interlocked.Decrement(ref under);
    }

    private async Task AnswerAsync(PortLook asked, CancellationToken cancellation)
    {
        try
        {
            var sight = await SeeAsync(asked, cancellation);
            await new PortSyncService.PortSyncServiceClient(connect()).TellPortAsync(
                new TellPortRequest { Look = asked.Id, Sight = sight },
                deadline: time.GetUtcNow().UtcDateTime + Deadline, cancellationToken: cancellation);
        }
        catch (Exception e) when (e is RpcException or IOException or OperationCanceledException)
        {
            log.NotTold(asked.Port, e.Message);
        }
        catch (Exception e)
        {
            log.StepFailed(e, "ports", asked.Port);
        }
        finally
        {
            Interlocked.Decrement(ref under);
        }
    }

    /// <summary>What there is to be seen.</summary>
    internal async Task<PortSight> SeeAsync(PortLook asked, CancellationToken cancellation)
    {
        var sight = new PortSight();
        if (ports.Find(asked.Port) is not { } spec) return sight;
        sight.Generation = spec.Generation;
        var all = await drivers.DataPlane.ObserveAsync(cancellation);
        if (all.FirstOrDefault(o => o.PortId == asked.Port) is not { } observed) return sight;
        (sight.Tap, sight.Carrier, sight.Filtered, sight.Problem) =
            (observed.Exists, observed.Carrier, observed is { Filtered: true, Planned: true }, observed.Problem);
        sight.Routed.AddRange(observed.Routed.Select(a => a.ToString()));
        sight.AnnouncedPeers = await CountPeersAsync([.. observed.Routed.Except(PortPlans.ExternalsOf(spec))], cancellation);
        if (IPAddress.TryParse(asked.Peer, out var peer))
            sight.Way = await drivers.DataPlane.WayToAsync(asked.Port, peer, cancellation) ?? "";
        var ipv4 = spec.Addresses.Select(IPAddress.Parse).FirstOrDefault(a => a.AddressFamily == AddressFamily.InterNetwork);
        if (observed.Carrier && ipv4 is not null)
        {
            sight.Answers = await drivers.Probe.AnswersArpAsync(
                observed.TapName, MacAddress.Parse(spec.MacAddress.ToLowerInvariant()), ipv4, Patience, cancellation);
        }

        return sight;
    }

    private async Task<int> CountPeersAsync(IReadOnlyList<IPAddress> routed, CancellationToken cancellation)
    {
        try
        {
            return routed.Count > 0 ? await drivers.Routes.CountPeersAsync(routed, cancellation) : 0;
        }
        catch (IOException)
        {
            // The routing daemon does not answer, and so it speaks to nobody either.
            return 0;
        }
    }
}

internal static partial class PortLookLogging
{
    [LoggerMessage(Level = LogLevel.Debug, Message = "what was seen of port {port} could not be told: {cause}")]
    public static partial void NotTold(this ILogger log, string port, string cause);
}
