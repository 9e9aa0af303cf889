using System.Collections.Concurrent;
using Microsoft.EntityFrameworkCore;
using Monolith.Agent.V1;
using Monolith.Network.Networks;
using Monolith.Network.SecurityGroups;
using Monolith.Platform.Nodes;
using Monolith.Platform.Storage;

namespace Monolith.Network.Ports;

/// <summary>
/// What a hypervisor should hold: the ports bound to it, and before them the address sets that their rules name. An
/// item is the message that carries it.
/// <para>
/// Rows are read generation first and content after it, so that what is sent can be newer than its generation says,
/// and never older: the wake that the newer one caused sends it again.
/// </para>
/// </summary>
internal sealed class PortItems(Store<NetworkDb> store, PortSpecs specs) : INodeItems<SyncPortsResponse>
{
    const string SetPrefix = "set:";
    const int MaxCached = 10_000;

    /// <summary>A set and the hypervisors that want it, read together.</summary>
    sealed record SetReading(DesiredItem<SyncPortsResponse>? Item, IReadOnlySet<string> Hypervisors);

    // Of sets that changed: read once, for all the nodes that are told of the change.
    readonly ConcurrentDictionary<Guid, Lazy<Task<SetReading>>> readings = new();

    // Which sets a node was told of, or is about to be. Too many cost a read; one too few would cost a lost change,
    // hence a set is noted before it is read.
    readonly ConcurrentDictionary<string, ConcurrentDictionary<Guid, bool>> interest = new(StringComparer.Ordinal);
    readonly ConcurrentDictionary<Guid, (long Generation, SyncPortsResponse Message)> cache = new();

    public static string IdOf(Guid set) => SetPrefix + set;

    public static bool IsSet(string id) => id.StartsWith(SetPrefix, StringComparison.Ordinal);

    public static string SetOf(string id) => id[SetPrefix.Length..];

    /// <summary>Whether the node may hold the set.</summary>
    public bool Holds(string node, Guid set) => interest.TryGetValue(node, out var sets) && sets.ContainsKey(set);

    public IEnumerable<Guid> HeldBy(string node) => interest.TryGetValue(node, out var sets) ? sets.Keys : [];

    /// <summary>The set, or who wants it, may have changed: what was read of it before is old.</summary>
    public void Forget(Guid set) => readings.TryRemove(set, out _);

    public Task<IReadOnlyList<DesiredItem<SyncPortsResponse>>> AllAsync(string node, CancellationToken cancel)
    {
        var name = "hypervisors/" + node;
        return store.ReadAsync(async db =>
        {
            var (items, sets) = await BuildAsync(db, node, await PortQueries.AllOnHypervisor(db, name));
            foreach (var stale in HeldBy(node).Except(sets)) interest[node].TryRemove(stale, out _);
            return items;
        });
    }

    public async Task<IReadOnlyList<DesiredItem<SyncPortsResponse>>> SomeAsync(string node,
        IReadOnlyCollection<string> ids, CancellationToken cancel)
    {
        var name = "hypervisors/" + node;
        var uids = ids.Where(id => !IsSet(id)).Select(Guid.Parse).ToList();
        var (items, sets) = uids.Count == 0
            ? ([], [])
            : await store.ReadAsync(async db => await BuildAsync(db, node,
                await PortQueries.SomeOnHypervisor(db, uids, name)));
        var all = new List<DesiredItem<SyncPortsResponse>>();
        foreach (var set in ids.Where(IsSet).Select(id => Guid.Parse(SetOf(id))).Where(s => !sets.Contains(s)))
        {
            var reading = await ReadingAsync(set);
            if (reading.Item is not null && reading.Hypervisors.Contains(name)) all.Add(reading.Item);
            else if (interest.TryGetValue(node, out var held)) held.TryRemove(set, out _);
        }
        // Sets first: a rule names none that is not there.
        return [.. all, .. items];
    }

    public async Task<NodeSummary> SummaryAsync(string node, CancellationToken cancel)
    {
        var name = "hypervisors/" + node;
        var held = interest.GetOrAdd(node, _ => new());
        // Noted before generations are read: a change since then wakes.
        foreach (var set in await store.ReadAsync(db => PortQueries.WantedBy(db, name))) held[set.Uid] = true;
        return await store.ReadAsync(async db =>
        {
            var sets = await PortQueries.WantedBy(db, name);
            var ports = await PortQueries.VersionsOnHypervisor(db, name);
            return new NodeSummary(
                [.. sets.Select(s => (IdOf(s.Uid), (ulong)s.Generation)),
                    .. ports.Select(p => (p.Uid.ToString(), (ulong)p.Generation))],
                SyncDigest.Of(ports.Where(p => p.ReportDigest.Length > 0)
                    .Select(p => (p.Uid.ToString(), p.ReportDigest))));
        });
    }

