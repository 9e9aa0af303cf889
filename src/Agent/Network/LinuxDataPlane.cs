using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Monolith.Agent.Native.Raw;
using Monolith.Agent.Native.Safe;
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

    private readonly DataPlaneOptions _options;
    private readonly IMetadataSource _metadataSource;
    private readonly TimeProvider _time;
    private readonly ILoggerFactory _loggers;
    private readonly ILogger _logger;
    private readonly NamespaceThread _thread;
    private readonly GuestProbe _probe;
    private readonly SemaphoreSlim _preparing = new(1);
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<string, PortServices> _services = new();
    private readonly ConcurrentDictionary<IPAddress, PortPlan> _byAddress = new();
    private readonly ConcurrentDictionary<string, DateTimeOffset> _answered = new();
    private readonly ConcurrentDictionary<Channel<DataPlaneEvent>, bool> _watchers = new();

    // Touched on the namespace's thread only.
    private readonly Dictionary<string, bool> _carriers = [];
    private HostNetwork? _network;

    private Socket? _links;
    private MetadataServer? _metadata;
    private Task _loops = Task.CompletedTask;
    private int _syncWanted;

    public LinuxDataPlane(
        DataPlaneOptions options, IMetadataSource metadata, TimeProvider time, ILoggerFactory loggers)
    {
        (_options, _metadataSource, _time, _loggers) = (options, metadata, time, loggers);
        _logger = loggers.CreateLogger<LinuxDataPlane>();
        _thread = new NamespaceThread("dataplane", options.NamespacePath);
        _probe = new GuestProbe(_thread, time);
    }

    /// <summary>Asks guests of this data plane.</summary>
    public IGuestProbe Probe => _probe;

    public async Task PrepareAsync(CancellationToken cancellation)
    {
        await _preparing.WaitAsync(cancellation);
        try
        {
            await _thread.RunAsync(() => Network.Prepare(), cancellation);
            if (_metadata is null)
            {
                _metadata = await _thread.RunAsync(
                    () => new MetadataServer(FindSubject, s => Answered(s.Port), _time, _loggers.CreateLogger<MetadataServer>()),
                    cancellation);
                _metadata.Start();
            }

            if (_links is null)
            {
                _links = await _thread.RunAsync(
                    () => NetlinkSocket.Multicast(RtnetlinkConstants.RTMGRP_LINK), cancellation);
                _loops = Task.WhenAll(
                    Task.Run(() => ListenAsync(_links, _stop.Token), cancellation),
                    Task.Run(() => RescanAsync(_stop.Token), cancellation));
            }

            // Carriers that changed before anybody listened.
            await _thread.RunAsync(() => Compare(Network.SyncRoutes()), cancellation);
        }
        finally
        {
            _preparing.Release();
        }
    }

    public Task EnsureSetsAsync(IReadOnlyCollection<AddressSetPlan> sets, CancellationToken cancellation) =>
        _thread.RunAsync(() => Network.EnsureSets(sets), cancellation);

    public Task RemoveSetsAsync(IReadOnlyCollection<string> setIds, CancellationToken cancellation) =>
        _thread.RunAsync(() => Network.RemoveSets(setIds), cancellation);

    public async Task EnsurePortAsync(PortPlan plan, CancellationToken cancellation)
    {
        var stale = await _thread.RunAsync(() => Ensure(plan), cancellation);
        if (stale is not null)
            await stale.DisposeAsync();
    }

    public async Task RemovePortAsync(string portId, CancellationToken cancellation)
    {
        if (_services.TryRemove(portId, out var services))
            await services.DisposeAsync();
        _answered.TryRemove(portId, out _);
        await _thread.RunAsync(
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
        foreach (var (portId, services) in _services)
        {
            if (services.Plan.TapName == tapName)
                await RemovePortAsync(portId, cancellation);
        }

        await _thread.RunAsync(() => Network.RemoveTap(tapName), cancellation);
    }

    public Task<IReadOnlyList<PortObservation>> ObserveAsync(CancellationToken cancellation) =>
        _thread.RunAsync(() => Network.Observe(_answered), cancellation);

    public async IAsyncEnumerable<DataPlaneEvent> WatchAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        var channel = Channel.CreateBounded<DataPlaneEvent>(
            new BoundedChannelOptions(EventsKept) { FullMode = BoundedChannelFullMode.DropOldest });
        _watchers[channel] = true;
        try
        {
            await foreach (var change in channel.Reader.ReadAllAsync(cancellation))
                yield return change;
        }
        finally
        {
            _watchers.TryRemove(channel, out _);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loops;
        if (_metadata is not null)
            await _metadata.DisposeAsync();
        foreach (var services in _services.Values)
            await services.DisposeAsync();
        _links?.Dispose();
        try
        {
            await _thread.RunAsync(() => _network?.Dispose(), CancellationToken.None);
        }
        catch (ErrnoException)
        {
            // The thread never entered its namespace, so there is nothing to let go.
        }

        foreach (var watcher in _watchers.Keys)
            watcher.Writer.TryComplete();
        _thread.Dispose();
        _probe.Dispose();
        _preparing.Dispose();
        _stop.Dispose();
    }

    /// <summary>Made on first use, because its sockets must be made on the namespace's thread.</summary>
    private HostNetwork Network => _network ??= new HostNetwork(_options);

    /// <returns>Services of a tap that was made anew, to be stopped.</returns>
    private PortServices? Ensure(PortPlan plan)
    {
        var link = Network.EnsurePort(plan);
        ForgetAddresses(plan.PortId);
        foreach (var address in plan.Addresses)
            _byAddress[address] = plan;
        PortServices? stale = null;
        if (_services.TryGetValue(plan.PortId, out var services))
        {
            if (services.Index == link.Index)
            {
                services.Plan = plan;
                return null;
            }

            stale = services;
        }

        _services[plan.PortId] = new PortServices(link, plan, _options.Lease, Answered, _time, _loggers);
        return stale;
    }

    private void ForgetAddresses(string portId)
    {
        foreach (var pair in _byAddress.Where(p => p.Value.PortId == portId))
            _byAddress.TryRemove(pair);
    }

    private MetadataSubject? FindSubject(IPAddress source) =>
        _byAddress.TryGetValue(source, out var port) && _metadataSource.Find(port.PortId) is { } document
            ? new MetadataSubject(document, port, source)
            : null;

    private void Answered(PortPlan port)
    {
        _answered[port.PortId] = _time.GetUtcNow();
        Publish(new DataPlaneEvent(port.PortId, port.TapName, DataPlaneChange.Answered));
    }

    private void Publish(DataPlaneEvent change)
    {
        foreach (var watcher in _watchers.Keys)
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
                DataPlaneLog.NotificationsLost(_logger, e.SocketErrorCode);
            }

            if (Interlocked.Exchange(ref _syncWanted, 1) == 0)
                _ = SyncAsync(cancellation);
        }
    }

    /// <summary>A burst of notifications is answered by one look, which begins after the last of them.</summary>
    private Task SyncAsync(CancellationToken cancellation) => TryAsync(
        () =>
        {
            Volatile.Write(ref _syncWanted, 0);
            Compare(Network.SyncRoutes());
        },
        cancellation);

    private async Task RescanAsync(CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(_options.RescanEvery, _time);
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
                DataPlaneLog.SyncFailed(_logger, e);
            }
        }

        Compare(Network.SyncRoutes());
    }

    private async Task TryAsync(Action work, CancellationToken cancellation)
    {
        try
        {
            await _thread.RunAsync(work, cancellation);
        }
        catch (IOException e)
        {
            DataPlaneLog.SyncFailed(_logger, e);
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
            if (_carriers.GetValueOrDefault(tap.Name) == tap.Carrier)
                continue;
            _carriers[tap.Name] = tap.Carrier;
            DataPlaneLog.Carrier(_logger, tap.Alias, tap.Name, tap.Carrier);
            var change = tap.Carrier ? DataPlaneChange.CarrierUp : DataPlaneChange.CarrierDown;
            Publish(new DataPlaneEvent(tap.Alias, tap.Name, change));
        }

        var names = taps.Select(t => t.Name).ToHashSet();
        foreach (var gone in _carriers.Keys.Where(n => !names.Contains(n)).ToList())
            _carriers.Remove(gone);
    }
}
