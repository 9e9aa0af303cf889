using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Time.Testing;
using Monolith.Compute.AvailabilityZones;
using Monolith.Compute.Flavors;
using Monolith.Compute.Hypervisors;
using Monolith.Compute.Placement;
using Monolith.Modules.Tests.Calls;
using Monolith.Platform.Calls;

namespace Monolith.Modules.Tests.Compute;

/// <summary>A look at the fleet serves many placements, and never hides room for long.</summary>
public sealed class FleetViewTests
{
    static readonly Demand Half = new(1, 512, 10, "");

    static async Task<ComputeStore> FleetOfAsync(int hypervisors)
    {
        var store = await ComputeStore.OpenAsync("sqlite");
        await store.Store.WriteAsync(Call.Of("test"), unit =>
        {
            for (var i = 0; i < hypervisors; i++)
                unit.Db.Hypervisors.Add(new HypervisorRow
                {
                    Name = $"hypervisors/hv{i}",
                    Up = true,
                    Vcpus = 2,
                    MemoryMib = 1024,
                    DiskGib = 20,
                });
            return Task.CompletedTask;
        }, default);
        return store;
    }

    static Task UseAsync(ComputeStore store, int vcpus) => store.Store.WriteAsync(Call.Of("test"),
        unit => unit.Db.Hypervisors.ExecuteUpdateAsync(h => h.SetProperty(x => x.UsedVcpus, vcpus)), default);

    [Fact]
    public async Task Placements_TakeRoomFromTheLook_BeforeTheDatabaseHearsOfThem()
    {
        await using var store = await FleetOfAsync(3);
        using var view = new FleetView(store.Store, new FakeTimeProvider());
        var placed = new List<string>();
        for (var i = 0; i < 6; i++) placed.Add((await view.PlaceAsync(Half, 1, $"s{i}")).Order[0].Id);
        Assert.All(placed.CountBy(id => id), p => Assert.Equal(2, p.Value));
        Assert.Equal(3, placed.Distinct().Count());
    }

    [Fact]
    public async Task RoomThatBecameFree_IsSeenAtOnce_ByADemandThatFindsNone()
    {
        await using var store = await FleetOfAsync(1);
        using var view = new FleetView(store.Store, new FakeTimeProvider());
        await UseAsync(store, 2);
        Assert.Empty((await view.PlaceAsync(Half, 5, "s")).Order);
        Assert.Empty((await view.ForeseeAsync(Half, "s")).Order);
        await UseAsync(store, 0);
        Assert.Single((await view.ForeseeAsync(Half, "s")).Order);
        Assert.Single((await view.PlaceAsync(Half, 5, "s")).Order);
    }

    [Fact]
    public async Task ALook_IsOldAfterASecond_OrWhenItWasWrong()
    {
        await using var store = await FleetOfAsync(2);
        var time = new FakeTimeProvider();
        using var view = new FleetView(store.Store, time);
        Assert.Equal(2, (await view.PlaceAsync(Half, 5, "s")).Order.Count);
        await UseAsync(store, 2);
        Assert.Equal(2, (await view.PlaceAsync(Half, 5, "s")).Order.Count);
        time.Advance(FleetView.Age);
        Assert.Empty((await view.PlaceAsync(Half, 5, "s")).Order);
        await UseAsync(store, 0);
        view.Forget();
        Assert.Equal(2, (await view.PlaceAsync(Half, 5, "s")).Order.Count);
    }

    [Fact]
    public async Task InAFleetOfThousands_ServersSpread_AndTheOnlyRoomIsFound()
    {
        const int hypervisors = 2_000;
        await using var store = await FleetOfAsync(hypervisors);
        using var view = new FleetView(store.Store, new FakeTimeProvider());
        var placed = new List<string>();
        for (var i = 0; i < hypervisors * 3 / 4; i++)
            placed.Add((await view.PlaceAsync(Half, 1, $"s{i}")).Order[0].Id);
        Assert.Equal(placed.Count, placed.Distinct().Count());

        await UseAsync(store, 2);
        await store.Store.WriteAsync(Call.Of("test"), unit => unit.Db.Hypervisors.Where(h => h.Name == "hypervisors/hv1234")
            .ExecuteUpdateAsync(h => h.SetProperty(x => x.UsedVcpus, 0)), default);
        view.Forget();
        Assert.Equal("hv1234", Assert.Single((await view.PlaceAsync(Half, 5, "s")).Order).Id);
        var full = await view.PlaceAsync(new Demand(3, 512, 10, ""), 5, "s");
        Assert.Empty(full.Order);
        Assert.Equal(hypervisors, full.Rejected.Sum(r => r.Count));
    }

