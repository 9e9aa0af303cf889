using Grpc.Core;
using Monolith.Agent.V1;
using Monolith.Modules.Tests.Calls;
using Monolith.Network.V1;
using Kind = Monolith.Agent.V1.SyncPortsResponse.KindOneofCase;
using State = Monolith.Network.V1.FloatingAddress.Types.State;

namespace Monolith.Modules.Tests.Network;

public class FloatingAddressTests
{
    static async Task<NetworkFixture> StartAsync(string provider)
    {
        var net = await NetworkFixture.StartAsync(provider);
        await net.PrepareAsync("10.64.0.0/24", "fd64::/64");
        await net.PublicAsync("203.0.113.0/29");
        return net;
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task Address_IsToldToThePortsHypervisor_AndIsActiveWhenThatSaysSo(string provider)
    {
        await using var net = await StartAsync(provider);
        var owner = Guid.CreateVersion7();
        var port = await net.ClaimAsync(owner);
        await net.Owned.BindAsync(owner, "hv1", default);
        await using var agent = new ScriptedAgent(net, "hv1");
        await agent.ConnectAsync();
        var id = port.Uid.ToString();

        var made = await net.FloatAsync("www", "projects/p/servers/web1");
        Assert.Equal(("203.0.113.0", port.Name, "projects/p/servers/web1", State.Pending),
            (made.Address, made.Port, made.Owner, made.State));
        var spec = (await agent.NextAsync()).UpsertPort;
        var told = Assert.Single(spec.Translations);
        Assert.Equal(("203.0.113.0", "10.64.0.0", true), (told.External, told.Internal, told.Inbound));
        Assert.Equal(["203.0.113.0/29", "10.64.0.0/24", "fd64::/64"], spec.UntranslatedPrefixes);
        Assert.Equal(["203.0.113.0"], (await net.PortAsync(port.Name)).FloatingAddresses);

        var before = net.Store.Feed.Last;
        agent.Report(id, PortStatus.Types.State.Announced, spec.Generation, "d1");
        await net.EventAsync(before, e => e.Type == "monolith.network.port.updated");
        Assert.Equal(State.Pending, (await net.FloatingAsync("www")).State);
        before = net.Store.Feed.Last;
        agent.Report(id, PortStatus.Types.State.Announced, spec.Generation, "d2", externals: "203.0.113.0");
        await net.EventAsync(before, e => e.Type == "monolith.network.floatingAddress.updated");
        Assert.Equal(State.Active, (await net.FloatingAsync("www")).State);

        // A host that asks anew hears the same.
        await net.Owned.BindAsync(owner, "hv2", default);
        Assert.Equal(State.Pending, (await net.FloatingAsync("www")).State);
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task Move_IsOneCall_ThatBothHypervisorsHearOf(string provider)
    {
        await using var net = await StartAsync(provider);
        var (one, two) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        await net.ClaimAsync(one, "web1");
        await net.ClaimAsync(two, "web2");
        await net.Owned.BindAsync(one, "hv1", default);
        await net.Owned.BindAsync(two, "hv2", default);
        await net.FloatAsync("www", "projects/p/servers/web1");
        await using var hv1 = new ScriptedAgent(net, "hv1");
        await using var hv2 = new ScriptedAgent(net, "hv2");
        await hv1.ConnectAsync();
        await hv2.ConnectAsync();

        Assert.Equal("projects/p/servers/web2", (await net.MoveAsync("www", "projects/p/servers/web2")).Owner);
        Assert.Empty((await hv1.NextAsync()).UpsertPort.Translations);
        Assert.Equal("203.0.113.0", Assert.Single((await hv2.NextAsync()).UpsertPort.Translations).External);

        // To where it is already: nobody hears of it.
        await net.MoveAsync("www", "projects/p/servers/web2");
        var free = await net.MoveAsync("www", "");
        Assert.Equal((State.Unattached, "", ""), (free.State, free.Port, free.Owner));
        Assert.Empty((await hv2.NextAsync()).UpsertPort.Translations);
        Assert.True(hv1.HeardAll && hv2.HeardAll);
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task PortThatGoes_LeavesTheAddress_WhichGoesBackWhenItIsDeleted(string provider)
    {
        await using var net = await StartAsync(provider);
        var owner = Guid.CreateVersion7();
        await net.ClaimAsync(owner);
        await net.FloatAsync("www", "projects/p/servers/web1");
        await net.Owned.ReleaseAsync(owner, default);
        var left = await net.FloatingAsync("www");
        Assert.Equal((State.Unattached, ""), (left.State, left.Port));
        Assert.Equal(1, (await net.PoolAsync("public")).UsedCount);

        await net.Floating.DeleteFloatingAddress(new() { Name = left.Name }, NetworkFixture.Call());
        var pool = await net.PoolAsync("public");
        Assert.Equal((0, 1), (pool.UsedCount, pool.QuarantinedCount));
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task WhatCannotBe_IsSaidWithItsCause(string provider)
    {
        await using var net = await StartAsync(provider);
        await net.MakeAsync("six", new() { Prefixes = { "2001:db8::/126" }, Purpose = AddressPool.Types.Purpose.Floating });
        await net.PoolAsync("only4", "10.65.0.0/24");
        await net.NetworkAsync("p", "v4", "only4");
        await net.Owned.ClaimAsync([NetworkFixture.Claim(Guid.CreateVersion7(), "web4") with { Network = "projects/p/networks/v4" }], default);
        await net.FloatAsync("www", address: "203.0.113.3");

        var fault = await Expect.FaultAsync(StatusCode.InvalidArgument, "INVALID_REQUEST", () => net.FloatAsync("a"));
        Assert.Contains("there are 2: addressPools/public, addressPools/six", fault.Message, StringComparison.Ordinal);
        fault = await Expect.FaultAsync(StatusCode.FailedPrecondition, "ADDRESS_NOT_FREE",
            () => net.FloatAsync("b", address: "203.0.113.3"));
        Assert.Contains("203.0.113.3 is held", fault.Message, StringComparison.Ordinal);
        fault = await Expect.FaultAsync(StatusCode.InvalidArgument, "INVALID_REQUEST",
            () => net.FloatAsync("c", "projects/p/servers/web4", pool: "six"));
        Assert.Contains("has no IPv6 address", fault.Message, StringComparison.Ordinal);
        fault = await Expect.FaultAsync(StatusCode.InvalidArgument, "INVALID_REQUEST",
            () => net.FloatAsync("d", "projects/q/servers/web1", pool: "public"));
        Assert.Contains("is no server of projects/p", fault.Message, StringComparison.Ordinal);
        // Nothing of what failed is kept.
        Assert.Equal(1, (await net.PoolAsync("public")).UsedCount);
        Assert.Equal(0, (await net.PoolAsync("six")).UsedCount);
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task NatPool_GivesEachHypervisorOneAddress_ThatPortsWithoutAFloatingOneShare(string provider)
    {
        await using var net = await StartAsync(provider);
        await NatAsync(net, "addressPools/public");
        var owners = Enumerable.Range(0, 3).Select(_ => Guid.CreateVersion7()).ToArray();
        for (var i = 0; i < 3; i++) await net.ClaimAsync(owners[i], $"web{i}");
        await net.Owned.BindAsync(owners[0], "hv1", default);
        await net.Owned.BindAsync(owners[1], "hv1", default);
        await net.Owned.BindAsync(owners[2], "hv2", default);
        Assert.Equal(["203.0.113.0"], await NatOfAsync(net, owners[0]));
        Assert.Equal(["203.0.113.0"], await NatOfAsync(net, owners[1]));
        Assert.Equal(["203.0.113.1"], await NatOfAsync(net, owners[2]));
        await using var hv1 = new ScriptedAgent(net, "hv1");
        await hv1.ConnectAsync();
        Assert.All(hv1.Held.Values.Where(h => h.KindCase == Kind.UpsertPort), h =>
            Assert.Equal(("203.0.113.0", false), (h.UpsertPort.Translations.Single().External, h.UpsertPort.Translations.Single().Inbound)));

        // One that is about to come is told to translate to the address of where it comes to.
        await net.Owned.ShareAsync(owners[0], "hv2", default);
        await using var hv2 = new ScriptedAgent(net, "hv2");
        await hv2.ConnectAsync();
        Assert.All(hv2.Held.Values.Where(h => h.KindCase == Kind.UpsertPort), h =>
            Assert.Equal("203.0.113.1", h.UpsertPort.Translations.Single().External));

        // Floating goes before shared; and a network that gives it up gives the addresses back.
        await net.FloatAsync("www", "projects/p/servers/web2");
        Assert.Equal(("203.0.113.2", true), (await hv2.NextAsync()).UpsertPort.Translations.Select(t => (t.External, t.Inbound)).Single());
        await NatAsync(net, "");
        Assert.Empty(await NatOfAsync(net, owners[1]));
        Assert.Equal(1, (await net.PoolAsync("public")).UsedCount);
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task HypervisorThatGoes_GivesItsAddressBack(string provider)
    {
        await using var net = await StartAsync(provider);
        await NatAsync(net, "addressPools/public");
        var owner = Guid.CreateVersion7();
        await net.ClaimAsync(owner);
        await net.Owned.BindAsync(owner, "hv1", default);
        await net.Owned.BindAsync(owner, "hv2", default);
        // It stays hv1's, which others may have written down.
        Assert.Equal(2, (await net.PoolAsync("public")).UsedCount);
        await net.Get<Monolith.Network.Contracts.IFabricNodes>().ForgetAsync("hv1", default);
        await net.Get<Monolith.Network.Contracts.IFabricNodes>().ForgetAsync("hv1", default);
        Assert.Equal(1, (await net.PoolAsync("public")).UsedCount);
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task NatPoolWithoutAnAddress_KeepsNobodyFromComing(string provider)
    {
        await using var net = await NetworkFixture.StartAsync(provider);
        await net.PrepareAsync("10.64.0.0/24");
        await net.PublicAsync("203.0.113.0/32");
        await NatAsync(net, "addressPools/public");
        var (one, two) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        await net.ClaimAsync(one, "web1");
        await net.ClaimAsync(two, "web2");
        await net.Owned.BindAsync(one, "hv1", default);
        await net.Owned.BindAsync(two, "hv2", default);
        Assert.Equal(["203.0.113.0"], await NatOfAsync(net, one));
        Assert.Empty(await NatOfAsync(net, two));
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task PoolThatComes_IsInsideForWhatIsTranslatedAlready(string provider)
    {
        await using var net = await StartAsync(provider);
        var owner = Guid.CreateVersion7();
        await net.ClaimAsync(owner);
        await net.Owned.BindAsync(owner, "hv1", default);
        await net.FloatAsync("www", "projects/p/servers/web1");
        await using var agent = new ScriptedAgent(net, "hv1");
        await agent.ConnectAsync();
        await net.PoolAsync("more", "10.66.0.0/24");
        Assert.Contains("10.66.0.0/24", (await agent.NextAsync()).UpsertPort.UntranslatedPrefixes);
    }

    static Task<Monolith.Network.V1.Network> NatAsync(NetworkFixture net, string pool) => net.Networks.UpdateNetwork(
        new UpdateNetworkRequest
        {
            Network = new() { Name = "projects/p/networks/default", NatAddressPool = pool },
            UpdateMask = new() { Paths = { "nat_address_pool" } },
        }, NetworkFixture.Call());

    static async Task<IEnumerable<string>> NatOfAsync(NetworkFixture net, Guid owner) =>
        (await net.PortAsync((await net.Owned.OfAsync(owner, default)).Single().Name)).NatAddresses;
}
