using Monolith.Agent.Native.Safe;
using Monolith.Agent.Network.Filter;
using Monolith.Agent.Network.Tap;

namespace Monolith.Agent.Network;

/// <summary>
/// What the data plane does to the kernel, step by step. Every member runs on the namespace's thread, hence no locks.
/// <code>
/// ensure:  filters ─► tap, addresses, sysctls ─► routes (with carrier)
/// remove:  routes ─► tap ─► filters
/// </code>
/// </summary>
internal sealed class HostNetwork : IDisposable
{
    private const string Loopback = "lo";

    private readonly DataPlaneOptions _options;
    private readonly NetlinkSocket _netlink = new();
    private readonly NftablesContext _nftables = new();
    private readonly LinkTable _links;
    private readonly AddressTable _addresses;
    private readonly RouteTable _routes;
    private readonly TapDevices _taps;
    private readonly FilterTable _filters;
    private readonly Dictionary<string, PortPlan> _plans = [];
    private readonly Dictionary<string, AddressSetPlan> _sets = [];
    private readonly HashSet<string> _removedSets = [];
    private readonly Dictionary<string, string> _problems = [];

    public HostNetwork(DataPlaneOptions options)
    {
        _options = options;
        _links = new LinkTable(_netlink);
        _addresses = new AddressTable(_netlink);
        _routes = new RouteTable(_netlink);
        _taps = new TapDevices(_links, _addresses);
        _filters = new FilterTable(options, _nftables);
    }

    public IReadOnlyCollection<PortPlan> Plans => _plans.Values;

    public void Prepare()
    {
        Sysctl.Set("net/ipv4/ip_forward", "1");
        Sysctl.Set("net/ipv6/conf/all/forwarding", "1");
        // The strictest of "all" and the interface counts, so a tap's own setting is not enough.
        Sysctl.Set("net/ipv4/conf/all/rp_filter", "0");
        if (_links.Find(Loopback) is { } lo)
        {
            if (!lo.Up)
                _links.SetUp(lo.Name, lo.Index);
            _addresses.Add(lo.Index, Gateway.Metadata, 32, linkScope: true, lo.Name);
        }

        RescanFilters();
    }

    public void EnsureSets(IReadOnlyCollection<AddressSetPlan> sets)
    {
        foreach (var set in sets)
            PlanRules.Check(set);
        foreach (var set in sets)
        {
            _sets[set.SetId] = set;
            _removedSets.Remove(set.SetId);
        }

        ApplyFilters();
    }

    public void RemoveSets(IReadOnlyCollection<string> setIds)
    {
        foreach (var id in setIds.Where(PlanRules.IsId))
        {
            _sets.Remove(id);
            _removedSets.Add(id);
        }

        ApplyFilters();
    }

    /// <summary>Makes a port right and returns its tap.</summary>
    public Link EnsurePort(PortPlan plan)
    {
        PlanRules.Check(plan, _options);
        CheckOwners(plan);
        if (_plans.TryGetValue(plan.PortId, out var before) && before.TapName != plan.TapName)
            RemovePort(plan.PortId);
        _plans[plan.PortId] = plan;
        return Attempt(plan, () =>
        {
            ApplyFilters();
            var link = _taps.Ensure(plan);
            SyncRoutes();
            return link;
        });
    }

    /// <summary>Removes a port by its plan and by the id that its tap carries.</summary>
    public void RemovePort(string portId)
    {
        var planned = _plans.Remove(portId, out var plan) ? plan.TapName : null;
        _problems.Remove(portId);
        foreach (var link in Taps().Where(l => l.Alias == portId || l.Name == planned))
            RemoveTap(link);
        ApplyFilters();
    }

    public void RemoveTap(string tapName)
    {
        if (_plans.Values.FirstOrDefault(p => p.TapName == tapName) is { } plan)
            _plans.Remove(plan.PortId);
        foreach (var link in Taps().Where(l => l.Name == tapName))
            RemoveTap(link);
        ApplyFilters();
    }