    /// <summary>Nothing happens in between, so what is foretold is what happens.</summary>
    [Fact]
    public async Task WhatIsForeseen_IsWhatHappens_AndTakesNothing()
    {
        await using var store = await FleetOfAsync(700);
        using var view = new FleetView(store.Store, new FakeTimeProvider());
        for (var i = 0; i < 1_400; i++)
        {
            var server = $"projects/p/servers/s{i}";
            var foreseen = await view.ForeseeAsync(Half, server);
            Assert.Equal(foreseen.Order, (await view.ForeseeAsync(Half, server)).Order);
            Assert.Equal(foreseen.Order, (await view.PlaceAsync(Half, FleetView.Attempts, server)).Order);
        }
        // The look is full, and so is the database when it is asked again.
        await UseAsync(store, 2);
        Assert.Empty((await view.ForeseeAsync(Half, "one more")).Order);
    }

    [Fact]
    public async Task WhatFitsNowhere_IsToldASmallerFlavor()
    {
        await using var store = await FleetOfAsync(3);
        await store.Store.WriteAsync(Call.Of("test"), unit =>
        {
            unit.Db.Flavors.Add(new FlavorRow { Name = "flavors/tiny", Vcpus = 1, MemoryMib = 256, DiskGib = 1 });
            unit.Db.Flavors.Add(new FlavorRow { Name = "flavors/half", Vcpus = 1, MemoryMib = 512, DiskGib = 10 });
            return Task.CompletedTask;
        }, default);
        using var view = new FleetView(store.Store, new FakeTimeProvider());
        var result = await view.PlaceAsync(new Demand(2, 4096, 10, ""), 5, "s");
        Assert.Equal("None of 3 hypervisors can take it: 3 with too little free memory. It would fit with flavors/half.",
            result.Explain());
    }

    /// <summary>A zone is there while a hypervisor is in it, and takes servers while one of any flavor would be placed.</summary>
    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task Zones_AreThoseOfTheHypervisors_AndSayWhetherThereIsRoomForAnyFlavor(string provider)
    {
        await using var store = await ComputeStore.OpenAsync(provider);
        static HypervisorRow Hypervisor(string id, string zone, int free = 2, bool up = true, string maintenance = "", bool schedulable = true,
            string traits = "") => new()
            {
                Name = "hypervisors/" + id, Up = up, AvailabilityZone = zone, Vcpus = 4, UsedVcpus = 4 - free, MemoryMib = 1024,
                DiskGib = 20, Maintenance = maintenance, Schedulable = schedulable, Traits = TraitSet.Of(traits.Length > 0 ? [traits] : []).ToString(),
            };
        await store.Store.WriteAsync(Call.Of("test"), unit =>
        {
            unit.Db.Hypervisors.AddRange(
                Hypervisor("a1", "open"), Hypervisor("a2", "open", up: false), Hypervisor("b1", "full", free: 1),
                Hypervisor("c1", "down", up: false), Hypervisor("d1", "maintained", maintenance: "fan"),
                Hypervisor("e1", "closed", schedulable: false), Hypervisor("f1", ""), Hypervisor("g1", "special", free: 1, traits: "gpu"));
            unit.Db.Flavors.AddRange(
                new FlavorRow { Name = "flavors/small", Vcpus = 2, MemoryMib = 512, DiskGib = 1 },
                new FlavorRow { Name = "flavors/gpu", Vcpus = 1, MemoryMib = 512, DiskGib = 1, RequiredTraits = TraitSet.Of(["gpu"]).ToString() });
            return Task.CompletedTask;
        }, default);
        using var fleet = new FleetView(store.Store, TimeProvider.System);
        var service = new AvailabilityZoneService(fleet);
        async Task<string> ListAsync(int size, string token = "")
        {
            var page = await service.ListAvailabilityZones(new() { PageSize = size, PageToken = token }, new FakeCall());
            var text = string.Join(' ', page.AvailabilityZones.Select(z => z.Name["availabilityZones/".Length..] + (z.AcceptsServers ? "+" : "-")));
            return page.NextPageToken.Length == 0 ? text : text + " | " + await ListAsync(size, page.NextPageToken);
        }
        Assert.Equal("closed- down- full- maintained- open+ special+", await ListAsync(0));
        Assert.Equal("closed- down- full- maintained- | open+ special+", await ListAsync(4));
    }
}
