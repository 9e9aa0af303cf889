using System.Collections.Immutable;
using System.Net;
using Monolith.Agent.Native.Raw;
using Monolith.Agent.Native.Safe;
using Monolith.Agent.Network.Filter;
using Monolith.Agent.Network.Invariants;
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

    private readonly DataPlaneOptions options;
    private readonly NetlinkSocket netlink = new();
    private readonly NetlinkSocket strict = new(strict: true);
    private readonly NetlinkSocket netfilter = new(ConntrackConstants.NETLINK_NETFILTER);
    private readonly NftablesContext nftables = new();
    private readonly LinkTable links;
    private readonly AddressTable addresses;
    private readonly RouteTable routes;
    private readonly AggregateTable aggregates;
    private readonly TapDevices taps;
    private readonly FilterTable filters;
    private readonly Connections connections;
    private readonly LinkFacts linkFacts;
    private readonly RouteFacts routeFacts;
    private HashSet<int> linksSeen = [];
    // In the order in which they were given: of an address that moves from one port here to another, the later has it.
    private readonly OrderedDictionary<string, PortPlan> plans = [];
    private readonly Dictionary<string, AddressSetPlan> sets = [];
    private readonly HashSet<string> removedSets = [];
    private readonly Dictionary<string, string> problems = [];
    // What connections may be translated by; null: a process before this one may have died between rules and connections.
    private IImmutableSet<(string External, string Internal)>? translated;

    public HostNetwork(DataPlaneOptions options)
    {
        this.options = options;
        links = new LinkTable(netlink);
        addresses = new AddressTable(netlink);
        routes = new RouteTable(netlink, strict);
        aggregates = new AggregateTable(netlink, strict);
        taps = new TapDevices(links, addresses, new NeighbourTable(netlink));
        filters = new FilterTable(options, nftables);
        connections = new Connections(netfilter);
        linkFacts = new LinkFacts(netlink);
        routeFacts = new RouteFacts(netlink);
    }

    public IReadOnlyCollection<PortPlan> Plans => plans.Values;

    public void Prepare()
    {
        foreach (var (path, value) in Settings.Machine)
            Sysctl.Set(path, value);
        if (links.Find(Loopback) is { } lo)
        {
            if (!lo.Up)
                links.SetUp(lo.Name, lo.Index);
            addresses.Add(lo.Index, Gateway.Metadata, 32, linkScope: true, lo.Name);
        }

        RescanFilters();
    }

    public void EnsureSets(IReadOnlyCollection<AddressSetPlan> sets)
    {
        foreach (var set in sets)
            PlanRules.Check(set);
        foreach (var set in sets)
        {
            this.sets[set.SetId] = set;
            removedSets.Remove(set.SetId);
        }

        ApplyFilters();
    }

    public void RemoveSets(IReadOnlyCollection<string> setIds)
    {
        foreach (var id in setIds.Where(PlanRules.IsId))
        {
            sets.Remove(id);
            removedSets.Add(id);
        }

        ApplyFilters();
    }

    /// <summary>Makes a port right and returns its tap.</summary>
    public Link EnsurePort(PortPlan plan)
    {
        PlanRules.Check(plan, options);
        CheckOwners(plan);
        if (plans.TryGetValue(plan.PortId, out var before) && before.TapName != plan.TapName)
            RemovePort(plan.PortId);
        plans.Remove(plan.PortId);
        plans.Add(plan.PortId, plan);
        return Attempt(plan, () =>
        {
            ApplyFilters();
            var link = taps.Ensure(plan);
            SyncRoutes();
            return link;
        });
    }

    /// <summary>Removes a port by its plan and by the id that its tap carries.</summary>
    public void RemovePort(string portId)
    {
        var planned = plans.Remove(portId, out var plan) ? plan.TapName : null;
        problems.Remove(portId);
        foreach (var link in Taps().Where(l => l.Alias == portId || l.Name == planned))
            RemoveTap(link);
        ApplyFilters();
    }

    public void RemoveTap(string tapName)
    {
        if (plans.Values.FirstOrDefault(p => p.TapName == tapName) is { } plan)
            plans.Remove(plan.PortId);
        foreach (var link in Taps().Where(l => l.Name == tapName))
            RemoveTap(link);
        ApplyFilters();
    }

    /// <summary>
    /// Makes the routes agree with carriers, and tells the taps. Cheap: it runs at each notification.
    /// </summary>
    public IReadOnlyList<Link> SyncRoutes()
    {
        var taps = Taps();
        var plans = Effective();
        var addresses = plans.ToDictionary(
            p => p.TapName, p => (IReadOnlyList<IPAddress>)(p.Routed ? [.. p.Routable] : []));
        var shared = plans.Where(p => p.Routed).ToDictionary(p => p.TapName, p => Externals(p, inbound: false));
        var prefixes = plans.ToDictionary(p => p.TapName, p => p.Routed ? p.Aggregates : []);
        var (add, remove) = RoutePlan.Delta(taps, addresses, routes.List(), [.. prefixes.Values.SelectMany(p => p).Distinct()], shared);
        foreach (var route in remove)
            routes.Remove(route);
        foreach (var route in add)
            routes.Add(route);
        SyncAggregates(taps, prefixes);
        return taps;
    }

    private void SyncAggregates(IReadOnlyCollection<Link> taps, IReadOnlyDictionary<string, IReadOnlyList<IPNetwork>> prefixes)
    {
        var (add, remove) = RoutePlan.Delta(taps, prefixes, aggregates.List());
        foreach (var prefix in remove)
            aggregates.Remove(prefix);
        foreach (var prefix in add)
            aggregates.Add(prefix);
    }

    private static IReadOnlyList<IPAddress> Externals(PortPlan plan, bool inbound) =>
        [.. plan.Translations.Where(t => t.Inbound == inbound).Select(t => t.External)];

    /// <summary>The plans, each without an address of its own outside that a later one has.</summary>
    private List<PortPlan> Effective()
    {
        var owners = new Dictionary<IPAddress, string>();
        foreach (var plan in plans.Values)
        {
            foreach (var external in Externals(plan, inbound: true))
                owners[external] = plan.PortId;
        }

        return owners.Count == 0
            ? [.. plans.Values]
            : [.. plans.Values.Select(p => p with
            {
                Translations = [.. p.Translations.Where(t => !t.Inbound || owners[t.External] == p.PortId)],
            })];
    }

    /// <summary>Reads the filters again and puts them right.</summary>
    public void RescanFilters()
    {
        filters.Forget();
        ApplyFilters();
    }

    /// <param name="answered">When each port's guest last asked something of the agent.</param>
    public IReadOnlyList<PortObservation> Observe(IReadOnlyDictionary<string, DateTimeOffset> answered)
    {
        this.filters.Forget();
        var filters = this.filters.Actual;
        var routes = this.routes.List().ToLookup(r => r.Index, r => r.Address);
        var taps = Taps().ToDictionary(t => t.Name);
        var planned = Effective().Select(p => Of(p.PortId, p.TapName, p)).ToList();
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
                Routed = tap is null ? [] : [.. routes[tap.Index], .. Shared(plan)],
                Filtered = filters.Ports.TryGetValue(tapName, out var actual)
                    && (plan is null || (actual == FilterPlan.Port(plan, out _, out _) && filters.Nat.Has(plan))),
                Answered = answered.TryGetValue(portId, out var at) ? at : null,
                Problem = problems.GetValueOrDefault(portId, ""),
            };
        }

        IEnumerable<IPAddress> Shared(PortPlan? plan) =>
            plan is null ? [] : Externals(plan, inbound: false).Intersect(routes[HostRoute.Nowhere]);
    }

    /// <summary>By which interface a packet of the port's guest to an address would leave; null: by none.</summary>
    public string? WayTo(string portId, IPAddress destination)
    {
        if (!plans.TryGetValue(portId, out var plan) || Taps().Find(t => t.Name == plan.TapName) is not { } tap)
            return null;
        var source = plan.Addresses.FirstOrDefault(a => a.AddressFamily == destination.AddressFamily);
        return source is not null && routes.WayTo(destination, source, tap.Index) is { } index
            ? links.List().FirstOrDefault(l => l.Index == index)?.Name
            : null;
    }

    /// <summary>What there is, for judgement.</summary>
    public MachineFacts Look()
    {
        var links = linkFacts.List();
        var indexes = links.Select(l => l.Link.Index).ToHashSet();
        var linksChanged = !indexes.SetEquals(linksSeen);
        linksSeen = indexes;
        return new MachineFacts
        {
            Options = options,
            Links = links,
            Routes = routeFacts.List(linksChanged),
            Plans = Effective(),
            Filtered = filters.Taps.ToHashSet(),
            Differences = filters.TakeDifferences(),
            Settings = [.. Settings.Machine.Select(s => (Wanted: s, Actual: Sysctl.Get(s.Path))).Where(s => s.Actual != s.Wanted.Value)],
        };
    }

    /// <summary>Undoes what others did to what is the agent's.</summary>
    /// <returns>What could not be undone.</returns>
    public IReadOnlyList<IOException> Mend(MachineFacts facts)
    {
        var failures = new List<IOException>();
        if (facts.Differences.Count > 0)
            Try(filters.Rebuild);
        foreach (var tap in facts.Taps.Where(t => t.Master != 0))
            Try(() => links.SetFree(tap.Link.Name, tap.Link.Index));
        foreach (var (route, tap) in Owners.Foreign(facts))
            Try(() => routes.Remove(route, tap.Index));
        var settings = facts.Settings.Select(s => s.Wanted).Concat(
            facts.Taps.SelectMany(t => SpoofPaths.Altered(t).Select(s => Settings.Of(s, t.Link.Name))));
        foreach (var (path, value) in settings)
            Try(() => Sysctl.Set(path, value));
        return failures;

        void Try(Action work)
        {
            try
            {
                work();
            }
            catch (IOException e)
            {
                failures.Add(e);
            }
        }
    }

    public void Dispose()
    {
        filters.Dispose();
        routeFacts.Dispose();
        nftables.Dispose();
        netfilter.Dispose();
        strict.Dispose();
        netlink.Dispose();
    }

    private List<Link> Taps() =>
        [.. links.List().Where(l => l.Kind == "tun" && l.Name.StartsWith(options.TapPrefix, StringComparison.Ordinal))];

    private void RemoveTap(Link link)
    {
        // The kernel forgets routes with the link but tells nobody, and the fabric would keep them until BIRD's next
        // scan.
        foreach (var route in routes.List().Where(r => r.Index == link.Index))
            routes.Remove(route);
        links.Delete(link);
    }

    private void ApplyFilters()
    {
        var live = Taps().Select(t => t.Name).ToHashSet();
        var plans = Effective();
        var state = filters.Apply(actual => FilterPlan.Target(actual, plans, sets, removedSets, live));
        removedSets.RemoveWhere(id => !RuleText.SetNames(id).Any(state.Sets.ContainsKey));
        var pairs = state.Nat.Pairs;
        if (translated is null || !pairs.IsSupersetOf(translated))
            connections.ForgetAllBut(pairs);
        translated = pairs;
    }

    /// <summary>An address or a tap has one port here; the other one must go first.</summary>
    private void CheckOwners(PortPlan plan)
    {
        var violations = new List<string>();
        foreach (var other in plans.Values.Where(p => p.PortId != plan.PortId))
        {
            violations.AddRange(
                plan.Addresses.Intersect(other.Addresses).Select(a => $"{a} belongs to port {other.PortId}"));
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
            problems.Remove(plan.PortId);
            return result;
        }
        catch (IOException e)
        {
            problems[plan.PortId] = e.Message;
            throw;
        }
    }
}
