using CsCheck;
using Grpc.Core;
using Monolith.Modules.Tests.Calls;
using Monolith.Network.Addresses;
using Monolith.Network.Ports;
using Monolith.Network.V1;
using Monolith.Platform.Faults;

namespace Monolith.Modules.Tests.Network;

/// <summary>More addresses than one of a family, and what a port may send from and how much.</summary>
public class PortAddressTests
{
    static async Task<(NetworkFixture Net, Port Port)> StartAsync(string provider, params string[] addresses)
    {
        var net = await NetworkFixture.StartAsync(provider);
        await net.PrepareAsync("10.64.0.0/24", "fd64::/64");
        return (net, await CreateAsync(net, addresses));
    }

    static Task<Port> CreateAsync(NetworkFixture net, params string[] addresses) => net.Ports.CreatePort(new()
    {
        Parent = "projects/p",
        PortId = "a",
        Port = new() { Network = "projects/p/networks/default", Addresses = { addresses } },
    }, NetworkFixture.Call());

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task Create_MayAskForSeveral_NamedOrAny(string provider)
    {
        var (fixture, port) = await StartAsync(provider, "10.64.0.9", "10.64.0.7", "0.0.0.0");
        await using var net = fixture;
        Assert.Equal(["10.64.0.9", "10.64.0.7", "10.64.0.0", "fd64::"], port.Addresses);
        Assert.Equal(4, (await net.PoolAsync("servers")).UsedCount);
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task Update_GivesAndTakes_AndTheSameListTwiceIsTheSame(string provider)
    {
        var (fixture, port) = await StartAsync(provider);
        await using var net = fixture;
        string[] wanted = ["10.64.0.0", "fd64::", "0.0.0.0", "10.64.0.20"];
        var more = await UpdateAsync(wanted);
        Assert.Equal(["10.64.0.0", "10.64.0.20", "10.64.0.1", "fd64::"], more.Addresses);
        Assert.Equal(more.Addresses, (await UpdateAsync(wanted)).Addresses);
        var members = await net.Store.ReadAsync(async db => await PortQueries.Members(db, db.SecurityGroups.Single().Uid));
        Assert.Equal(4, members.Count);

        var less = await UpdateAsync("10.64.0.0", "fd64::", "10.64.0.1");
        Assert.Equal(["10.64.0.0", "10.64.0.1", "fd64::"], less.Addresses);
        var fault = await Expect.FaultAsync(StatusCode.InvalidArgument, "INVALID_REQUEST", () => UpdateAsync("10.64.0.1", "fd64::"));
        Assert.Contains("must have 10.64.0.0: the first IPv4 address", fault.Message, StringComparison.Ordinal);
        await net.Ports.DeletePort(new() { Name = port.Name }, NetworkFixture.Call());
        Assert.Equal(0, (await net.PoolAsync("servers")).UsedCount);

        Task<Port> UpdateAsync(params string[] addresses) =>
            net.UpdateAsync(new() { Name = port.Name, Addresses = { addresses } }, "addresses");
    }

    [Fact]
    public void Change_ComesToWhatWasAsked_AndAgainToTheSame() =>
        Gen.Select(Gen.Int[0, 9].HashSet[1, 6], Gen.Int[-1, 9].List[0, 8]).Sample((held, wanted) =>
        {
            var before = held.Select(n => new Ip(4, (UInt128)(0x0a40_0001 + n))).ToList();
            string[] list = [before[0].ToString(), .. wanted.Distinct().Where(n => n != held.First())
                .Select(n => n < 0 ? "0.0.0.0" : new Ip(4, (UInt128)(0x0a40_0001 + n)).ToString())];
            var violations = new Violations();
            var change = AddressChange.Of(before, list, i => $"a[{i}]", violations);

            Assert.False(violations.Any);
            Assert.Equal(list.Length, change.Kept.Count + change.Chosen.Count + change.Any.Count);
            Assert.Equal(before[0], change.Kept[0]);
            Assert.Empty(change.Chosen.Intersect(before));
            Assert.Subset(before.ToHashSet(), change.Kept.ToHashSet());
            // What was claimed for any is there now: nothing is left to do.
            var fresh = change.Any.Select((_, i) => new Ip(4, (UInt128)(0x0b00_0000 + i)));
            var again = AddressChange.Of([.. change.Kept, .. change.Chosen, .. fresh], list, i => $"a[{i}]", violations);
            Assert.Equal((list.Length, 0, 0), (again.Kept.Count, again.Chosen.Count, again.Any.Count));
        });

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task AllowedPrefixes_AreNobodysOrKeptForTheProject(string provider)
    {
        var (fixture, port) = await StartAsync(provider);
        await using var net = fixture;
        await net.ReserveAsync("ours", "10.64.0.32/28", "projects/p");
        await net.ReserveAsync("theirs", "10.64.0.64/28", "projects/q");
        var allowed = await AllowAsync("192.168.7.0/24", "10.64.0.32/28", "10.64.0.33/32", "fd77::/48");
        Assert.Equal(4, allowed.AllowedPrefixes.Count);

        string[] wrong = ["8.8.8.0/24", "10.64.0.64/28", "10.64.0.0/24", "10.0.0.0/8", "0.0.0.0/0", "2001:db8::/32", "169.254.0.0/16", "x"];
        var fault = await Expect.FaultAsync(StatusCode.InvalidArgument, "INVALID_REQUEST", () => AllowAsync(wrong));
        Assert.Equal(wrong.Select((_, i) => $"port.allowed_prefixes[{i}]"), fault.Fields.Select(v => v.Field));
        Assert.Equal(4, (await net.PortAsync(port.Name)).AllowedPrefixes.Count);

        Task<Port> AllowAsync(params string[] prefixes) =>
            net.UpdateAsync(new() { Name = port.Name, AllowedPrefixes = { prefixes } }, "allowed_prefixes");
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task RatesAndPrefixes_AreToldToTheHypervisor(string provider)
    {
        await using var net = await NetworkFixture.StartAsync(provider);
        await net.PrepareAsync("10.64.0.0/24");
        var owner = Guid.CreateVersion7();
        var port = await net.ClaimAsync(owner);
        await net.Owned.BindAsync(owner, "hv1", default);
        await using var agent = new ScriptedAgent(net, "hv1");
        await agent.ConnectAsync();
        await net.UpdateAsync(new()
        {
            Name = port.Name,
            EgressBitsPerSecond = 1_000_000,
            IngressBitsPerSecond = 2_000_000,
            AllowedPrefixes = { "172.16.0.0/24" },
        }, "egress_bits_per_second", "ingress_bits_per_second", "allowed_prefixes");
        var spec = (await agent.NextAsync()).UpsertPort;
        Assert.Equal((1_000_000, 2_000_000, "172.16.0.0/24"),
            (spec.EgressBitsPerSecond, spec.IngressBitsPerSecond, spec.AllowedPrefixes.Single()));
        var fault = await Expect.FaultAsync(StatusCode.InvalidArgument, "INVALID_REQUEST", () =>
            net.UpdateAsync(new() { Name = port.Name, EgressBitsPerSecond = 63_999 }, "egress_bits_per_second"));
        Assert.Contains("64,000", fault.Message, StringComparison.Ordinal);
    }
}
