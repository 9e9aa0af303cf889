using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Monolith.Compute.AvailabilityZones;
using Monolith.Compute.Consoles;
using Monolith.Compute.Contracts;
using Monolith.Compute.Evacuations;
using Monolith.Compute.Flavors;
using Monolith.Compute.Hypervisors;
using Monolith.Compute.KeyPairs;
using Monolith.Compute.LiveMigration;
using Monolith.Compute.Logins;
using Monolith.Compute.Placement;
using Monolith.Compute.Prewarms;
using Monolith.Compute.ServerGroups;
using Monolith.Compute.Servers;
using Monolith.Compute.Servers.Ports;
using Monolith.Compute.Servers.Snapshots;
using Monolith.Compute.Vms;
using Monolith.Identity.Contracts;
using Monolith.Image.Contracts;
using Monolith.Platform.Calls;
using Monolith.Platform.Events;
using Monolith.Platform.Quotas;
using Monolith.Platform.Reconciling;
using Monolith.Platform.Storage;

namespace Monolith.Compute;

/// <summary>Servers and the machines that run them.</summary>
public static partial class ComputeModule
{
    /// <summary>A server counts until its row is gone, since its owner can see it until then; what a hypervisor that does
    /// not answer holds of it after that is the operators' to free.</summary>
    internal static Counts<ComputeDb> Counts { get; } = new Counts<ComputeDb>().Of(db => db.Servers,
        ("servers", _ => 1), ("vcpus", s => s.Vcpus), ("memory_mib", s => s.MemoryMib), ("disk_gib", s => s.DiskGib));

    /// <param name="fenceCommand">Turns a lost hypervisor off; empty: there is none.</param>
    public static IServiceCollection AddCompute(this IServiceCollection services, string fenceCommand = "")
    {
        services.AddModuleStore<ComputeDb>("compute", o => new SqliteComputeDb(o), o => new PostgresComputeDb(o));
        services.AddSingleton<IProjectContents>(s => new ProjectContents<ComputeDb>(s.GetRequiredService<Store<ComputeDb>>(), s)
            .Of("servers", db => db.Servers, (ServerService servers, string name, InnerCall call) =>
                    servers.DeleteServer(new() { Name = name, Force = true }, call),
                new(ProjectContent.BeingDeleted, "They are being deleted; their events say how far they are.", v => v.Deleting, true),
                new("SERVER_LOCKED", "They are locked. Empty their lock_reason.", v => v.LockReason != ""),
                new("DELETE_PROTECTED", "They are protected. Set their delete_protected to false.", v => v.DeleteProtected))
            .Of("keyPairs", db => db.KeyPairs, (KeyPairService pairs, string name, InnerCall call) =>
                pairs.DeleteKeyPair(new() { Name = name }, call))
            .Of("serverGroups", db => db.ServerGroups, (ServerGroupService groups, string name, InnerCall call) =>
                groups.DeleteServerGroup(new() { Name = name }, call)));
        services.AddFacts(new FactTables<ComputeDb>()
            .Of("servers", db => db.Servers)
            .Of("keyPairs", db => db.KeyPairs)
            .Of("serverGroups", db => db.ServerGroups));
        services.AddCounts(Counts);
        services.AddSingleton<Presence>();
        services.AddSingleton<VmItems>();
        services.AddSingleton<VmStreams>();
        services.AddSingleton(new ConsoleOptions());
        services.AddSingleton<ConsoleSessions>();
        services.AddSingleton<BlobSources>();
        services.AddSingleton<ServerAdmission>();
        services.AddSingleton<PlacementRules>();
        services.AddSingleton<Departures>();
        services.AddSingleton<FleetView>();
        services.AddSingleton<MigrationActs>();
        services.AddSingleton<ServerReconciler>();
        services.AddSingleton<VmReaper>();
        services.AddSingleton<Drainer>();
        services.AddSingleton<IFence>(new CommandFence(fenceCommand));
        services.AddSingleton<Evacuator>();
        services.AddSingleton<ServerDirectory>();
        services.AddSingleton<IServers>(s => s.GetRequiredService<ServerDirectory>());
        services.AddSingleton<IBlobUse>(s => s.GetRequiredService<ServerDirectory>());
        services.AddSingleton<IEventListener, PortListener>();
        services.AddSingleton<PortActs>();
        services.AddSingleton<PortRequests>();
        services.AddSnapshots();
        services.AddPrewarms();
        services.AddSingleton(ServerLoop);
        services.AddSingleton(ReaperLoop);
        services.AddSingleton(HypervisorLoop);
        services.AddSingleton<IHostedService>(s => s.GetRequiredService<Reconciler<ServerName>>());
        services.AddSingleton<IHostedService>(s => s.GetRequiredService<Reconciler<VmId>>());
        services.AddSingleton<IHostedService>(s => s.GetRequiredService<Reconciler<HypervisorName>>());
        services.AddHostedService<AbsenceWatch>();
        return services;
    }

