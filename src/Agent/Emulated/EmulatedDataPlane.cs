using System.Net;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Monolith.Agent.Network;

namespace Monolith.Agent.Emulated;

/// <summary>
/// The kernel's part of a node, in memory: taps, filters, routes. It outlives the agents that use it, as a kernel does.
/// </summary>
public sealed class EmulatedDataPlane(DataPlaneOptions? options = null) : IDataPlane
{
    private const int EventsKept = 256;
    private readonly DataPlaneOptions _options = options ?? new DataPlaneOptions();
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Port> _ports = new(StringComparer.Ordinal);
    private readonly Dictionary<string, AddressSetPlan> _sets = new(StringComparer.Ordinal);
    private readonly List<Channel<DataPlaneEvent>> _watchers = [];

    private sealed class Port(PortPlan plan)
    {
        public PortPlan Plan { get; set; } = plan;
        public bool Planned { get; set; } = true;
        public bool Carrier { get; set; }
    }

    /// <summary>Address sets that are in the kernel, for people who ask what an emulated node would let through.</summary>
    public IReadOnlyCollection<string> Sets
    {
        get
        {
            lock (_lock) return [.. _sets.Keys];
        }
    }

    public Task PrepareAsync(CancellationToken cancellation) => Task.CompletedTask;

    /// <summary>What a new agent finds: everything is there and nothing is planned.</summary>
    public void ForgetPlans()
    {
        lock (_lock)
        {
            foreach (var port in _ports.Values) port.Planned = false;
        }
    }

    public Task EnsureSetsAsync(IReadOnlyCollection<AddressSetPlan> sets, CancellationToken cancellation)
    {
        foreach (var set in sets) PlanRules.Check(set);
        lock (_lock)
        {
            foreach (var set in sets) _sets[set.SetId] = set;
        }

        return Task.CompletedTask;
    }

    public Task RemoveSetsAsync(IReadOnlyCollection<string> setIds, CancellationToken cancellation)
    {
        lock (_lock)
        {
            foreach (var id in setIds) _sets.Remove(id);
        }

        return Task.CompletedTask;
    }

    public Task EnsurePortAsync(PortPlan plan, CancellationToken cancellation)
    {
        PlanRules.Check(plan, _options);
        lock (_lock)
        {
            if (_ports.TryGetValue(plan.PortId, out var port)) (port.Plan, port.Planned) = (plan, true);
            else _ports[plan.PortId] = new Port(plan);
        }

        return Task.CompletedTask;
    }

    public Task RemovePortAsync(string portId, CancellationToken cancellation)
    {
        lock (_lock) _ports.Remove(portId);
        return Task.CompletedTask;
    }

    public Task RemoveTapAsync(string tapName, CancellationToken cancellation)
    {
        lock (_lock)
        {
            if (FindTap(tapName) is { } port) _ports.Remove(port.Plan.PortId);
        }

        return Task.CompletedTask;
    }

    public Task<IReadOnlyList<PortObservation>> ObserveAsync(CancellationToken cancellation)
    {
        lock (_lock) return Task.FromResult<IReadOnlyList<PortObservation>>([.. _ports.Values.Select(Observe)]);
    }

    public async IAsyncEnumerable<DataPlaneEvent> WatchAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        var channel = Channel.CreateBounded<DataPlaneEvent>(
            new BoundedChannelOptions(EventsKept) { FullMode = BoundedChannelFullMode.DropOldest });
        lock (_lock) _watchers.Add(channel);
        try
        {
            await foreach (var change in channel.Reader.ReadAllAsync(cancellation)) yield return change;
        }
        finally
        {
            lock (_lock) _watchers.Remove(channel);
        }
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    internal bool HasTap(string tapName)
    {
        lock (_lock) return FindTap(tapName) is not null;
    }

    internal string? FindTapOf(IPAddress address)
    {
        lock (_lock) return _ports.Values.FirstOrDefault(p => p.Plan.Addresses.Contains(address))?.Plan.TapName;
    }

    /// <summary>A guest opens or closes its side of the tap.</summary>
    internal void SetCarrier(string tapName, bool carrier)
    {
        lock (_lock)
        {
            if (FindTap(tapName) is not { } port || port.Carrier == carrier) return;
            port.Carrier = carrier;
            var change = new DataPlaneEvent(
                port.Plan.PortId, tapName, carrier ? DataPlaneChange.CarrierUp : DataPlaneChange.CarrierDown);
            foreach (var watcher in _watchers) watcher.Writer.TryWrite(change);
        }
    }

    private Port? FindTap(string tapName)
    {
        foreach (var port in _ports.Values)
        {
            if (port.Plan.TapName == tapName) return port;
        }

        return null;
    }

    private static PortObservation Observe(Port port) => new()
    {
        PortId = port.Plan.PortId,
        TapName = port.Plan.TapName,
        Planned = port.Planned,
        Exists = true,
        Carrier = port.Carrier,
        Filtered = true,
        Routed = port.Carrier ? port.Plan.Addresses : [],
    };
}