    // A reading that failed is nobody else's. It is not its first caller's to cancel.
    async Task<SetReading> ReadingAsync(Guid set)
    {
        var reading = readings.GetOrAdd(set, uid => new(() => ReadAsync(uid)));
        try
        {
            return await reading.Value;
        }
        catch
        {
            readings.TryRemove(new(set, reading));
            throw;
        }
    }

    Task<SetReading> ReadAsync(Guid set) => store.ReadAsync(async db =>
    {
        var wanting = await PortQueries.Wanting(db, set);
        var group = await GroupQueries.ByUid(db, set);
        return new SetReading(group is null ? null : await SetAsync(db, group), wanting.ToHashSet(StringComparer.Ordinal));
    });

    async Task<(IReadOnlyList<DesiredItem<SyncPortsResponse>> Items, HashSet<Guid> Sets)> BuildAsync(NetworkDb db,
        string node, List<PortRow> ports)
    {
        var uids = ports.Select(p => p.Uid).ToList();
        var members = uids.Count == 0
            ? []
            : await PortQueries.GroupsOf(db, uids);
        var groupUids = members.Select(m => m.GroupUid).Distinct().ToList();
        var groups = await GroupsAsync(db, groupUids);
        var sets = groupUids.Count == 0
            ? []
            : (await GroupQueries.Remotes(db, groupUids)).ToHashSet();
        var held = interest.GetOrAdd(node, _ => new());
        foreach (var set in sets) held[set] = true;
        // A group's rules name the group itself more often than not.
        var remotes = sets.SetEquals(groups.Keys) ? groups : await GroupsAsync(db, [.. sets]);

        var items = new List<DesiredItem<SyncPortsResponse>>(remotes.Count + ports.Count);
        foreach (var remote in remotes.Values.OrderBy(r => r.Uid)) items.Add(await SetAsync(db, remote));
        if (ports.Count == 0) return (items, sets);
        var names = ports.Select(p => p.Network).Distinct().ToList();
        var networks = (await NetworkQueries.Some(db, names)).ToDictionary(n => n.Name);
        var setOf = remotes.Values.ToDictionary(r => r.Name, r => r.Uid.ToString());
        var groupsOf = members.ToLookup(m => m.PortUid, m => m.GroupUid);
        foreach (var port in ports.OrderBy(p => p.Uid))
        {
            var spec = specs.Of(port, networks[port.Network],
                groupsOf[port.Uid].Select(g => groups.GetValueOrDefault(g)).OfType<SecurityGroupRow>(),
                setOf.GetValueOrDefault);
            items.Add(new(spec.Id, spec.Generation, new SyncPortsResponse { UpsertPort = spec }));
        }
        return (items, sets);
    }

    static async Task<Dictionary<Guid, SecurityGroupRow>> GroupsAsync(NetworkDb db, List<Guid> uids) =>
        uids.Count == 0 ? [] : (await GroupQueries.Some(db, uids)).ToDictionary(g => g.Uid);

    async Task<DesiredItem<SyncPortsResponse>> SetAsync(NetworkDb db, SecurityGroupRow group)
    {
        if (!cache.TryGetValue(group.Uid, out var cached) || cached.Generation != group.SetGeneration)
        {
            var addresses = await PortQueries.Members(db, group.Uid);
            cached = (group.SetGeneration, new SyncPortsResponse
            {
                UpsertSet = new AddressSet
                {
                    Id = group.Uid.ToString(),
                    Generation = (ulong)group.SetGeneration,
                    Addresses = { addresses.Select(a => Addresses.Ip.OfKey(a).ToString()) },
                },
            });
            if (cache.Count >= MaxCached) cache.Clear();
            cache[group.Uid] = cached;
        }
        return new(IdOf(group.Uid), (ulong)cached.Generation, cached.Message);
    }
}

/// <summary>The streams of hypervisors' ports, and whom a commit wakes.</summary>
internal sealed class PortNodes
{
    readonly PortItems items;
    readonly SetWakes sets;

    public PortNodes(PortItems items, TimeProvider time)
    {
        this.items = items;
        Sync = new(items, time);
        sets = new(time, WakeHolders);
    }

    public NodeSync<SyncPortsResponse> Sync { get; }

    /// <summary>After a commit. A wake that is lost with the process costs at most a full comparison's time.</summary>
    public void Wake(Wakes wakes)
    {
        foreach (var (node, id) in wakes.OfPorts) Sync.Wake(node, id);
        foreach (var set in wakes.OfSets) sets.Wake(set);
        foreach (var node in wakes.Tidy)
            foreach (var set in items.HeldBy(node))
            {
                items.Forget(set);
                Sync.Wake(node, PortItems.IdOf(set));
            }
    }

    void WakeHolders(Guid set)
    {
        items.Forget(set);
        foreach (var node in Sync.Connected)
            if (items.Holds(node, set)) Sync.Wake(node, PortItems.IdOf(set));
    }
}
