using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Monolith.Modules.Tests.Calls;
using Monolith.Network.V1;
using Monolith.Platform.Faults;
using Purpose = Monolith.Network.V1.AddressPool.Types.Purpose;

namespace Monolith.Modules.Tests.Network;

/// <summary>Which pool an address comes from, what is kept, and what is said of both.</summary>
public class PoolTests
{
    static Task<IReadOnlyList<FieldViolation>> RefusedAsync(Func<Task> act) => FieldsAsync(act);

    static async Task<IReadOnlyList<FieldViolation>> FieldsAsync(Func<Task> act) =>
        (await Expect.FaultAsync(StatusCode.InvalidArgument, "INVALID_REQUEST", act)).Fields;

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task Claim_TakesFromThePoolOfItsZone_AndSaysOfEachOtherWhyNot(string provider)
    {
        await using var net = await NetworkFixture.StartAsync(provider);
        await net.MakeAsync("zone-a", new() { Prefixes = { "10.1.0.0/30" }, AvailabilityZone = "a" });
        await net.MakeAsync("zone-b", new() { Prefixes = { "10.2.0.0/30" }, AvailabilityZone = "b" });
        await net.NetworkAsync("p", "default", "zone-a", "zone-b");
        var facts = (await net.Owned.ClaimAsync([NetworkFixture.Claim(Guid.CreateVersion7()) with { Zone = "b" }], default))[0];
        Assert.StartsWith("10.2.0.", Assert.Single(facts.Addresses), StringComparison.Ordinal);

        var claim = NetworkFixture.Claim(Guid.CreateVersion7());
        const string none = "projects/p/networks/default has no pool for the port's IPv4 address: "
            + "addressPools/zone-a is for the availability zone a, and none is asked for; "
            + "addressPools/zone-b is for the availability zone b, and none is asked for";
        Assert.Equal([new("server.networks[0].network", none)],
            await net.Owned.CheckAsync([claim], ["server.networks[0]"], default));
        Assert.Equal(none, Assert.Single(await FieldsAsync(() => net.Owned.ClaimAsync([claim], default))).Description);
        Assert.Equal([new("n.address", "10.1.0.1 lies in addressPools/zone-a, which is for the availability zone a, and b is asked for")],
            await net.Owned.CheckAsync([claim with { Zone = "b", Address = "10.1.0.1" }], ["n"], default));

        // The pool of the zone is full: the other is no help, and that is said.
        for (var i = 0; i < 3; i++)
            await net.Owned.ClaimAsync([NetworkFixture.Claim(Guid.CreateVersion7()) with { Zone = "b" }], default);
        var full = await Expect.FaultAsync(StatusCode.ResourceExhausted, "ADDRESS_POOL_EXHAUSTED",
            () => net.Owned.ClaimAsync([claim with { Zone = "b" }], default));
        Assert.Contains("addressPools/zone-a is for the availability zone a, and b is asked for", full.Message,
            StringComparison.Ordinal);
        Assert.Equal("addressPools/zone-b", full.Metadata["pool"]);
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task APoolOfAProject_IsForNobodyElse(string provider)
    {
        await using var net = await NetworkFixture.StartAsync(provider);
        var pool = await net.MakeAsync("theirs", new() { Prefixes = { "10.1.0.0/30" }, Owner = "projects/q" });
        Assert.Equal("projects/q", pool.Owner);
        await net.MakeAsync("spare", new() { Prefixes = { "10.2.0.0/30" }, Purpose = Purpose.Floating });
        Assert.Equal(
        [
            "addressPools/theirs belongs to another project",
            "addressPools/spare is for floating addresses; a network needs pools of purpose SERVER",
        ], (await FieldsAsync(() => net.NetworkAsync("p", "default", "theirs", "spare"))).Select(f => f.Description));
        await net.NetworkAsync("q", "default", "theirs");

        await net.MakeAsync("vips", new() { Prefixes = { "10.3.0.0/30" }, Purpose = Purpose.LoadBalancer, Owner = "projects/q" });
        var none = await Expect.FaultAsync(StatusCode.FailedPrecondition, "NO_ADDRESS_POOL",
            () => net.Virtual.ClaimAsync("p", "projects/p/loadBalancers/l", Guid.CreateVersion7(), "", default));
        Assert.Contains("addressPools/vips belongs to projects/q", none.Message, StringComparison.Ordinal);
        Assert.Equal("10.3.0.0",
            await net.Virtual.ClaimAsync("q", "projects/q/loadBalancers/l", Guid.CreateVersion7(), "", default));
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task CreatePool_SaysEverythingThatIsWrong_AtOnce(string provider)
    {
        await using var net = await NetworkFixture.StartAsync(provider);
        await net.PoolAsync("other", "10.1.0.0/16");
        var fields = await RefusedAsync(() => net.MakeAsync("Mine", new()
        {
            Prefixes = { "10.0.0.1/24", "10.1.2.0/24", "10.9.0.0/24" },
            Exclusions = { "10.9.0.250-10.9.1.3", "10.9.0.9-10.9.0.5" },
            Owner = "nobody",
            Quarantine = new Duration { Seconds = -1 },
        }));
        Assert.Equal(
        [
            "address_pool_id", "address_pool.owner", "address_pool.quarantine", "address_pool.prefixes[0]",
            "address_pool.exclusions[0]", "address_pool.exclusions[1]", "address_pool.prefixes[1]",
        ], fields.Select(f => f.Field));
        Assert.Equal("lies only partly in the prefixes", fields[4].Description);
        Assert.Equal("overlaps 10.1.0.0/16 of addressPools/other", fields[6].Description);
    }

    /// <summary>Two hosts on one database each see the other's pool or commit before it, and never make an overlap.</summary>
    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task PoolsThatOverlap_MadeAtOnceByTwoHosts_AreNeverBothMade(string provider)
    {
        await using var one = await NetworkFixture.StartAsync(provider);
        await using var other = await one.AgainAsync(NetworkFixture.Options);
        for (var round = 0; round < 8; round++)
        {
            var made = await Task.WhenAll(Enumerable.Range(0, 6).Select(i => Task.Run(async () =>
            {
                try
                {
                    await (i % 2 == 0 ? one : other).PoolAsync($"r{round}-{i}", $"10.{round}.0.0/{16 + i}");
                    return 1;
                }
                catch (Fault fault) when (fault.Reason == "INVALID_REQUEST")
                {
                    return 0;
                }
            })));
            Assert.Equal(1, made.Sum());
        }
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task AReservedAddress_IsGivenToItsProjectThatAsksForIt_AndToNobodyElse(string provider)
    {
        await using var net = await NetworkFixture.StartAsync(provider);
        await net.PrepareAsync("10.64.0.0/29");
        await net.NetworkAsync("q", "default", "servers");
        await net.ReserveAsync("mail", "10.64.0.0-10.64.0.1", "projects/p", "the mail servers");
        await net.ReserveAsync("switch", "10.64.0.4", note: "switch 7");
        Assert.Equal((8, 0, 3, 5), Counts(await net.PoolAsync("servers")));

        Assert.Equal(["10.64.0.2"], (await net.ClaimAsync(Guid.CreateVersion7())).Addresses);
        var owner = Guid.CreateVersion7();
        Assert.Equal(["10.64.0.1"], (await net.ClaimAsync(owner, address: "10.64.0.1")).Addresses);
        Assert.Equal((8, 2, 2, 4), Counts(await net.PoolAsync("servers")));
        var other = NetworkFixture.Claim(Guid.CreateVersion7(), address: "10.64.0.0") with
        {
            Project = "q",
            Owner = "projects/q/servers/x",
        };
        var fault = await Expect.FaultAsync(StatusCode.FailedPrecondition, "ADDRESS_NOT_FREE",
            () => net.Owned.ClaimAsync([other], default));
        Assert.Contains("reserved for projects/p (addressPools/servers/reservations/mail)", fault.Message, StringComparison.Ordinal);
        fault = await Expect.FaultAsync(StatusCode.FailedPrecondition, "ADDRESS_NOT_FREE",
            () => net.ClaimAsync(Guid.CreateVersion7(), address: "10.64.0.4"));
        Assert.Contains("reserved for switch 7", fault.Message, StringComparison.Ordinal);

        // It goes back to its reservation.
        await net.Owned.ReleaseAsync(owner, default);
        Assert.Equal((8, 1, 3, 4), Counts(await net.PoolAsync("servers")));
        for (var i = 0; i < 4; i++) await net.ClaimAsync(Guid.CreateVersion7());
        fault = await Expect.FaultAsync(StatusCode.ResourceExhausted, "ADDRESS_POOL_EXHAUSTED",
            () => net.ClaimAsync(Guid.CreateVersion7()));
        Assert.Equal(("5", "3"), (fault.Metadata["used"], fault.Metadata["reserved"]));

        await net.UnreserveAsync("switch");
        Assert.Equal(["10.64.0.4"], (await net.ClaimAsync(Guid.CreateVersion7())).Addresses);

        static (long, long, long, long) Counts(AddressPool pool) =>
            (pool.AddressCount, pool.UsedCount, pool.ReservedCount, pool.FreeCount);
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task Reserve_WhereItCannotBe_SaysEveryReason(string provider)
    {
        await using var net = await NetworkFixture.StartAsync(provider);
        await net.MakeAsync("servers", new() { Prefixes = { "10.64.0.0/28", "2001:db8::/64" }, Exclusions = { "10.64.0.8/30" } });
        await net.NetworkAsync("p", "default", "servers");
        await net.ReserveAsync("a", "10.64.0.6/31", note: "first");
        Assert.Equal(
        [
            "lies not wholly in the prefixes of addressPools/servers: 10.64.0.0/28, 2001:db8::/64",
            "overlaps 10.64.0.8-10.64.0.11, which addressPools/servers excludes",
            "overlaps 10.64.0.6/31 of addressPools/servers/reservations/a, for first",
        ], (await FieldsAsync(() => net.ReserveAsync("b", "10.64.0.7-10.64.0.20"))).Select(f => f.Description));
        Assert.Equal(["reservation_id", "reservation.owner", "reservation.note", "reservation.addresses"],
            (await FieldsAsync(() => net.ReserveAsync("B", "10.64.0.300", "p", new string('x', 256)))).Select(f => f.Field));

        var owner = Guid.CreateVersion7();
        var held = (await net.ClaimAsync(owner)).Addresses[0];
        await Expect.FaultAsync(StatusCode.FailedPrecondition, "ADDRESS_IN_USE",
            () => net.ReserveAsync("c", held, "projects/q"));
        // For who holds it, it may be kept.
        await net.ReserveAsync("c", held, "projects/p");
        Assert.Equal(2, (await net.PoolAsync("servers")).ReservedCount);
        await net.Owned.ReleaseAsync(owner, default);
        Assert.Equal(3, (await net.PoolAsync("servers")).ReservedCount);

        // Space that is reserved cannot leave.
        foreach (var change in new[] { new AddressPool { Prefixes = { "2001:db8::/64" } }, new AddressPool { Prefixes = { "10.64.0.0/28" }, Exclusions = { "10.64.0.6" } } })
        {
            change.Name = "addressPools/servers";
            await Expect.FaultAsync(StatusCode.FailedPrecondition, "ADDRESS_RESERVED",
                () => net.Pools.UpdateAddressPool(new UpdateAddressPoolRequest
                {
                    AddressPool = change,
                    UpdateMask = FieldMask.FromString("prefixes,exclusions"),
                }, NetworkFixture.Call()));
        }
        // The next free one, for who has no wish.
        Assert.Equal("10.64.0.1", (await net.ReserveAsync("any", "")).Addresses);
        var all = await net.Reservations.ListReservations(new ListReservationsRequest
        {
            Parent = "addressPools/-",
            Filter = "owner = \"projects/p\"",
        }, NetworkFixture.Call());
        Assert.Equal(["addressPools/servers/reservations/c"], all.Reservations.Select(r => r.Name));
    }

    /// <summary>Machines share a segment, and the first and last address of their prefix are not a machine's.</summary>
    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task Infrastructure_HasNetworkAndBroadcastAddresses_AndServersHaveNone(string provider)
    {
        await using var net = await NetworkFixture.StartAsync(provider);
        var infrastructure = await net.MakeAsync("racks",
            new() { Prefixes = { "10.1.0.0/29", "10.1.0.8/31" }, Purpose = Purpose.Infrastructure });
        Assert.Equal((8, 2), (infrastructure.AddressCount, infrastructure.ExcludedCount));
        Assert.Equal("10.1.0.1", (await net.ReserveAsync("any", "", note: "switch", pool: "racks")).Addresses);
        Assert.Contains("overlaps 10.1.0.7, which", Assert.Single(
            await FieldsAsync(() => net.ReserveAsync("last", "10.1.0.7", pool: "racks"))).Description, StringComparison.Ordinal);
        Assert.Equal(8, (await net.PoolAsync("servers", "10.2.0.0/29")).AddressCount);
    }
}
