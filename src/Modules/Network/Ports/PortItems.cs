using System.Collections.Concurrent;
using Microsoft.EntityFrameworkCore;
using Monolith.Agent.V1;
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

    public Task<IReadOnlyList<DesiredItem<SyncPortsResponse>>> AllAsync(string node, CancellationToken cancel)
    {
        var name = "hypervisors/" + node;
        return store.ReadAsync(async db =>
        {
            var ports = await db.Ports.Where(p => p.Hypervisor == name).ToListAsync(cancel);
            var (items, sets) = await BuildAsync(db, node, ports, [], cancel);
            foreach (var stale in HeldBy(node).Except(sets)) interest[node].TryRemove(stale, out _);
            return items;
        });
    }

    public Task<IReadOnlyList<DesiredItem<SyncPortsResponse>>> SomeAsync(string node,
        IReadOnlyCollection<string> ids, CancellationToken cancel)
    {
        var name = "hypervisors/" + node;
        var uids = ids.Where(id => !IsSet(id)).Select(Guid.Parse).ToList();
        var asked = ids.Where(IsSet).Select(id => Guid.Parse(SetOf(id))).ToList();
        return store.ReadAsync(async db =>
        {
            var ports = uids.Count == 0
                ? []
                : await db.Ports.Where(p => uids.Contains(p.Uid) && p.Hypervisor == name).ToListAsync(cancel);
            var wanted = asked.Count == 0 ? [] : await WantedAsync(db, name, asked, cancel);
            var (items, sets) = await BuildAsync(db, node, ports, wanted, cancel);
            foreach (var stale in asked.Except(sets))
                if (interest.TryGetValue(node, out var held)) held.TryRemove(stale, out _);
            return items;
        });
    }

    public async Task<string> StatusDigestAsync(string node, CancellationToken cancel)
    {
        var name = "hypervisors/" + node;
        var known = await store.ReadAsync(db => db.Ports.Where(p => p.Hypervisor == name && p.ReportDigest != "")
            .Select(p => new { p.Uid, p.ReportDigest }).ToListAsync(cancel));
        return SyncDigest.Of(known.Select(p => (p.Uid.ToString(), p.ReportDigest)));
    }

    /// <summary>Of the asked sets, those that a rule of one of the hypervisor's ports names.</summary>
    static Task<List<Guid>> WantedAsync(NetworkDb db, string hypervisor, List<Guid> asked, CancellationToken cancel) =>
        db.Ports.Where(p => p.Hypervisor == hypervisor)
            .Join(db.PortGroups, p => p.Uid, g => g.PortUid, (_, g) => g.GroupUid)
            .Join(db.GroupRemotes, g => g, r => r.GroupUid, (_, r) => r.RemoteUid)
            .Where(r => asked.Contains(r)).Distinct().ToListAsync(cancel);

    async Task<(IReadOnlyList<DesiredItem<SyncPortsResponse>> Items, HashSet<Guid> Sets)> BuildAsync(NetworkDb db,
        string node, List<PortRow> ports, List<Guid> more, CancellationToken cancel)
    {
        var uids = ports.Select(p => p.Uid).ToList();
        var members = uids.Count == 0
            ? []
            : await db.PortGroups.Where(g => uids.Contains(g.PortUid)).ToListAsync(cancel);
        var groupUids = members.Select(m => m.GroupUid).Distinct().ToList();
        var groups = await GroupsAsync(db, groupUids, cancel);
        var sets = groupUids.Count == 0
            ? []
            : (await db.GroupRemotes.Where(r => groupUids.Contains(r.GroupUid)).Select(r => r.RemoteUid)
                .ToListAsync(cancel)).ToHashSet();
        sets.UnionWith(more);
        var held = interest.GetOrAdd(node, _ => new());
        foreach (var set in sets) held[set] = true;
        var remotes = await GroupsAsync(db, [.. sets], cancel);

        var items = new List<DesiredItem<SyncPortsResponse>>(remotes.Count + ports.Count);
        foreach (var remote in remotes.Values.OrderBy(r => r.Uid)) items.Add(await SetAsync(db, remote, cancel));
        if (ports.Count == 0) return (items, sets);
        var names = ports.Select(p => p.Network).Distinct().ToList();
        var networks = await db.Networks.Where(n => names.Contains(n.Name)).ToDictionaryAsync(n => n.Name, cancel);
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

    static async Task<Dictionary<Guid, SecurityGroupRow>> GroupsAsync(NetworkDb db, List<Guid> uids,
        CancellationToken cancel) => uids.Count == 0
        ? []
        : await db.SecurityGroups.Where(g => uids.Contains(g.Uid)).ToDictionaryAsync(g => g.Uid, cancel);

    async Task<DesiredItem<SyncPortsResponse>> SetAsync(NetworkDb db, SecurityGroupRow group, CancellationToken cancel)
    {
        if (!cache.TryGetValue(group.Uid, out var cached) || cached.Generation != group.SetGeneration)
        {
            var addresses = await db.PortGroups.Where(g => g.GroupUid == group.Uid)
                .Join(db.Addresses, g => g.PortUid, a => a.HolderUid, (_, a) => a.Address)
                .OrderBy(a => a).ToListAsync(cancel);
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
            foreach (var set in items.HeldBy(node)) Sync.Wake(node, PortItems.IdOf(set));
    }

    void WakeHolders(Guid set)
    {
        foreach (var node in Sync.Connected)
            if (items.Holds(node, set)) Sync.Wake(node, PortItems.IdOf(set));
    }
}
