using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Monolith.Modules.Tests.Calls;
using Monolith.Network.V1;
using Monolith.Platform.Faults;
using Announcement = Monolith.Network.V1.AddressPool.Types.Announcement;
using Purpose = Monolith.Network.V1.AddressPool.Types.Purpose;

namespace Monolith.Modules.Tests.Network;

/// <summary>What the fabric's switches tell of a pool beyond it, and that hypervisors hear of it.</summary>
public class AnnouncementTests
{
    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task Change_IsToldToHypervisorsThatHaveOneOfThePoolsAddresses(string provider)
    {
        await using var net = await NetworkFixture.StartAsync(provider);
        await net.PrepareAsync("10.64.0.0/24", "fd64::/64");
        Assert.Equal(Announcement.HostRoutes, (await net.PoolAsync("servers")).Announcement);
        var owner = Guid.CreateVersion7();
        await net.ClaimAsync(owner);
        await net.Owned.BindAsync(owner, "hv1", default);
        await using var agent = new ScriptedAgent(net, "hv1");
        await agent.ConnectAsync();
        await ChangeAsync(net, "servers", Announcement.Aggregate);
        Assert.Equal(["10.64.0.0/24", "fd64::/64"], (await agent.NextAsync()).UpsertPort.Aggregates);
        // Only those that stand for an address of it.
        await net.Pools.UpdateAddressPool(new UpdateAddressPoolRequest
        {
            AddressPool = new() { Name = "addressPools/servers", Prefixes = { "10.64.0.0/24", "fd64::/64", "10.65.0.0/24" } },
            UpdateMask = new() { Paths = { "prefixes" } },
        }, NetworkFixture.Call());
        Assert.Equal(["10.64.0.0/24", "fd64::/64"], (await agent.NextAsync()).UpsertPort.Aggregates);
        await ChangeAsync(net, "servers", Announcement.Unspecified);
        Assert.Empty((await agent.NextAsync()).UpsertPort.Aggregates);
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task AddressOutside_CountsAsTheServersOwn(string provider)
    {
        await using var net = await NetworkFixture.StartAsync(provider);
        await net.PrepareAsync("10.64.0.0/24");
        await net.PublicAsync("203.0.113.0/29");
        var owner = Guid.CreateVersion7();
        await net.ClaimAsync(owner);
        await net.Owned.BindAsync(owner, "hv1", default);
        await net.FloatAsync("www", "projects/p/servers/web1");
        await using var agent = new ScriptedAgent(net, "hv1");
        await agent.ConnectAsync();
        await ChangeAsync(net, "public", Announcement.Aggregate);
        Assert.Equal(["203.0.113.0/29"], (await agent.NextAsync()).UpsertPort.Aggregates);
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task PoolOfVirtualAddresses_IsRefused(string provider)
    {
        await using var net = await NetworkFixture.StartAsync(provider);
        var pool = new AddressPool { Prefixes = { "10.96.0.0/24" }, Purpose = Purpose.LoadBalancer, Announcement = Announcement.Aggregate };
        var refused = await Assert.ThrowsAsync<Fault>(() => net.MakeAsync("vips", pool));
        Assert.Equal(StatusCode.InvalidArgument, refused.Code);
        Assert.Contains("address_pool.announcement", refused.Message, StringComparison.Ordinal);
        pool.Announcement = Announcement.HostRoutes;
        await net.MakeAsync("vips", pool);
        refused = await Assert.ThrowsAsync<Fault>(() => ChangeAsync(net, "vips", Announcement.Aggregate));
        Assert.Equal(StatusCode.InvalidArgument, refused.Code);
    }

    static Task<AddressPool> ChangeAsync(NetworkFixture net, string pool, Announcement announcement) => net.Pools.UpdateAddressPool(
        new UpdateAddressPoolRequest
        {
            AddressPool = new() { Name = "addressPools/" + pool, Announcement = announcement },
            UpdateMask = new FieldMask { Paths = { "announcement" } },
        }, NetworkFixture.Call());
}
