using System.Collections.Concurrent;
using Microsoft.EntityFrameworkCore;
using Monolith.Agent.V1;
using Monolith.Network.AddressPools;
using Monolith.Network.AddressSets;
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

    // Of sets that changed: read once, for all the nodes that are told of the change. Those wait without a thread.
    readonly ConcurrentDictionary<Guid, TaskCompletionSource<SetReading>> readings = new();
    readonly ConcurrentDictionary<Guid, (long Generation, SyncPortsResponse Message)> cache = new();

    public static string IdOf(Guid set) => SetPrefix + set;

    public static bool IsSet(string id) => id.StartsWith(SetPrefix, StringComparison.Ordinal);

    public static string SetOf(string id) => id[SetPrefix.Length..];

    /// <summary>Which nodes may hold which sets.</summary>
    public SetInterest Interest { get; } = new();

    /// <summary>The set, or who wants it, may have changed: what was read of it before is old.</summary>
    public void Forget(Guid set) => readings.TryRemove(set, out _);

    public Task<IReadOnlyList<DesiredItem<SyncPortsResponse>>> AllAsync(string node, CancellationToken cancel)
    {
        var name = "hypervisors/" + node;
        return store.ReadAsync(async db =>
        {
            var (items, sets) = await BuildAsync(db, node, await PortQueries.AllOnHypervisor(db, name));
            Interest.Drop(node, Interest.HeldBy(node).Except(sets));
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
            else Interest.Drop(node, [set]);
        }
        // Sets first: a rule names none that is not there.
        return [.. all, .. items];
    }

    public Task<NodeSummary> SummaryAsync(string node, CancellationToken cancel)
    {
        var name = "hypervisors/" + node;
        return store.ReadAsync(async db =>
        {
            var ports = await PortQueries.VersionsOnHypervisor(db, name);
            // Sets are wanted by ports only.
            var sets = ports.Count == 0 ? [] : await WantedByAsync(db, node, name);
            Interest.Drop(node, Interest.HeldBy(node).Except(sets.Select(s => s.Uid)));
            return new NodeSummary(
                [.. sets.Select(s => (IdOf(s.Uid), (ulong)s.Generation)),
                    .. ports.Select(p => (p.Uid.ToString(), (ulong)p.Generation))],
                SyncDigest.Of(ports.Where(p => p.ReportDigest.Length > 0)
                    .Select(p => (p.Uid.ToString(), p.ReportDigest))));
        });
    }

    /// <summary>Noted before generations are read: a change since then wakes.</summary>
    async Task<List<PortQueries.Set>> WantedByAsync(NetworkDb db, string node, string name)
    {
        Interest.Note(node, (await PortQueries.WantedBy(db, name)).Select(s => s.Uid));
        return await PortQueries.WantedBy(db, name);
    }

    Task<SetReading> ReadingAsync(Guid set)
    {
        var mine = new TaskCompletionSource<SetReading>(TaskCreationOptions.RunContinuationsAsynchronously);
        var reading = readings.GetOrAdd(set, mine);
        if (reading == mine) _ = FillAsync(set, mine);
        return reading.Task;
    }

    // A reading that failed is told to those who wait for it, and nobody else's.
    async Task FillAsync(Guid set, TaskCompletionSource<SetReading> reading)
    {
        try
        {
            reading.SetResult(await ReadAsync(set));
        }
        catch (Exception e)
        {
            readings.TryRemove(new(set, reading));
            reading.SetException(e);
        }
    }

    Task<SetReading> ReadAsync(Guid set) => store.ReadAsync(async db =>
    {
        var wanting = (await PortQueries.Wanting(db, set)).ToHashSet(StringComparer.Ordinal);
        if (await GroupQueries.ByUid(db, set) is { } group) return new SetReading(await SetAsync(db, group), wanting);
        return new SetReading(await AddressSetQueries.ByUid(db, set) is { } written ? Item(written) : null, wanting);
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
        Interest.Note(node, sets);
        // A group's rules name the group itself more often than not.
        var remotes = sets.SetEquals(groups.Keys) ? groups : await GroupsAsync(db, [.. sets]);

        var items = new List<DesiredItem<SyncPortsResponse>>(remotes.Count + ports.Count);
        foreach (var remote in remotes.Values.OrderBy(r => r.Uid)) items.Add(await SetAsync(db, remote));
        var written = sets.All(remotes.ContainsKey)
            ? []
            : await AddressSetQueries.Some(db, [.. sets.Where(s => !remotes.ContainsKey(s))]);
        items.AddRange(written.OrderBy(w => w.Uid).Select(Item));
        if (ports.Count == 0) return (items, sets);
        var names = ports.Select(p => p.Network).Distinct().ToList();
        var networks = (await NetworkQueries.Some(db, names)).ToDictionary(n => n.Name);
        var setOf = remotes.Values.ToDictionary(r => r.Name, r => r.Uid.ToString());
        foreach (var set in written) setOf[set.Name] = set.Uid.ToString();
        var inside = ports.Exists(p => p.FloatingAddresses.Length > 0 || p.NatPool.Length > 0)
            ? [.. (await PoolQueries.Inside(db)).SelectMany(Words.Load)]
            : (List<string>)[];
        List<Addresses.Cidr> aggregates = [.. (await PoolQueries.Aggregates(db)).SelectMany(Words.Load).Select(AddressPoolRules.ReadPrefix)];
        var groupsOf = members.ToLookup(m => m.PortUid, m => m.GroupUid);
        foreach (var port in ports.OrderBy(p => p.Uid))
        {
            var spec = specs.Of(port, networks[port.Network],
                groupsOf[port.Uid].Select(g => groups.GetValueOrDefault(g)).OfType<SecurityGroupRow>(),
                setOf.GetValueOrDefault, "hypervisors/" + node, inside, aggregates);
            items.Add(new(spec.Id, spec.Generation, new SyncPortsResponse { UpsertPort = spec }));
        }
        return (items, sets);
    }

    static async Task<Dictionary<Guid, SecurityGroupRow>> GroupsAsync(NetworkDb db, List<Guid> uids) =>
        uids.Count == 0 ? [] : (await GroupQueries.Some(db, uids)).ToDictionary(g => g.Uid);

    static DesiredItem<SyncPortsResponse> Item(AddressSetRow set) => new(IdOf(set.Uid), (ulong)set.SetGeneration,
        new SyncPortsResponse
        {
            UpsertSet = new AddressSet
            {
                Id = set.Uid.ToString(),
                Generation = (ulong)set.SetGeneration,
                Prefixes = new() { Cidrs = { Words.Load(set.Prefixes) } },
            },
        });

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
            foreach (var set in items.Interest.HeldBy(node))
            {
                items.Forget(set);
                Sync.Wake(node, PortItems.IdOf(set));
            }
    }

    void WakeHolders(Guid set)
    {
        items.Forget(set);
        foreach (var node in items.Interest.HoldersOf(set)) Sync.Wake(node, PortItems.IdOf(set));
    }
}
