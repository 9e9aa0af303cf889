using System.Collections.Concurrent;
using System.Threading.Channels;
using Monolith.Compute.Contracts;
using Monolith.Dns.Contracts;
using Monolith.Identity.Contracts;
using Monolith.Network.Contracts;
using Monolith.Platform.Faults;
using Monolith.Platform.Quotas;

namespace Monolith.Modules.Tests.Lb;

/// <summary>The modules that load balancers lean on, as small as their contracts.</summary>
internal sealed class Neighbours : IVirtualAddresses, INames, IServers, INodes, IFabricNodes
{
    public ConcurrentDictionary<Guid, string> Addresses { get; } = new();
    public ConcurrentDictionary<Guid, string> Names { get; } = new();
    public ConcurrentDictionary<string, string> Servers { get; } = new();
    /// <summary>Owners of addresses, as they are given back.</summary>
    public Channel<Guid> Released { get; } = Channel.CreateUnbounded<Guid>();
    public ConcurrentQueue<string> Forgotten { get; } = new();
    public bool Exhausted { get; set; }

    Task IFabricNodes.ForgetAsync(string node, CancellationToken cancel) => Task.CompletedTask;

    /// <summary>Why no name can be had; null: it can.</summary>
    public string? Obstacle { get; set; }

    public Task<IReadOnlyList<ExceededQuota>> ExceededAsync(string project, CancellationToken cancel) =>
        Task.FromResult<IReadOnlyList<ExceededQuota>>([]);

    public Task<string> ClaimAsync(string project, string owner, Guid ownerUid, string pool, CancellationToken cancel) =>
        Exhausted
            ? throw Fault.Exhausted("POOL_EXHAUSTED", "The pool has no free address.")
            : Task.FromResult(Addresses.GetOrAdd(ownerUid, _ => $"10.96.0.{Addresses.Count + 1}"));

    public Task ReleaseAsync(Guid ownerUid, CancellationToken cancel)
    {
        if (Addresses.TryRemove(ownerUid, out _)) Released.Writer.TryWrite(ownerUid);
        return Task.CompletedTask;
    }

    public Task ForgetAsync(string node, CancellationToken cancel)
    {
        Forgotten.Enqueue(node);
        return Task.CompletedTask;
    }

    public string NameFor(string project, string id) => $"{id}.{project}.cloud.internal";

    public Task SetAsync(string owner, Guid ownerUid, string name, IReadOnlyList<string> addresses, CancellationToken cancel)
    {
        Names[ownerUid] = name + " " + string.Join(',', addresses);
        return Task.CompletedTask;
    }

    public Task<string?> FindObstacleAsync(string owner, string name, CancellationToken cancel) =>
        Task.FromResult(Obstacle);

    public Task RemoveAsync(Guid ownerUid, CancellationToken cancel)
    {
        Names.TryRemove(ownerUid, out _);
        return Task.CompletedTask;
    }

    public Task<ServerFacts?> FindAsync(string name, CancellationToken cancel) => Task.FromResult(
        Servers.TryGetValue(name, out var address)
            ? new ServerFacts(Guid.Empty, name, address.Length > 0 ? [address] : [], true)
            : null);
}
