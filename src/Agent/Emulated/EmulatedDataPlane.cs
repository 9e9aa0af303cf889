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
    private readonly DataPlaneOptions options = options ?? new DataPlaneOptions();
    private readonly Lock gate = new();
    private readonly Dictionary<string, Port> ports = new(StringComparer.Ordinal);
    private readonly Dictionary<string, AddressSetPlan> sets = new(StringComparer.Ordinal);
    private readonly List<Channel<DataPlaneEvent>> watchers = [];

    private sealed class Port(PortPlan plan)
    {
        public PortPlan Plan { get; set; } = plan;
        public bool Planned { get; set; } = true;
        public bool Carrier { get; set; }
    }

    /// <summary>
    /// Address sets that are in the kernel, for people who ask what an emulated node would let through.
    /// </summary>
    public IReadOnlyCollection<string> Sets
    {
        get
        {
            lock (gate) return [.. sets.Keys];
        }
    }

    /// <summary>Who is in an address set; null when the set is not in the kernel.</summary>
    public IReadOnlyCollection<IPAddress>? MembersOf(string setId)
    {
        lock (gate) return sets.GetValueOrDefault(setId)?.Addresses;
    }

    public Task PrepareAsync(CancellationToken cancellation) => Task.CompletedTask;

    /// <summary>What a new agent finds: everything is there and nothing is planned.</summary>
    public void ForgetPlans()
    {
        lock (gate)
        {
            foreach (var port in ports.Values) port.Planned = false;
        }
    }

    public Task EnsureSetsAsync(IReadOnlyCollection<AddressSetPlan> sets, CancellationToken cancellation)
    {
        foreach (var set in sets) PlanRules.Check(set);
        lock (gate)
        {
            foreach (var set in sets) this.sets[set.SetId] = set;
        }

        return Task.CompletedTask;
    }

    public Task RemoveSetsAsync(IReadOnlyCollection<string> setIds, CancellationToken cancellation)
    {
        lock (gate)
        {
            foreach (var id in setIds) sets.Remove(id);
        }

        return Task.CompletedTask;
    }

    public Task EnsurePortAsync(PortPlan plan, CancellationToken cancellation)
    {
        PlanRules.Check(plan, options);
        lock (gate)
        {
            if (ports.TryGetValue(plan.PortId, out var port)) (port.Plan, port.Planned) = (plan, true);
            else ports[plan.PortId] = new Port(plan);
        }

        return Task.CompletedTask;
    }

    public Task RemovePortAsync(string portId, CancellationToken cancellation)
    {
        lock (gate) ports.Remove(portId);
        return Task.CompletedTask;
    }

    public Task RemoveTapAsync(string tapName, CancellationToken cancellation)
    {
        lock (gate)
        {
            if (FindTap(tapName) is { } port) ports.Remove(port.Plan.PortId);
        }

        return Task.CompletedTask;
    }

    public Task<IReadOnlyList<PortObservation>> ObserveAsync(CancellationToken cancellation)
    {
        lock (gate) return Task.FromResult<IReadOnlyList<PortObservation>>([.. ports.Values.Select(Observe)]);
    }

    public async IAsyncEnumerable<DataPlaneEvent> WatchAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        var channel = Channel.CreateBounded<DataPlaneEvent>(
            new BoundedChannelOptions(EventsKept) { FullMode = BoundedChannelFullMode.DropOldest });
        lock (gate) watchers.Add(channel);
        try
        {
            await foreach (var change in channel.Reader.ReadAllAsync(cancellation)) yield return change;
        }
        finally
        {
            lock (gate) watchers.Remove(channel);
        }
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    internal bool HasTap(string tapName)
    {
        lock (gate) return FindTap(tapName) is not null;
    }

    internal string? FindTapOf(IPAddress address)
    {
        lock (gate) return ports.Values.FirstOrDefault(p => p.Plan.Addresses.Contains(address)
            || p.Plan.Translations.Any(t => t.External.Equals(address)))?.Plan.TapName;
    }

    /// <summary>There is one uplink, and it leads everywhere.</summary>
    public Task<string?> WayToAsync(string portId, IPAddress destination, CancellationToken cancellation)
    {
        lock (gate)
            return Task.FromResult(ports.ContainsKey(portId) ? FindTapOf(destination) ?? "up1" : null);
    }

    /// <summary>A guest opens or closes its side of the tap.</summary>
    internal void SetCarrier(string tapName, bool carrier)
    {
        lock (gate)
        {
            if (FindTap(tapName) is not { } port || port.Carrier == carrier) return;
            port.Carrier = carrier;
            var change = new DataPlaneEvent(
                port.Plan.PortId, tapName, carrier ? DataPlaneChange.CarrierUp : DataPlaneChange.CarrierDown);
            foreach (var watcher in watchers) watcher.Writer.TryWrite(change);
        }
    }

    private Port? FindTap(string tapName)
    {
        foreach (var port in ports.Values)
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
        Routed = port.Carrier && port.Plan.Routed
            ? [.. port.Plan.Addresses, .. port.Plan.Translations.Select(t => t.External).Distinct()]
            : [],
    };
}
