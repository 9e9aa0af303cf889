using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Monolith.Modules.Tests.Calls;
using Monolith.Network;
using Monolith.Network.V1;
using Outlook = Monolith.Network.V1.AddressPool.Types.Forecast.Types.Outlook;

namespace Monolith.Modules.Tests.Network;

/// <summary>What is remembered of an address that was released, and for how long.</summary>
public class QuarantineTests
{
    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task Quarantine_IsThePools_AndIsNotCutShortWhenNothingElseIsLeft(string provider)
    {
        await using var net = await NetworkFixture.StartAsync(provider);
        await net.MakeAsync("servers", new() { Prefixes = { "10.64.0.0/31" }, Quarantine = new() { Seconds = 600 } });
        await net.NetworkAsync("p", "default", "servers");
        var (first, second) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        await net.ClaimAsync(first);
        await net.ClaimAsync(second);
        await net.Owned.ReleaseAsync(first, default);
        net.Time.Advance(TimeSpan.FromSeconds(100));
        await net.Owned.ReleaseAsync(second, default);
        Assert.Equal((0L, 2L, 0L), Counts(await net.PoolAsync("servers")));
        var fault = await Expect.FaultAsync(StatusCode.ResourceExhausted, "ADDRESS_POOL_EXHAUSTED",
            () => net.ClaimAsync(Guid.CreateVersion7()));
        Assert.Equal(("2", "0"), (fault.Metadata["quarantined"], fault.Metadata["used"]));
        Assert.Equal(TimeSpan.FromSeconds(500), fault.RetryAfter);
        Assert.Contains("2 in quarantine, the first until 2026-01-01T00:10:00", fault.Message, StringComparison.Ordinal);
        Assert.StartsWith("2026-01-01T00:10:00", fault.Metadata["next_free_time"], StringComparison.Ordinal);
        net.Time.Advance(TimeSpan.FromSeconds(500));
        Assert.Equal(["10.64.0.0"], (await net.ClaimAsync(Guid.CreateVersion7())).Addresses);

        static (long, long, long) Counts(AddressPool pool) => (pool.UsedCount, pool.QuarantinedCount, pool.FreeCount);
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task Quarantine_OfNothing_GivesTheAddressAtOnce_AndCanBeTakenBack(string provider)
    {
        await using var net = await NetworkFixture.StartAsync(provider);
        await net.MakeAsync("servers", new() { Prefixes = { "10.64.0.0/32" }, Quarantine = new Duration() });
        await net.NetworkAsync("p", "default", "servers");
        Assert.Equal(new Duration(), (await net.PoolAsync("servers")).Quarantine);
        var owner = Guid.CreateVersion7();
        await net.ClaimAsync(owner);
        await net.Owned.ReleaseAsync(owner, default);
        await net.ClaimAsync(owner);
        var pool = await net.Pools.UpdateAddressPool(new UpdateAddressPoolRequest
        {
            AddressPool = new() { Name = "addressPools/servers" },
            UpdateMask = FieldMask.FromString("quarantine"),
        }, NetworkFixture.Call());
        Assert.Null(pool.Quarantine);
        await net.Owned.ReleaseAsync(owner, default);
        await Expect.FaultAsync(StatusCode.ResourceExhausted, "ADDRESS_POOL_EXHAUSTED", () => net.ClaimAsync(owner));
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task History_TellsWhoHeldAnAddressAtAnyTime_AndWhatSomebodyHeld(string provider)
    {
        await using var net = await NetworkFixture.StartAsync(provider);
        await net.PrepareAsync("10.64.0.0/32");
        var (first, second) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        var before = net.Time.GetUtcNow();
        net.Time.Advance(TimeSpan.FromMinutes(1));
        await net.ClaimAsync(first, "one");
        var during = net.Time.GetUtcNow();
        net.Time.Advance(TimeSpan.FromMinutes(1));
        await net.Owned.ReleaseAsync(first, default);
        var between = net.Time.GetUtcNow();
        net.Time.Advance(TimeSpan.FromMinutes(1));
        await net.ClaimAsync(second, "two");

        var owners = new List<string>();
        foreach (var at in new[] { before, during, between, net.Time.GetUtcNow() })
            owners.Add(string.Join(",", (await HoldsAsync("10.64.0.0", "", at)).Select(h => h.Owner)));
        Assert.Equal(["", "projects/p/servers/one", "", "projects/p/servers/two"], owners);
        Assert.Equal([("projects/p/servers/two", true), ("projects/p/servers/one", false)],
            (await HoldsAsync("10.64.0.0", "")).Select(h => (h.Owner, h.EndTime is null)));

        var theirs = Assert.Single(await HoldsAsync("", "projects/p/servers/one"));
        Assert.Equal(("10.64.0.0", during, between),
            (theirs.Address, theirs.StartTime.ToDateTimeOffset(), theirs.EndTime.ToDateTimeOffset()));
        Assert.Equal(2, (await HoldsAsync("", "projects/p")).Count);
        Assert.Empty(await HoldsAsync("", "projects/q"));
        Assert.Empty(await HoldsAsync("", "projects/p/servers/on"));

        async Task<IReadOnlyList<AddressHold>> HoldsAsync(string address, string owner, DateTimeOffset? at = null) =>
            (await net.Book.ListAddressHolds(new ListAddressHoldsRequest
            {
                Address = address,
                Owner = owner,
                At = at?.ToTimestamp(),
            }, NetworkFixture.Call())).AddressHolds;
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task History_ComesInPages_AndIsForgottenWhenItIsOld(string provider)
    {
        await using var net = await NetworkFixture.StartAsync(provider);
        await net.PrepareAsync("10.64.0.0/32");
        for (var i = 0; i < 5; i++)
        {
            var owner = Guid.CreateVersion7();
            await net.ClaimAsync(owner, "s" + i);
            await net.Owned.ReleaseAsync(owner, default);
            net.Time.Advance(TimeSpan.FromDays(100));
        }
        var request = new ListAddressHoldsRequest { Address = "10.64.0.0", PageSize = 2 };
        var seen = new List<string>();
        do
        {
            var page = await net.Book.ListAddressHolds(request, NetworkFixture.Call());
            seen.AddRange(page.AddressHolds.Select(h => h.Owner[^2..]));
            request.PageToken = page.NextPageToken;
        }
        while (request.PageToken.Length > 0);
        Assert.Equal(["s4", "s3", "s2", "s1", "s0"], seen);

        // Of 500, 400, 300, 200 and 100 days ago, with 365 kept.
        await net.Keeper.KeepAsync(default);
        Assert.Equal(3, await net.Store.ReadAsync(db => db.PastAddresses.CountAsync()));
        await Expect.FaultAsync(StatusCode.InvalidArgument, "INVALID_REQUEST",
            () => net.Book.ListAddressHolds(new ListAddressHoldsRequest(), NetworkFixture.Call()));
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task Forecast_GuessesNothingForADay_AndThenGoesOnAsBefore(string provider)
    {
        await using var net = await NetworkFixture.StartAsync(provider);
        await using var other = await net.AgainAsync(NetworkFixture.Options);
        await net.PrepareAsync("10.64.0.0/24");
        await net.Keeper.KeepAsync(default);
        // Another host's round in the same hour adds nothing.
        await other.Keeper.KeepAsync(default);
        Assert.Equal(1, await net.Store.ReadAsync(db => db.PoolSamples.CountAsync()));
        for (var i = 0; i < 16; i++) await net.ClaimAsync(Guid.CreateVersion7());
        Assert.Equal(Outlook.NotEnoughHistory, (await net.PoolAsync("servers")).Forecast.Outlook);
        net.Time.Advance(TimeSpan.FromDays(2));
        await net.Keeper.KeepAsync(default);
        var forecast = (await net.PoolAsync("servers")).Forecast;
        Assert.Equal((Outlook.Growing, 8d), (forecast.Outlook, forecast.NetPerDay));
        // 240 are free, and eight go in a day.
        Assert.Equal(net.Time.GetUtcNow() + TimeSpan.FromDays(30), forecast.FullTime.ToDateTimeOffset());
        var listed = await net.Pools.ListAddressPools(new(), NetworkFixture.Call());
        Assert.Equal(forecast, Assert.Single(listed.AddressPools).Forecast);
        net.Time.Advance(TimeSpan.FromDays(20));
        await net.Keeper.KeepAsync(default);
        Assert.Equal(1, await net.Store.ReadAsync(db => db.PoolSamples.CountAsync()));
    }
}