    public static void MapCompute(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapGrpcService<FlavorService>();
        endpoints.MapGrpcService<AvailabilityZoneService>();
        endpoints.MapGrpcService<KeyPairService>();
        endpoints.MapGrpcService<ServerGroupService>();
        endpoints.MapGrpcService<HypervisorService>();
        endpoints.MapGrpcService<ImagePrewarmService>();
        endpoints.MapGrpcService<ServerService>();
        endpoints.MapGrpcService<VmSyncService>();
        endpoints.MapGrpcService<BlobService>();
        endpoints.MapGrpcService<ServerConsoleService>();
        endpoints.MapGrpcService<ConsoleService>();
        endpoints.MapGrpcService<BlobSourceService>();
        endpoints.MapGrpcService<SnapshotUploads>();
        endpoints.MapGrpcService<LoginService>();
        endpoints.MapGrpcService<HostKeyService>();
    }

    // The loops are made before what they drive, which wakes them.
    static Reconciler<ServerName> ServerLoop(IServiceProvider services) => new("compute/servers",
        (name, cancel) => services.GetRequiredService<ServerReconciler>().ReconcileAsync(name.Value, cancel),
        cancel => services.GetRequiredService<Store<ComputeDb>>().ReadAsync<IReadOnlyList<ServerName>>(async db =>
            (await ServerQueries.Unsettled(db, services.GetRequiredService<TimeProvider>().GetUtcNow().UtcDateTime))
            .ConvertAll(name => new ServerName(name))),
        services.GetRequiredService<TimeProvider>(), services.GetRequiredService<ILogger<ServerReconciler>>());

    static Reconciler<VmId> ReaperLoop(IServiceProvider services) => new("compute/vms",
        (vm, cancel) => services.GetRequiredService<VmReaper>().ReconcileAsync(vm.Value, cancel),
        cancel => services.GetRequiredService<VmReaper>().UnsettledAsync(cancel),
        services.GetRequiredService<TimeProvider>(), services.GetRequiredService<ILogger<VmReaper>>());

    // What is drained and done with is looked at again, too: a server may have come meanwhile.
    static Reconciler<HypervisorName> HypervisorLoop(IServiceProvider services) => new("compute/hypervisors",
        async (name, cancel) => await services.GetRequiredService<Evacuator>().ReconcileAsync(name.Value, cancel)
            ?? await services.GetRequiredService<Drainer>().ReconcileAsync(name.Value, cancel),
        cancel => services.GetRequiredService<Store<ComputeDb>>().ReadAsync<IReadOnlyList<HypervisorName>>(async db =>
            (await db.Hypervisors.Where(h => h.Draining || h.Evacuating).Select(h => h.Name).ToListAsync(cancel))
            .ConvertAll(name => new HypervisorName(name))),
        services.GetRequiredService<TimeProvider>(), services.GetRequiredService<ILogger<Drainer>>(), workers: 2);

    sealed partial class AbsenceWatch(Presence presence, ILogger<AbsenceWatch> log) : BackgroundService
    {
        protected override async Task ExecuteAsync(CancellationToken stop)
        {
            while (true)
            {
                try
                {
                    await presence.MarkAbsentAsync(stop);
                    return;
                }
                catch (Exception e) when (!stop.IsCancellationRequested)
                {
                    LogNotMarked(e);
                }
            }
        }

        [LoggerMessage(LogLevel.Warning, "Hypervisors that did not come back could not be marked as down; trying again")]
        partial void LogNotMarked(Exception e);
    }
}
