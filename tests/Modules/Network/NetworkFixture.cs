using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Monolith.Modules.Tests.Calls;
using Monolith.Network;
using Monolith.Network.Contracts;
using Monolith.Network.Ports;
using Monolith.Network.V1;
using Monolith.Platform.Calls;
using Monolith.Platform.Storage;

using AddressKeeper = Monolith.Network.Addresses.AddressKeeper;
using AddressService = Monolith.Network.Addresses.AddressService;
using AddressSetService = Monolith.Network.AddressSets.AddressSetService;
using FloatingAddressService = Monolith.Network.FloatingAddresses.FloatingAddressService;
using AddressPoolService = Monolith.Network.AddressPools.AddressPoolService;
using NetworkService = Monolith.Network.Networks.NetworkService;
using PortService = Monolith.Network.Ports.PortService;
using ReservationService = Monolith.Network.Reservations.ReservationService;
using SecurityGroupService = Monolith.Network.SecurityGroups.SecurityGroupService;
using V1Network = Monolith.Network.V1.Network;

namespace Monolith.Modules.Tests.Network;

/// <summary>The whole module on one database, started as in a host.</summary>
internal sealed class NetworkFixture : IAsyncDisposable
{
    readonly TestDatabase database;
    readonly bool owns;
    readonly ServiceProvider services;

    NetworkFixture(TestDatabase database, bool owns, FakeTimeProvider time, NetworkOptions options)
    {
        (this.database, this.owns, Time) = (database, owns, time);
        services = new ServiceCollection().AddLogging().AddSingleton<TimeProvider>(time)
            .AddSingleton(database.Options).AddNetwork(options)
            .AddTransient<AddressPoolService>().AddTransient<NetworkService>().AddTransient<SecurityGroupService>()
            .AddTransient<AddressSetService>().AddTransient<FloatingAddressService>()
            .AddTransient<PortService>().AddTransient<PortSyncService>()
            .AddTransient<ReservationService>().AddTransient<AddressService>().AddTransient<AddressKeeper>()
            .BuildServiceProvider();
    }

    public static NetworkOptions Options { get; } = new() { DnsServers = ["192.0.2.53"], Domain = "cloud.test" };

    public FakeTimeProvider Time { get; }
    public AddressPoolService Pools => Get<AddressPoolService>();
    public ReservationService Reservations => Get<ReservationService>();
    public AddressService Book => Get<AddressService>();
    public Monolith.Network.Addresses.Exchange.AddressExchange Exchange => Get<Monolith.Network.Addresses.Exchange.AddressExchange>();
    public AddressKeeper Keeper => Get<AddressKeeper>();
    public NetworkService Networks => Get<NetworkService>();
    public SecurityGroupService Groups => Get<SecurityGroupService>();
    public PortService Ports => Get<PortService>();
    public AddressSetService Sets => Get<AddressSetService>();
    public FloatingAddressService Floating => Get<FloatingAddressService>();
    public PortSyncService Stream => Get<PortSyncService>();
    public IPorts Owned => Get<IPorts>();
    public IVirtualAddresses Virtual => Get<IVirtualAddresses>();
    public Store<NetworkDb> Store => Get<Store<NetworkDb>>();

