using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Monolith.Identity.Contracts;
using Monolith.Lb.LoadBalancers;
using Monolith.Lb.Nodes;
using Monolith.Platform.Calls;
using Monolith.Platform.Events;
using Monolith.Platform.Quotas;
using Monolith.Platform.Reconciling;
using Monolith.Platform.Storage;

namespace Monolith.Lb;

/// <summary>Load balancers and the nodes that carry them.</summary>
public static class LbModule
{
    public static IServiceCollection AddLb(this IServiceCollection services)
    {
        services.AddModuleStore<LbDb>("lb", o => new SqliteLbDb(o), o => new PostgresLbDb(o));
        services.AddSingleton<IProjectContents>(s => new ProjectContents<LbDb>(s.GetRequiredService<Store<LbDb>>(), s)
            .Of("loadBalancers", db => db.LoadBalancers, (LoadBalancerService balancers, string name, InnerCall call) =>
                balancers.DeleteLoadBalancer(new() { Name = name }, call),
                new Kept<LoadBalancerRow>(ProjectContent.BeingDeleted,
                    "They are being deleted; their conditions say how far they are.", b => b.DeleteTime != null, true)));
        services.AddFacts(new FactTables<LbDb>().Of("loadBalancers", db => db.LoadBalancers));
        services.AddCounts(new Counts<LbDb>().Of(db => db.LoadBalancers, ("load_balancers", _ => 1)));
        services.AddSingleton<Presence>();
        services.AddSingleton<LoadBalancerItems>();
        services.AddSingleton<LoadBalancerStreams>();
        services.AddSingleton<LoadBalancerReconciler>();
        services.AddSingleton<ServerFollower>();
        services.AddSingleton<BalancedProjects>();
        services.AddSingleton<IEventListener>(s => s.GetRequiredService<BalancedProjects>());
        services.AddSingleton<IEventListener, ServerListener>();
        services.AddSingleton(Loop);
        services.AddSingleton(FollowLoop);
        services.AddSingleton<IHostedService>(s => s.GetRequiredService<Reconciler<LoadBalancerId>>());
        services.AddSingleton<IHostedService>(s => s.GetRequiredService<Reconciler<ServerName>>());
        services.AddSingleton<IHostedService>(s => s.GetRequiredService<Presence>());
        return services;
    }

    public static void MapLb(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapGrpcService<LoadBalancerService>();
        endpoints.MapGrpcService<LoadBalancerSyncService>();
        endpoints.MapGrpcService<NodeService>();
    }

    // The loops are made before what they drive, which wakes them.
    static Reconciler<LoadBalancerId> Loop(IServiceProvider services) => new("lb/loadBalancers",
        (id, cancel) => services.GetRequiredService<LoadBalancerReconciler>().ReconcileAsync(id.Value, cancel),
        cancel => services.GetRequiredService<LoadBalancerReconciler>().UnsettledAsync(cancel),
        services.GetRequiredService<TimeProvider>(), services.GetRequiredService<ILogger<LoadBalancerReconciler>>());

    static Reconciler<ServerName> FollowLoop(IServiceProvider services) => new("lb/servers",
        (name, cancel) => services.GetRequiredService<ServerFollower>().FollowAsync(name.Value, cancel),
        _ => Task.FromResult<IReadOnlyList<ServerName>>([]),
        services.GetRequiredService<TimeProvider>(), services.GetRequiredService<ILogger<ServerFollower>>(), workers: 2);
}
