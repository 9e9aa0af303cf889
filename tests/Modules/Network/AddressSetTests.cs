using Grpc.Core;
using Monolith.Modules.Tests.Calls;
using Monolith.Network.Ports;
using Monolith.Network.V1;
using Kind = Monolith.Agent.V1.SyncPortsResponse.KindOneofCase;

namespace Monolith.Modules.Tests.Network;

public class AddressSetTests
{
    const string Offices = "projects/p/addressSets/offices";

    static Task<AddressSet> MakeAsync(NetworkFixture net, params string[] prefixes) => net.Sets.CreateAddressSet(
        new CreateAddressSetRequest
        {
            Parent = "projects/p",
            AddressSetId = "offices",
            AddressSet = new() { Prefixes = { prefixes } },
        }, NetworkFixture.Call());

    static SecurityRule FromOffices => new()
    {
        Direction = SecurityRule.Types.Direction.Ingress,
        Protocol = SecurityRule.Types.Protocol.Tcp,
        PortMin = 22,
        PortMax = 22,
        RemoteAddressSet = Offices,
    };

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task Change_IsOneSetForAHypervisorWithARuleAboutIt_AndNothingForOthers(string provider)
    {
        await using var net = await NetworkFixture.StartAsync(provider);
        await net.PrepareAsync("10.64.0.0/24");
        var set = await MakeAsync(net, "198.51.100.0/24", "2001:db8::/48");
        await net.GroupAsync("ssh", FromOffices);
        var (one, two) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        var port = await net.ClaimAsync(one, "web1", groups: "ssh");
        await net.ClaimAsync(two, "web2");
        await net.Owned.BindAsync(one, "hv1", default);
        await net.Owned.BindAsync(two, "hv2", default);
        await using var hv1 = new ScriptedAgent(net, "hv1");
        await using var hv2 = new ScriptedAgent(net, "hv2");
        var (items, _) = await hv1.ConnectAsync();
        await hv2.ConnectAsync();
        Assert.Equal([Kind.UpsertSet, Kind.UpsertPort], items.Select(i => i.KindCase));
        Assert.Equal((set.Uid, "198.51.100.0/24 2001:db8::/48"),
            (items[0].UpsertSet.Id, string.Join(' ', items[0].UpsertSet.Prefixes.Cidrs)));
        Assert.Contains(items[1].UpsertPort.Rules, r => r.RemotePrefixSet == set.Uid && r.PortMin == 22);

        await net.Sets.UpdateAddressSet(new()
        {
            AddressSet = new() { Name = Offices, Prefixes = { "198.51.100.0/25" } },
            UpdateMask = new() { Paths = { "prefixes" } },
        }, NetworkFixture.Call());
        net.Time.Advance(SetWakes.Pause);
        var told = (await hv1.NextAsync()).UpsertSet;
        Assert.Equal((2UL, "198.51.100.0/25"), (told.Generation, told.Prefixes.Cidrs.Single()));
        Assert.True(hv1.HeardAll && hv2.HeardAll);

        // Who knows it all is told nothing again.
        await hv1.DisconnectAsync();
        Assert.True((await hv1.ConnectAsync()).End.Unchanged);
        Assert.Equal(port.Uid.ToString(), hv1.Held.Values.Single(h => h.KindCase == Kind.UpsertPort).UpsertPort.Id);
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task SetThatARuleNames_StaysUntilTheRuleGoes(string provider)
    {
        await using var net = await NetworkFixture.StartAsync(provider);
        await net.PrepareAsync("10.64.0.0/24");
        await MakeAsync(net, "198.51.100.0/24");
        var group = await net.GroupAsync("ssh", FromOffices);
        var fault = await Expect.FaultAsync(StatusCode.FailedPrecondition, "ADDRESS_SET_IN_USE", DeleteAsync);
        Assert.Contains("projects/p/securityGroups/ssh", fault.Message, StringComparison.Ordinal);
        await net.Groups.UpdateSecurityGroup(new()
        {
            SecurityGroup = new() { Name = group.Name },
            UpdateMask = new() { Paths = { "rules" } },
        }, NetworkFixture.Call());
        await DeleteAsync();

        Task DeleteAsync() => net.Sets.DeleteAddressSet(new() { Name = Offices }, NetworkFixture.Call());
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task EveryMistake_IsNamedAtOnce(string provider)
    {
        await using var net = await NetworkFixture.StartAsync(provider);
        await net.PrepareAsync("10.64.0.0/24");
        var fault = await Expect.FaultAsync(StatusCode.InvalidArgument, "INVALID_REQUEST",
            () => MakeAsync(net, "10.0.0.1/8", "0.0.0.0/0", "offices", "10.0.0.0/8"));
        Assert.Equal(["address_set.prefixes[0]", "address_set.prefixes[1]", "address_set.prefixes[2]"],
            fault.Fields.Select(v => v.Field));
        fault = await Expect.FaultAsync(StatusCode.InvalidArgument, "INVALID_REQUEST", () => net.GroupAsync("ssh", FromOffices));
        Assert.Contains($"{Offices} does not exist", fault.Message, StringComparison.Ordinal);
    }
}
