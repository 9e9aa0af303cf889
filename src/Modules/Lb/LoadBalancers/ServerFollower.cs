using System.Collections.Concurrent;
using Microsoft.EntityFrameworkCore;
using Monolith.Platform.Events;
using Monolith.Platform.Names;
using Monolith.Platform.Reconciling;
using Monolith.Platform.Storage;

namespace Monolith.Lb.LoadBalancers;

/// <summary>
/// Projects in which there is, or was, a load balancer: servers of others are of no concern here, and servers change a
/// thousand times a second. Too many cost a read; one too few would cost a change of a member, hence a project is noted
/// before its load balancer looks at its members, as each does after a start.
/// </summary>
internal sealed class BalancedProjects : IEventListener
{
    readonly ConcurrentDictionary<string, bool> projects = new(StringComparer.Ordinal);

    public void Note(string project) => projects[project] = true;

    public bool Has(string project) => projects.ContainsKey(project);

    /// <summary>Another replica made one.</summary>
    public void OnEvent(EventEnvelope e)
    {
        if (e.Is("lb.loadBalancer.")) Note(e.Project);
    }
}

/// <summary>A server changed: the load balancers that have it as a member look at it again.</summary>
internal sealed class ServerListener(BalancedProjects projects, Reconciler<ServerName> follower) : IEventListener
{
    public void OnEvent(EventEnvelope e)
    {
        if (e.Is("compute.server.") && projects.Has(e.Project)) follower.Wake(new(e.Resource));
    }
}

internal sealed class ServerFollower(Store<LbDb> store, Reconciler<LoadBalancerId> loadBalancers)
{
    public async Task<Outcome> FollowAsync(string server, CancellationToken cancel)
    {
        var sought = $"\n{server}\n";
        var project = ResourceName.ProjectOf(server);
        var found = await store.ReadAsync(db => db.LoadBalancers
            .Where(b => b.Project == project && b.Servers.Contains(sought)).Select(b => b.Uid).ToListAsync(cancel));
        foreach (var uid in found) loadBalancers.Wake(new(uid));
        return Outcome.Settled;
    }
}
