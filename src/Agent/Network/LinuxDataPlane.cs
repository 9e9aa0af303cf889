using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Monolith.Agent.Native.Raw;
using Monolith.Agent.Native.Safe;
using Monolith.Agent.Network.Invariants;
using Monolith.Agent.Network.Metadata;
using Monolith.Agent.Network.Probe;
using Monolith.Agent.Network.Tap;

namespace Monolith.Agent.Network;

/// <summary>
/// The real data plane: taps, routes, nftables, and what the agent answers on each tap.
/// <code>
///  callers ───────────┐
///  rtnetlink (links) ─┼─► one thread in the namespace ─► kernel
///  timer (rescan) ────┘          │
///                                └─► services of each tap (DHCP, RA), metadata: in the runtime's epoll
/// </code>
/// </summary>
public sealed class LinuxDataPlane : IDataPlane
{
    private const int EventsKept = 1024;

    private readonly DataPlaneOptions options;
    private readonly IMetadataSource metadataSource;
    private readonly TimeProvider time;
    private readonly ILoggerFactory loggers;
    private readonly ILogger logger;
    private readonly NamespaceThread thread;
    private readonly GuestProbe probe;
    private readonly SemaphoreSlim preparing = new(1);
    private readonly CancellationTokenSource stop = new();
    private readonly ConcurrentDictionary<string, PortServices> services = new();
    private readonly ConcurrentDictionary<IPAddress, PortPlan> byAddress = new();
    private readonly ConcurrentDictionary<string, DateTimeOffset> answered = new();
    private readonly ConcurrentDictionary<Channel<DataPlaneEvent>, bool> watchers = new();

    // Touched on the namespace's thread only.
    private readonly Dictionary<string, bool> carriers = [];
    private HostNetwork? network;

    private Socket? links;
    private MetadataServer? metadata;
    private Task loops = Task.CompletedTask;
    private int syncWanted;

    public LinuxDataPlane(
        DataPlaneOptions options, IMetadataSource metadata, TimeProvider time, ILoggerFactory loggers)
    {
        (this.options, metadataSource, this.time, this.loggers) = (options, metadata, time, loggers);
        logger = loggers.CreateLogger<LinuxDataPlane>();
        thread = new NamespaceThread("dataplane", options.NamespacePath);
        probe = new GuestProbe(thread, time);
    }

    /// <summary>Asks guests of this data plane.</summary>
    public IGuestProbe Probe => probe;

    public async Task PrepareAsync(CancellationToken cancellation)
    {
        await preparing.WaitAsync(cancellation);
        try
        {
            await thread.RunAsync(() => Network.Prepare(), cancellation);
            if (metadata is null)
            {
                metadata = await thread.RunAsync(
                    () => new MetadataServer(
                        FindSubject, new HostKeyDesk(metadataSource.CertifyAsync, time), s => Answered(s.Port), time, loggers.CreateLogger<MetadataServer>()),
                    cancellation);
                metadata.Start();
            }

            if (links is null)
            {
                links = await thread.RunAsync(
                    () => NetlinkSocket.Multicast(RtnetlinkConstants.RTMGRP_LINK), cancellation);
                loops = Task.WhenAll(
                    Task.Run(() => ListenAsync(links, stop.Token), cancellation),
                    Task.Run(() => RescanAsync(stop.Token), cancellation));
            }

            // Carriers that changed before anybody listened.
            await thread.RunAsync(() => Compare(Network.SyncRoutes()), cancellation);
        }
        finally
        {
            preparing.Release();
        }
    }

    public Task EnsureSetsAsync(IReadOnlyCollection<AddressSetPlan> sets, CancellationToken cancellation) =>
        thread.RunAsync(() => Network.EnsureSets(sets), cancellation);

    public Task RemoveSetsAsync(IReadOnlyCollection<string> setIds, CancellationToken cancellation) =>
        thread.RunAsync(() => Network.RemoveSets(setIds), cancellation);

    public async Task EnsurePortAsync(PortPlan plan, CancellationToken cancellation)
    {
        var stale = await thread.RunAsync(() => Ensure(plan), cancellation);
        if (stale is not null)
            await stale.DisposeAsync();
    }

    public async Task RemovePortAsync(string portId, CancellationToken cancellation)
    {
        if (this.services.TryRemove(portId, out var services))
            await services.DisposeAsync();
        answered.TryRemove(portId, out _);
        await thread.RunAsync(
            () =>
            {
                Network.RemovePort(portId);
                ForgetAddresses(portId);
            },
            cancellation);
    }

    public async Task RemoveTapAsync(string tapName, CancellationToken cancellation)
    {
        // A planned port on it goes whole: what answers on the tap must not outlive it.
        foreach (var (portId, services) in this.services)
        {
            if (services.Plan.TapName == tapName)
                await RemovePortAsync(portId, cancellation);
        }

        await thread.RunAsync(() => Network.RemoveTap(tapName), cancellation);
    }

    public Task<IReadOnlyList<PortObservation>> ObserveAsync(CancellationToken cancellation) =>
        thread.RunAsync(() => Network.Observe(answered), cancellation);

    /// <summary>
    /// What the machine is at this moment, between two of the data plane's own changes; and what others did to what is the
    /// agent's is undone.
    /// </summary>
    /// <returns>Null while it was not prepared.</returns>
    internal Task<MachineFacts?> LookAsync(CancellationToken cancellation) => thread.RunAsync(
        () =>
        {
            if (links is null || Network.Look() is not { } facts)
                return null;
            foreach (var failure in Network.Mend(facts))
                DataPlaneLog.SyncFailed(logger, failure);
            return facts;
        },
        cancellation);

