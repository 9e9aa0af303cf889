using System.Net;

namespace Monolith.Network.FabricBreaches;

/// <summary>An address that a hypervisor says is its own, while others say the same.</summary>
internal readonly record struct SharedAddress(string Node, string Address);

/// <summary>Which hypervisors say of which addresses that they are theirs. For many threads.</summary>
internal sealed class AddressClaims
{
    /// <summary>Two reports of a server that moved do not come at once.</summary>
    public static readonly TimeSpan Settling = TimeSpan.FromSeconds(3);

    readonly Lock gate = new();
    readonly Dictionary<string, HashSet<IPAddress>> byNode = new(StringComparer.Ordinal);
    readonly Dictionary<IPAddress, List<string>> byAddress = [];
    // Those with two nodes or more, and since when.
    readonly Dictionary<IPAddress, DateTimeOffset> shared = [];

    /// <summary>All that a node claims.</summary>
    public void Take(string node, IEnumerable<IPAddress> addresses, DateTimeOffset now)
    {
        lock (gate)
        {
            var before = byNode.GetValueOrDefault(node) ?? [];
            var after = addresses.ToHashSet();
            foreach (var gone in before.Except(after)) Release(node, gone);
            foreach (var come in after.Except(before)) Claim(node, come, now);
            if (after.Count > 0) byNode[node] = after;
            else byNode.Remove(node);
        }
    }

    /// <summary>Addresses that several of the nodes that count have claimed for a while, each with all of them.</summary>
    public IReadOnlyDictionary<SharedAddress, string> Shared(DateTimeOffset now, Func<string, bool> counts)
    {
        lock (gate)
        {
            if (shared.Count == 0) return System.Collections.ObjectModel.ReadOnlyDictionary<SharedAddress, string>.Empty;
            return shared.Where(s => s.Value <= now - Settling)
                .Select(s => (Address: s.Key, Nodes: byAddress[s.Key].Where(counts).Order(StringComparer.Ordinal).ToList()))
                .Where(s => s.Nodes.Count > 1)
                .SelectMany(s => s.Nodes.Select(n => (Key: new SharedAddress(n, s.Address.ToString()), Nodes: string.Join(", ", s.Nodes))))
                .ToDictionary(s => s.Key, s => s.Nodes);
        }
    }

    void Claim(string node, IPAddress address, DateTimeOffset now)
    {
        if (!byAddress.TryGetValue(address, out var nodes)) byAddress[address] = nodes = [];
        nodes.Add(node);
        if (nodes.Count == 2) shared[address] = now;
    }

    void Release(string node, IPAddress address)
    {
        var nodes = byAddress[address];
        nodes.Remove(node);
        if (nodes.Count < 2) shared.Remove(address);
        if (nodes.Count == 0) byAddress.Remove(address);
    }
}