    public static async Task<NetworkFixture> StartAsync(string provider)
    {
        var time = new FakeTimeProvider(new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
        return await StartAsync(await TestDatabases.MakeAsync(provider), owns: true, time, Options);
    }

    /// <summary>Another host on the same database, with other options.</summary>
    public Task<NetworkFixture> AgainAsync(NetworkOptions options) => StartAsync(database, owns: false, Time, options);

    static async Task<NetworkFixture> StartAsync(TestDatabase database, bool owns, FakeTimeProvider time,
        NetworkOptions options)
    {
        var fixture = new NetworkFixture(database, owns, time, options);
        foreach (var step in fixture.services.GetServices<IStartUp>()) await step.StartAsync(default);
        return fixture;
    }

    public T Get<T>() where T : notnull => services.GetRequiredService<T>();

    public static FakeCall Call(string method = "/test/Method", CancellationToken cancel = default) =>
        FakeCall.By(FakeCall.Root, "network.test", method, cancel: cancel);

    /// <summary>A pool, a network <c>default</c> in project <c>p</c>, and its group.</summary>
    public async Task<V1Network> PrepareAsync(params string[] prefixes)
    {
        await PoolAsync("servers", prefixes);
        return await NetworkAsync("p", "default", "servers");
    }

    public Task<AddressPool> PoolAsync(string id, params string[] prefixes) => Pools.CreateAddressPool(
        new CreateAddressPoolRequest { AddressPoolId = id, AddressPool = new() { Prefixes = { prefixes } } }, Call());

    public Task<V1Network> NetworkAsync(string project, string id, params string[] pools) => Networks.CreateNetwork(
        new CreateNetworkRequest
        {
            Parent = "projects/" + project,
            NetworkId = id,
            Network = new() { AddressPools = { pools.Select(p => "addressPools/" + p) } },
        }, Call());

    public Task<SecurityGroup> GroupAsync(string id, params SecurityRule[] rules) => Groups.CreateSecurityGroup(
        new CreateSecurityGroupRequest
        {
            Parent = "projects/p",
            SecurityGroupId = id,
            SecurityGroup = new() { Rules = { rules } },
        }, Call());

    public async Task<PortFacts> ClaimAsync(Guid owner, string name = "web1", string address = "",
        params string[] groups) => (await Owned.ClaimAsync([Claim(owner, name, address, groups)], default))[0];

    public static PortClaim Claim(Guid owner, string name = "web1", string address = "", params string[] groups) =>
        new("p", "projects/p/servers/" + name, owner, 0, "",
            [.. groups.Select(g => "projects/p/securityGroups/" + g)], address, name);

    public Task<AddressPool> MakeAsync(string id, AddressPool pool) => Pools.CreateAddressPool(
        new CreateAddressPoolRequest { AddressPoolId = id, AddressPool = pool }, Call());

    public Task<Reservation> ReserveAsync(string id, string addresses, string owner = "", string note = "",
        string pool = "servers") => Reservations.CreateReservation(new CreateReservationRequest
        {
            Parent = "addressPools/" + pool,
            ReservationId = id,
            Reservation = new() { Addresses = addresses, Owner = owner, Note = note },
        }, Call());

    /// <summary>A pool for floating addresses.</summary>
    public Task<AddressPool> PublicAsync(params string[] prefixes) => MakeAsync("public", new()
    {
        Prefixes = { prefixes },
        Purpose = AddressPool.Types.Purpose.Floating,
    });

    public Task<FloatingAddress> FloatAsync(string id, string port = "", string address = "", string pool = "") =>
        Floating.CreateFloatingAddress(new CreateFloatingAddressRequest
        {
            Parent = "projects/p",
            FloatingAddressId = id,
            FloatingAddress = new() { Port = port, Address = address, AddressPool = pool },
        }, Call());

    public Task<FloatingAddress> MoveAsync(string id, string port) => Floating.UpdateFloatingAddress(
        new UpdateFloatingAddressRequest
        {
            FloatingAddress = new() { Name = "projects/p/floatingAddresses/" + id, Port = port },
            UpdateMask = new() { Paths = { "port" } },
        }, Call());

    public Task<FloatingAddress> FloatingAsync(string id) => Floating.GetFloatingAddress(
        new GetFloatingAddressRequest { Name = "projects/p/floatingAddresses/" + id }, Call());

    public Task<Port> UpdateAsync(Port port, params string[] paths) => Ports.UpdatePort(
        new UpdatePortRequest { Port = port, UpdateMask = new() { Paths = { paths } } }, Call());

    public Task UnreserveAsync(string id, string pool = "servers") => Reservations.DeleteReservation(
        new DeleteReservationRequest { Name = $"addressPools/{pool}/reservations/{id}" }, Call());

    public Task<AddressPool> PoolAsync(string id) =>
        Pools.GetAddressPool(new GetAddressPoolRequest { Name = "addressPools/" + id }, Call());

    public Task<Port> PortAsync(string name) => Ports.GetPort(new GetPortRequest { Name = name }, Call());

    /// <summary>The first event after a place in the feed that fits.</summary>
    public async Task<EventRow> EventAsync(long after, Func<EventRow, bool> fits)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        await foreach (var batch in Store.Feed.FollowAsync(after, patience.Token))
            if (batch.FirstOrDefault(fits) is { } found) return found;
        throw new InvalidOperationException("The feed ended.");
    }

    public async ValueTask DisposeAsync()
    {
        await services.DisposeAsync();
        if (owns) await database.DisposeAsync();
    }
}