    /// <summary>Makes the routes agree with carriers, and tells the taps. Cheap: it runs at each notification.</summary>
    public IReadOnlyList<Link> SyncRoutes()
    {
        var taps = Taps();
        var addresses = _plans.Values.ToDictionary(p => p.TapName, p => p.Addresses);
        var (add, remove) = RoutePlan.Delta(taps, addresses, _routes.List());
        foreach (var route in remove)
            _routes.Remove(route);
        foreach (var route in add)
            _routes.Add(route);
        return taps;
    }

    /// <summary>Reads the filters again and puts them right.</summary>
    public void RescanFilters()
    {
        _filters.Forget();
        ApplyFilters();
    }

    /// <param name="answered">When each port's guest last asked something of the agent.</param>
    public IReadOnlyList<PortObservation> Observe(IReadOnlyDictionary<string, DateTimeOffset> answered)
    {
        _filters.Forget();
        var filters = _filters.Actual;
        var routes = _routes.List().ToLookup(r => r.Index, r => r.Address);
        var taps = Taps().ToDictionary(t => t.Name);
        var planned = _plans.Values.Select(p => Of(p.PortId, p.TapName, p)).ToList();
        var names = planned.Select(p => p.TapName).ToHashSet();
        return [.. planned, .. taps.Values.Where(t => !names.Contains(t.Name)).Select(t => Of(t.Alias, t.Name, null))];

        PortObservation Of(string portId, string tapName, PortPlan? plan)
        {
            var tap = taps.GetValueOrDefault(tapName);
            return new PortObservation
            {
                PortId = portId,
                TapName = tapName,
                Planned = plan is not null,
                Exists = tap is not null,
                Carrier = tap is { Carrier: true },
                Routed = tap is null ? [] : [.. routes[tap.Index]],
                Filtered = filters.Ports.TryGetValue(tapName, out var actual)
                    && (plan is null || actual == FilterPlan.Port(plan, out _, out _)),
                Answered = answered.TryGetValue(portId, out var at) ? at : null,
                Problem = _problems.GetValueOrDefault(portId, ""),
            };
        }
    }

    public void Dispose()
    {
        _nftables.Dispose();
        _netlink.Dispose();
    }

    private List<Link> Taps() =>
        [.. _links.List().Where(l => l.Kind == "tun" && l.Name.StartsWith(_options.TapPrefix, StringComparison.Ordinal))];

    private void RemoveTap(Link link)
    {
        // The kernel forgets routes with the link but tells nobody, and the fabric would keep them until BIRD's next scan.
        foreach (var route in _routes.List().Where(r => r.Index == link.Index))
            _routes.Remove(route);
        _links.Delete(link);
    }

    private void ApplyFilters()
    {
        var live = Taps().Select(t => t.Name).ToHashSet();
        var state = _filters.Apply(actual => FilterPlan.Target(actual, _plans.Values, _sets, _removedSets, live));
        _removedSets.RemoveWhere(id => !state.Sets.ContainsKey("s4_" + id) && !state.Sets.ContainsKey("s6_" + id));
    }

    /// <summary>An address or a tap has one port here; the other one must go first.</summary>
    private void CheckOwners(PortPlan plan)
    {
        var violations = new List<string>();
        foreach (var other in _plans.Values.Where(p => p.PortId != plan.PortId))
        {
            violations.AddRange(plan.Addresses.Intersect(other.Addresses).Select(a => $"{a} belongs to port {other.PortId}"));
            if (other.TapName == plan.TapName)
                violations.Add($"tap {plan.TapName} belongs to port {other.PortId}");
        }

        if (violations.Count > 0)
            throw new InvalidPlanException($"port '{plan.PortId}'", violations);
    }

    private T Attempt<T>(PortPlan plan, Func<T> work)
    {
        try
        {
            var result = work();
            _problems.Remove(plan.PortId);
            return result;
        }
        catch (IOException e)
        {
            _problems[plan.PortId] = e.Message;
            throw;
        }
    }
}
