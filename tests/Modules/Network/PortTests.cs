using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Monolith.Modules.Tests.Calls;
using Monolith.Network.V1;

namespace Monolith.Modules.Tests.Network;

public class PortTests
{
    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task Claim_Twice_GivesTheSamePort(string provider)
    {
        await using var net = await NetworkFixture.StartAsync(provider);
        await net.PrepareAsync("10.64.0.0/24", "2001:db8::/64");
        var owner = Guid.CreateVersion7();
        var facts = await net.ClaimAsync(owner);
        var again = await net.ClaimAsync(owner);
        Assert.Equal((facts.Uid, facts.Name, facts.MacAddress), (again.Uid, again.Name, again.MacAddress));
        Assert.Equal(["10.64.0.0", "2001:db8::"], facts.Addresses);
        Assert.Equal(facts.Addresses, again.Addresses);
        Assert.Equal(["10.64.0.0", "2001:db8::"], Assert.Single(await net.Owned.OfAsync(owner, default)).Addresses);
        Assert.Matches("^02(:[0-9a-f]{2}){5}$", facts.MacAddress);
        Assert.Equal(1500, facts.Mtu);
        Assert.False(facts.Announced);

        var later = await net.ClaimAsync(Guid.CreateVersion7());
        Assert.NotEqual(facts.Name, later.Name);
        var port = await net.PortAsync(facts.Name);
        Assert.Equal(("projects/p/servers/web1", Port.Types.State.Unbound), (port.Owner, port.State));
        Assert.Equal(["projects/p/securityGroups/default"], port.SecurityGroups);
        Assert.Equal(2 * 2, (await net.PoolAsync("servers")).UsedCount);
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task Claim_OneOfTwoCannotBeHad_TakesNeither(string provider)
    {
        await using var net = await NetworkFixture.StartAsync(provider);
        await net.PrepareAsync("10.64.0.0/24");
        await net.ClaimAsync(Guid.CreateVersion7(), "first", "10.64.0.9");
        var owner = Guid.CreateVersion7();
        var claims = new[]
        {
            NetworkFixture.Claim(owner, "web1"),
            NetworkFixture.Claim(owner, "web1", "10.64.0.9") with { Index = 1 },
        };
        var fault = await Expect.FaultAsync(StatusCode.FailedPrecondition, "ADDRESS_NOT_FREE",
            () => net.Owned.ClaimAsync(claims, default));
        Assert.Contains("10.64.0.9 is held", fault.Message, StringComparison.Ordinal);
        Assert.Empty(await net.Owned.OfAsync(owner, default));
        Assert.Equal(1, (await net.PoolAsync("servers")).UsedCount);
        Assert.Equal(1, await net.Store.ReadAsync(db => db.Addresses.CountAsync()));
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task Check_ManyMistakes_NamesThemAllBelowTheGivenPathsAndTakesNothing(string provider)
    {
        await using var net = await NetworkFixture.StartAsync(provider);
        await net.PrepareAsync("10.64.0.0/24");
        await net.NetworkAsync("q", "theirs", "servers");
        await net.ClaimAsync(Guid.CreateVersion7(), "first", "10.64.0.9");
        var owner = Guid.Empty;
        var claims = new[]
        {
            NetworkFixture.Claim(owner),
            NetworkFixture.Claim(owner) with { Network = "projects/q/networks/theirs" },
            NetworkFixture.Claim(owner, "web1", "10.64.0.9", "none"),
            NetworkFixture.Claim(owner, "web1", "10.65.0.1"),
            NetworkFixture.Claim(owner, "web1", "10.64.0"),
            NetworkFixture.Claim(owner, "web1", "10.64.0.7"),
            NetworkFixture.Claim(owner, "web1", "10.64.0.7"),
        };
        var found = await net.Owned.CheckAsync(claims,
            [.. Enumerable.Range(0, claims.Length).Select(i => $"server.networks[{i}]")], default);
        Assert.Equal(
        [
            "server.networks[1].network", "server.networks[2].security_groups[0]", "server.networks[2].address",
            "server.networks[3].address", "server.networks[4].address", "server.networks[6].address",
        ], found.Select(f => f.Field));
        Assert.Contains("10.64.0.0/24", found[3].Description, StringComparison.Ordinal);
        Assert.Equal(1, (await net.PoolAsync("servers")).UsedCount);
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task BindUnbindRelease_EachTwice_DoesEachOnceAndTellsOfIt(string provider)
    {
        await using var net = await NetworkFixture.StartAsync(provider);
        await net.PrepareAsync("10.64.0.0/24");
        var owner = Guid.CreateVersion7();
        var name = (await net.ClaimAsync(owner)).Name;
        await net.Owned.BindAsync(owner, "hv1", default);
        await net.Owned.BindAsync(owner, "hypervisors/hv1", default);
        var port = await net.PortAsync(name);
        Assert.Equal(("hypervisors/hv1", Port.Types.State.Pending, "2"), (port.Hypervisor, port.State, port.Etag));
        await net.Owned.UnbindAsync(owner, default);
        await net.Owned.UnbindAsync(owner, default);
        port = await net.PortAsync(name);
        Assert.Equal(("", Port.Types.State.Unbound, "3"), (port.Hypervisor, port.State, port.Etag));
        Assert.Empty(port.Conditions);
        await net.Owned.ReleaseAsync(owner, default);
        await net.Owned.ReleaseAsync(owner, default);
        await Expect.FaultAsync(StatusCode.NotFound, "RESOURCE_NOT_FOUND", () => net.PortAsync(name));
        Assert.Equal(0, (await net.PoolAsync("servers")).UsedCount);
        var events = await net.Store.ReadAsync(db => db.Events.Where(e => e.Resource == name)
            .OrderBy(e => e.Sequence).ToListAsync());
        Assert.Equal(["created", "updated", "updated", "deleted"],
            events.Select(e => e.Type["monolith.network.port.".Length..]));
        Assert.All(events, e => Assert.Equal("projects/p/servers/web1", Port.Parser.ParseFrom(e.Data).Owner));
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task Delete_PortOfAServer_IsRefusedAndOneMadeByHandGoes(string provider)
    {
        await using var net = await NetworkFixture.StartAsync(provider);
        await net.PrepareAsync("10.64.0.0/24");
        var owned = (await net.ClaimAsync(Guid.CreateVersion7())).Name;
        await Expect.FaultAsync(StatusCode.FailedPrecondition, "PORT_OWNED",
            () => net.Ports.DeletePort(new DeletePortRequest { Name = owned }, NetworkFixture.Call()));
        var made = await net.Ports.CreatePort(new CreatePortRequest
        {
            Parent = "projects/p",
            PortId = "mine",
            Port = new() { Network = "projects/p/networks/default", Addresses = { "10.64.0.200" } },
        }, NetworkFixture.Call());
        Assert.Equal(["10.64.0.200"], made.Addresses);
        await Expect.FaultAsync(StatusCode.FailedPrecondition, "NETWORK_IN_USE", () => net.Networks.DeleteNetwork(
            new DeleteNetworkRequest { Name = "projects/p/networks/default" }, NetworkFixture.Call()));
        await net.Ports.DeletePort(new DeletePortRequest { Name = made.Name }, NetworkFixture.Call());
        Assert.Equal(1, (await net.PoolAsync("servers")).UsedCount);
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task Create_AddressOutsideThePools_SaysWhichPoolsThereAre(string provider)
    {
        await using var net = await NetworkFixture.StartAsync(provider);
        await net.PrepareAsync("10.64.0.0/24");
        var fault = await Expect.FaultAsync(StatusCode.InvalidArgument, "INVALID_REQUEST", () => net.Ports.CreatePort(
            new CreatePortRequest
            {
                Parent = "projects/p",
                PortId = "mine",
                Port = new()
                {
                    Network = "projects/p/networks/default",
                    Addresses = { "10.9.9.9", "10.64.0.1", "10.64.0.1", "x" },
                },
            }, NetworkFixture.Call()));
        Assert.Equal(["port.addresses[0]", "port.addresses[2]", "port.addresses[3]"], fault.Fields.Select(f => f.Field));
        Assert.Contains("addressPools/servers (10.64.0.0/24)", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task List_ByFilterAndWatchFromIt_MissNothing(string provider)
    {
        await using var net = await NetworkFixture.StartAsync(provider);
        await net.PrepareAsync("10.64.0.0/24");
        var owner = Guid.CreateVersion7();
        var name = (await net.ClaimAsync(owner, "web1")).Name;
        await net.ClaimAsync(Guid.CreateVersion7(), "web2");
        async Task<string[]> ListAsync(string filter) =>
        [
            .. (await net.Ports.ListPorts(new ListPortsRequest { Parent = "projects/-", Filter = filter },
                NetworkFixture.Call())).Ports.Select(p => p.Name),
        ];
        Assert.Equal([name], await ListAsync("owner = \"projects/p/servers/web1\""));
        Assert.Equal([name], await ListAsync("addresses : \"10.64.0.0\" AND state = UNBOUND"));
        Assert.Empty(await ListAsync("hypervisor = \"hypervisors/hv1\""));
        var list = await net.Ports.ListPorts(new ListPortsRequest { Parent = "projects/p" }, NetworkFixture.Call());
        await net.Owned.BindAsync(owner, "hv1", default);
        using var stop = new CancellationTokenSource();
        var stream = new TestStream<WatchPortsResponse>();
        var watching = net.Ports.WatchPorts(
            new WatchPortsRequest { Parent = "projects/p", ResumeToken = list.ResumeToken }, stream,
            NetworkFixture.Call(cancel: stop.Token));
        var seen = await stream.NextAsync();
        Assert.Equal((name, "hypervisors/hv1"), (seen.Port.Name, seen.Port.Hypervisor));
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => watching);
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task VirtualAddress_ClaimedTwice_IsOneAndComesFromThePoolOfThatPurpose(string provider)
    {
        await using var net = await NetworkFixture.StartAsync(provider);
        await net.PrepareAsync("10.64.0.0/24");
        var owner = Guid.CreateVersion7();
        await Expect.FaultAsync(StatusCode.FailedPrecondition, "NO_ADDRESS_POOL",
            () => net.Virtual.ClaimAsync("p", "projects/p/loadBalancers/lb", owner, "", default));
        await net.Pools.CreateAddressPool(new CreateAddressPoolRequest
        {
            AddressPoolId = "vips",
            AddressPool = new() { Purpose = AddressPool.Types.Purpose.LoadBalancer, Prefixes = { "10.96.0.0/30" } },
        }, NetworkFixture.Call());
        var address = await net.Virtual.ClaimAsync("p", "projects/p/loadBalancers/lb", owner, "", default);
        Assert.Equal("10.96.0.0", address);
        Assert.Equal(address, await net.Virtual.ClaimAsync("p", "projects/p/loadBalancers/lb", owner, "vips", default));
        Assert.Equal(1, (await net.PoolAsync("vips")).UsedCount);
        await Expect.FaultAsync(StatusCode.InvalidArgument, "INVALID_REQUEST",
            () => net.Virtual.ClaimAsync("p", "projects/p/loadBalancers/b", Guid.CreateVersion7(), "servers", default));
        await Expect.FaultAsync(StatusCode.InvalidArgument, "INVALID_REQUEST", () => net.NetworkAsync("p", "x", "vips"));
        await net.Virtual.ReleaseAsync(owner, default);
        await net.Virtual.ReleaseAsync(owner, default);
        Assert.Equal(0, (await net.PoolAsync("vips")).UsedCount);
    }
}
