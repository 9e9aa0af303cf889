using Microsoft.EntityFrameworkCore;
using Monolith.Platform.Events;
using Monolith.Platform.Reconciling;
using Monolith.Platform.Storage;

namespace Monolith.Lb.LoadBalancers;

/// <summary>A server changed: the load balancers that have it as a member look at it again.</summary>
internal sealed class ServerListener(Reconciler<ServerName> follower) : IEventListener
{
    public void OnEvent(EventEnvelope e)
    {
        if (e.Is("compute.server.")) follower.Wake(new(e.Resource));
    }
}

internal sealed class ServerFollower(Store<LbDb> store, Reconciler<LoadBalancerId> loadBalancers)
{
    public async Task<Outcome> FollowAsync(string server, CancellationToken cancel)
    {
        var sought = $"\n{server}\n";
        var project = Platform.Names.ResourceName.ProjectOf(server);
        var found = await store.ReadAsync(db => db.LoadBalancers
            .Where(b => b.Project == project && b.Servers.Contains(sought)).Select(b => b.Uid).ToListAsync(cancel));
        foreach (var uid in found) loadBalancers.Wake(new(uid));
        return Outcome.Settled;
    }
}
