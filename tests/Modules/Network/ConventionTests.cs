using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Monolith.Modules.Tests.Calls;
using Monolith.Network.V1;
using Monolith.Platform.Calls;
using V1Network = Monolith.Network.V1.Network;

namespace Monolith.Modules.Tests.Network;

/// <summary>What every noun of the module has in common, shown by networks and pools.</summary>
public class ConventionTests
{
    static CreateNetworkRequest Create(string id, string requestId = "", bool validateOnly = false) => new()
    {
        Parent = "projects/p",
        NetworkId = id,
        Network = new() { AddressPools = { "addressPools/servers" }, Labels = { ["tier"] = id } },
        RequestId = requestId,
        ValidateOnly = validateOnly,
    };

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task Network_FromCreateToDelete_FollowsTheConventions(string provider)
    {
        await using var net = await NetworkFixture.StartAsync(provider);
        await net.PoolAsync("servers", "10.64.0.0/24");
        var dry = await net.Networks.CreateNetwork(Create("a", validateOnly: true), NetworkFixture.Call());
        Assert.Equal(("projects/p/networks/a", 1500), (dry.Name, dry.Mtu));
        Assert.Equal(0, await net.Store.ReadAsync(db => db.Networks.CountAsync()));
        Assert.Equal(0, await net.Store.ReadAsync(db => db.SecurityGroups.CountAsync()));

        var id = Guid.NewGuid().ToString();
        var made = await net.Networks.CreateNetwork(Create("a", id), NetworkFixture.Call());
        Assert.Equal(["projects/p/securityGroups/default"], made.SecurityGroups);
        Assert.Equal(made, await net.Networks.CreateNetwork(Create("a", id), NetworkFixture.Call()));
        await Expect.FaultAsync(StatusCode.InvalidArgument, "INVALID_REQUEST",
            () => net.Networks.CreateNetwork(Create("b", id), NetworkFixture.Call()));
        await Expect.FaultAsync(StatusCode.AlreadyExists, "RESOURCE_EXISTS",
            () => net.Networks.CreateNetwork(Create("a"), NetworkFixture.Call()));
        Assert.Equal(1, await net.Store.ReadAsync(db => db.Events.CountAsync(e =>
            e.Type == "monolith.network.securityGroup.created")));

        UpdateNetworkRequest Update(string etag, string mask, int mtu) => new()
        {
            Network = new() { Name = made.Name, Etag = etag, Mtu = mtu, DisplayName = "A" },
            UpdateMask = FieldMask.FromString(mask),
        };
        var changed = await net.Networks.UpdateNetwork(Update(made.Etag, "mtu", 9000), NetworkFixture.Call());
        Assert.Equal((9000, "", "2"), (changed.Mtu, changed.DisplayName, changed.Etag));
        await Expect.FaultAsync(StatusCode.Aborted, "ETAG_MISMATCH",
            () => net.Networks.UpdateNetwork(Update(made.Etag, "mtu", 1400), NetworkFixture.Call()));
        var fault = await Expect.FaultAsync(StatusCode.InvalidArgument, "INVALID_REQUEST",
            () => net.Networks.UpdateNetwork(Update("", "address_pools,mtu", 5), NetworkFixture.Call()));
        Assert.Equal(["update_mask", "network.mtu"], fault.Fields.Select(f => f.Field));

        await net.Networks.DeleteNetwork(new DeleteNetworkRequest { Name = made.Name, Etag = "2" }, NetworkFixture.Call());
        await Expect.FaultAsync(StatusCode.NotFound, "RESOURCE_NOT_FOUND", () => net.Networks.GetNetwork(
            new GetNetworkRequest { Name = made.Name }, NetworkFixture.Call()));
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task List_InPages_ByFilterAndForACallerWithOneProject_GivesEachOnce(string provider)
    {
        await using var net = await NetworkFixture.StartAsync(provider);
        await net.PoolAsync("servers", "10.64.0.0/24");
        foreach (var id in new[] { "a-1", "a", "ab", "b" }) await net.Networks.CreateNetwork(Create(id), NetworkFixture.Call());
        await net.NetworkAsync("q", "theirs", "servers");
        var names = new List<string>();
        var request = new ListNetworksRequest { Parent = "projects/p", PageSize = 3 };
        do
        {
            var page = await net.Networks.ListNetworks(request, NetworkFixture.Call());
            names.AddRange(page.Networks.Select(n => n.Name[^2..]));
            request.PageToken = page.NextPageToken;
        } while (request.PageToken.Length > 0);
        Assert.Equal(["/a", "-1", "ab", "/b"], names);

        async Task<List<string>> ListAsync(string parent, string filter, ServerCallContext context) =>
            [.. (await net.Networks.ListNetworks(new ListNetworksRequest { Parent = parent, Filter = filter }, context))
                .Networks.Select(n => n.Name)];
        Assert.Equal(["projects/p/networks/ab"], await ListAsync("projects/-", "labels.tier = ab", NetworkFixture.Call()));
        Assert.Equal(5, (await ListAsync("projects/-", "mtu >= 1500", NetworkFixture.Call())).Count);
        var member = new Caller("users/u", [new("projects/q", "roles/viewer", new(["network.networks.list"], []))]);
        Assert.Equal(["projects/q/networks/theirs"],
            await ListAsync("projects/-", "", FakeCall.By(member, "network.networks.list")));
        await Expect.FaultAsync(StatusCode.InvalidArgument, "INVALID_REQUEST",
            () => ListAsync("projects/p", "colour = red", NetworkFixture.Call()));
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task CreateNetwork_WithManyMistakes_NamesThemAll(string provider)
    {
        await using var net = await NetworkFixture.StartAsync(provider);
        var fault = await Expect.FaultAsync(StatusCode.InvalidArgument, "INVALID_REQUEST",
            () => net.Networks.CreateNetwork(new CreateNetworkRequest
            {
                Parent = "project/p",
                NetworkId = "-",
                Network = new() { Mtu = 100, DnsServers = { "1.1.1.1", "dns" }, AddressPools = { "pool" } },
            }, NetworkFixture.Call()));
        Assert.Equal(["parent", "network_id", "network.mtu", "network.dns_servers[1]", "network.address_pools[0]"],
            fault.Fields.Select(f => f.Field));
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task CreatePool_WithManyMistakes_NamesThemAll(string provider)
    {
        await using var net = await NetworkFixture.StartAsync(provider);
        await net.PoolAsync("other", "10.1.0.0/16");
        async Task<string[]> FieldsAsync(string[] prefixes, params string[] exclusions) =>
            [.. (await Expect.FaultAsync(StatusCode.InvalidArgument, "INVALID_REQUEST", () =>
                net.Pools.CreateAddressPool(new CreateAddressPoolRequest
                {
                    AddressPoolId = "mine",
                    AddressPool = new() { Prefixes = { prefixes }, Exclusions = { exclusions } },
                }, NetworkFixture.Call()))).Fields.Select(f => $"{f.Field}: {f.Description}")];
        Assert.Equal(
        [
            "address_pool.prefixes[0]: has host bits that are not zero; did you mean 10.0.0.0/24",
            "address_pool.prefixes[2]: overlaps 10.2.0.0/16 of the same pool",
            "address_pool.prefixes[3]: holds addresses of 224.0.0.0/3, which no server can have",
            "address_pool.exclusions[0]: lies in none of the prefixes",
            "address_pool.exclusions[1]: must be an address, a CIDR, or a range such as 10.64.0.5-10.64.0.9",
        ], await FieldsAsync(["10.0.0.1/24", "10.2.0.0/16", "10.2.3.0/24", "239.0.0.0/8"], "10.9.0.1", "x"));
        Assert.Equal(["address_pool.prefixes[1]: overlaps 10.1.0.0/16 of addressPools/other"],
            await FieldsAsync(["10.8.0.0/24", "10.1.2.0/24"]));
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task UpdatePool_AddsAndTakesSpace_AndRefusesWhatIsHeldOrInQuarantine(string provider)
    {
        await using var net = await NetworkFixture.StartAsync(provider);
        await net.PrepareAsync("10.64.0.0/30");
        var owners = Enumerable.Range(0, 3).Select(_ => Guid.CreateVersion7()).ToList();
        foreach (var owner in owners) await net.ClaimAsync(owner);
        Task<AddressPool> UpdateAsync(string[] prefixes, params string[] exclusions) => net.Pools.UpdateAddressPool(
            new UpdateAddressPoolRequest
            {
                AddressPool = new()
                {
                    Name = "addressPools/servers",
                    Prefixes = { prefixes },
                    Exclusions = { exclusions },
                },
                UpdateMask = FieldMask.FromString("prefixes,exclusions"),
            }, NetworkFixture.Call());
        var grown = await UpdateAsync(["10.64.0.0/30", "10.65.0.0/30"], "10.64.0.3", "10.65.0.0/31");
        Assert.Equal((5L, 3L), (grown.AddressCount, grown.UsedCount));
        Assert.Equal(["10.65.0.2"], (await net.ClaimAsync(Guid.CreateVersion7())).Addresses);
        await Expect.FaultAsync(StatusCode.FailedPrecondition, "ADDRESS_IN_USE", () => UpdateAsync(["10.65.0.0/30"]));
        await Expect.FaultAsync(StatusCode.FailedPrecondition, "ADDRESS_IN_USE",
            () => UpdateAsync(["10.64.0.0/30", "10.65.0.0/30"], "10.64.0.1"));
        foreach (var owner in owners) await net.Owned.ReleaseAsync(owner, default);
        var fault = await Expect.FaultAsync(StatusCode.FailedPrecondition, "ADDRESS_IN_USE",
            () => UpdateAsync(["10.65.0.0/30"]));
        Assert.Equal(NetworkFixture.Options.Quarantine, fault.RetryAfter);
        net.Time.Advance(TimeSpan.FromMinutes(2));
        var shrunk = await UpdateAsync(["10.65.0.0/30"]);
        Assert.Equal((4L, 1L), (shrunk.AddressCount, shrunk.UsedCount));
        var rest = new List<string>();
        for (var i = 0; i < 3; i++) rest.AddRange((await net.ClaimAsync(Guid.CreateVersion7())).Addresses);
        Assert.Equal(["10.65.0.0", "10.65.0.1", "10.65.0.3"], rest.Order());
        await Expect.FaultAsync(StatusCode.FailedPrecondition, "ADDRESS_POOL_IN_USE", () => net.Pools.DeleteAddressPool(
            new DeleteAddressPoolRequest { Name = "addressPools/servers" }, NetworkFixture.Call()));
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task DeletePool_ThatNothingUses_LeavesNothing(string provider)
    {
        await using var net = await NetworkFixture.StartAsync(provider);
        await net.PoolAsync("servers", "10.64.0.0/24", "2001:db8::/32");
        Assert.Equal(long.MaxValue, (await net.PoolAsync("servers")).AddressCount);
        await net.Pools.DeleteAddressPool(new DeleteAddressPoolRequest { Name = "addressPools/servers" },
            NetworkFixture.Call());
        Assert.Equal(0, await net.Store.ReadAsync(async db =>
            await db.FreeRanges.CountAsync() + await db.PoolUsages.CountAsync()));
        await net.PoolAsync("again", "10.64.0.0/16");
    }
}
