using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Monolith.Identity.Contracts;
using Monolith.Network.AddressPools;
using Monolith.Network.Addresses;
using Monolith.Network.Addresses.Exchange;
using Monolith.Network.AddressSets;
using Monolith.Network.Contracts;
using Monolith.Network.Fabric;
using Monolith.Network.FabricBreaches;
using Monolith.Network.FloatingAddresses;
using Monolith.Network.Networks;
using Monolith.Network.Ports;
using Monolith.Network.Reachability;
using Monolith.Network.Reservations;
using Monolith.Network.SecurityGroups;
using Monolith.Platform.Calls;
using Monolith.Platform.Storage;

namespace Monolith.Network;

/// <summary>Addresses, networks, ports, and what may reach them.</summary>
public static class NetworkModule
{
    /// <summary>The domain in port specs comes from the Dns module's <c>INames</c>, where that is composed.</summary>
    public static IServiceCollection AddNetwork(this IServiceCollection services, NetworkOptions? options = null)
    {
        services.AddModuleStore<NetworkDb>("network", o => new SqliteNetworkDb(o), o => new PostgresNetworkDb(o));
        services.AddSingleton(options ?? new NetworkOptions());
        services.AddSingleton<IProjectContents>(s => new ProjectContents<NetworkDb>(s.GetRequiredService<Store<NetworkDb>>(), s)
            .Of("floatingAddresses", db => db.FloatingAddresses, (FloatingAddressService floating, string name, InnerCall call) =>
                floating.DeleteFloatingAddress(new() { Name = name }, call))
            .Of("ports", db => db.Ports, (PortService ports, string name, InnerCall call) =>
                ports.DeletePort(new() { Name = name }, call),
                new Kept<PortRow>("PORT_OWNED", "They go with what they belong to.", p => p.Owner != "", true))
            .Of("networks", db => db.Networks, (NetworkService networks, string name, InnerCall call) =>
                networks.DeleteNetwork(new() { Name = name }, call))
            .Of("securityGroups", db => db.SecurityGroups, (SecurityGroupService groups, string name, InnerCall call) =>
                groups.PurgeAsync(name, call))
            .Of("addressSets", db => db.AddressSets, (AddressSetService sets, string name, InnerCall call) =>
                sets.DeleteAddressSet(new() { Name = name }, call))
            .Of("reservations", db => db.Reservations, (ReservationService reservations, string name, InnerCall call) =>
                reservations.DeleteReservation(new() { Name = name }, call))
            .Of("addressPools", db => db.AddressPools, (AddressPoolService pools, string name, InnerCall call) =>
                pools.DeleteAddressPool(new() { Name = name }, call)));
        services.AddFacts(new FactTables<NetworkDb>()
            .Of("networks", db => db.Networks)
            .Of("ports", db => db.Ports)
            .Of("securityGroups", db => db.SecurityGroups)
            .Of("addressSets", db => db.AddressSets)
            .Of("floatingAddresses", db => db.FloatingAddresses));
        services.AddCounts(Quotas.Counts, Quotas.PartOf);
        services.AddSingleton<Quotas>();
        services.AddSingleton<PortSpecs>();
        services.AddSingleton<PortItems>();
        services.AddSingleton<PortNodes>();
        services.AddSingleton<PortReports>();
        services.AddSingleton<PortLooks>();
        services.AddSingleton<IStartUp, PortDefaults>();
        services.AddSingleton<AddressExchange>();
        services.AddHostedService<AddressKeeper>();
        services.AddSingleton<IPorts, OwnedPorts>();
        services.AddSingleton<IVirtualAddresses, VirtualAddresses>();
        services.AddSingleton<FabricNodes>();
        services.AddSingleton<IFabricNodes>(s => s.GetRequiredService<FabricNodes>());
        services.AddSingleton<IHostedService>(s => s.GetRequiredService<FabricNodes>());
        services.AddSingleton<BreachNodes>();
        services.AddSingleton<IHostedService>(s => s.GetRequiredService<BreachNodes>());
        return services;
    }

    public static void MapNetwork(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapGrpcService<AddressPoolService>();
        endpoints.MapGrpcService<AddressService>();
        endpoints.MapGrpcService<ReservationService>();
        endpoints.MapGrpcService<NetworkService>();
        endpoints.MapGrpcService<SecurityGroupService>();
        endpoints.MapGrpcService<AddressSetService>();
        endpoints.MapGrpcService<FloatingAddressService>();
        endpoints.MapGrpcService<PortService>();
        endpoints.MapGrpcService<PortSyncService>();
        endpoints.MapGrpcService<FabricPeerService>();
        endpoints.MapGrpcService<FabricBreachService>();
        endpoints.MapGrpcService<FabricService>();
        endpoints.MapGrpcService<ReachabilityService>();
    }
}