    public Task<string?> WayToAsync(string portId, IPAddress destination, CancellationToken cancellation) =>
        thread.RunAsync(() => Network.WayTo(portId, destination), cancellation);

    public async IAsyncEnumerable<DataPlaneEvent> WatchAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        var channel = Channel.CreateBounded<DataPlaneEvent>(
            new BoundedChannelOptions(EventsKept) { FullMode = BoundedChannelFullMode.DropOldest });
        watchers[channel] = true;
        try
        {
            await foreach (var change in channel.Reader.ReadAllAsync(cancellation))
                yield return change;
        }
        finally
        {
            watchers.TryRemove(channel, out _);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await loops;
        if (metadata is not null)
            await metadata.DisposeAsync();
        foreach (var services in this.services.Values)
            await services.DisposeAsync();
        links?.Dispose();
        try
        {
            await thread.RunAsync(() => network?.Dispose(), CancellationToken.None);
        }
        catch (ErrnoException)
        {
            // The thread never entered its namespace, so there is nothing to let go.
        }

        foreach (var watcher in watchers.Keys)
            watcher.Writer.TryComplete();
        thread.Dispose();
        probe.Dispose();
        preparing.Dispose();
        stop.Dispose();
    }

    /// <summary>Made on first use, because its sockets must be made on the namespace's thread.</summary>
    private HostNetwork Network => network ??= new HostNetwork(options);

    /// <returns>Services of a tap that was made anew, to be stopped.</returns>
    private PortServices? Ensure(PortPlan plan)
    {
        var link = Network.EnsurePort(plan);
        ForgetAddresses(plan.PortId);
        foreach (var address in plan.Addresses)
            byAddress[address] = plan;
        PortServices? stale = null;
        if (this.services.TryGetValue(plan.PortId, out var services))
        {
            if (services.Index == link.Index)
            {
                services.Plan = plan;
                return null;
            }

            stale = services;
        }

        this.services[plan.PortId] = new PortServices(link, plan, options.Lease, Answered, time, loggers);
        return stale;
    }

    private void ForgetAddresses(string portId)
    {
        foreach (var pair in byAddress.Where(p => p.Value.PortId == portId))
            byAddress.TryRemove(pair);
    }

    private MetadataSubject? FindSubject(IPAddress source) =>
        byAddress.TryGetValue(source, out var port) && metadataSource.Find(port.PortId) is { } document
            ? new MetadataSubject(document, port, source)
            : null;

    private void Answered(PortPlan port)
    {
        answered[port.PortId] = time.GetUtcNow();
        Publish(new DataPlaneEvent(port.PortId, port.TapName, DataPlaneChange.Answered));
    }

    private void Publish(DataPlaneEvent change)
    {
        foreach (var watcher in watchers.Keys)
            watcher.Writer.TryWrite(change);
    }

    private async Task ListenAsync(Socket links, CancellationToken cancellation)
    {
        var buffer = new byte[32 * 1024];
        while (!cancellation.IsCancellationRequested)
        {
            try
            {
                // What is in the notification does not matter: it is the reason to look.
                await links.ReceiveAsync(buffer, SocketFlags.None, cancellation);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (SocketException e)
            {
                // ENOBUFS: notifications were lost, and looking makes up for that.
                DataPlaneLog.NotificationsLost(logger, e.SocketErrorCode);
            }

            if (Interlocked.Exchange(ref syncWanted, 1) == 0)
                _ = SyncAsync(cancellation);
        }
    }

    /// <summary>A burst of notifications is answered by one look, which begins after the last of them.</summary>
    private Task SyncAsync(CancellationToken cancellation) => TryAsync(
        () =>
        {
            Volatile.Write(ref syncWanted, 0);
            Compare(Network.SyncRoutes());
        },
        cancellation);

    private async Task RescanAsync(CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(options.RescanEvery, time);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellation))
                await TryAsync(Rescan, cancellation);
        }
        catch (OperationCanceledException)
        {
        }
    }

    /// <summary>Puts everything right that is known; a failure stays with its port, for the next observation.</summary>
    private void Rescan()
    {
        Network.RescanFilters();
        foreach (var plan in Network.Plans.ToList())
        {
            try
            {
                if (Ensure(plan) is { } stale)
                    _ = stale.DisposeAsync().AsTask();
            }
            catch (IOException e)
            {
                DataPlaneLog.SyncFailed(logger, e);
            }
        }

        Compare(Network.SyncRoutes());
    }

    private async Task TryAsync(Action work, CancellationToken cancellation)
    {
        try
        {
            await thread.RunAsync(work, cancellation);
        }
        catch (IOException e)
        {
            DataPlaneLog.SyncFailed(logger, e);
        }
        catch (OperationCanceledException)
        {
        }
    }

    /// <summary>Tells what changed since the last look.</summary>
    private void Compare(IReadOnlyList<Link> taps)
    {
        foreach (var tap in taps)
        {
            if (carriers.GetValueOrDefault(tap.Name) == tap.Carrier)
                continue;
            carriers[tap.Name] = tap.Carrier;
            DataPlaneLog.Carrier(logger, tap.Alias, tap.Name, tap.Carrier);
            var change = tap.Carrier ? DataPlaneChange.CarrierUp : DataPlaneChange.CarrierDown;
            Publish(new DataPlaneEvent(tap.Alias, tap.Name, change));
        }

        var names = taps.Select(t => t.Name).ToHashSet();
        foreach (var gone in carriers.Keys.Where(n => !names.Contains(n)).ToList())
            carriers.Remove(gone);
    }
}
