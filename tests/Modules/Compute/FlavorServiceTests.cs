using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Monolith.Compute.Flavors;
using Monolith.Compute.V1;
using Monolith.Modules.Tests.Calls;
using Monolith.Platform.Faults;
using FlavorService = Monolith.Compute.Flavors.FlavorService;

namespace Monolith.Modules.Tests.Compute;

public sealed class FlavorServiceTests
{
    static CreateFlavorRequest Small(string id = "small") => new()
    {
        FlavorId = id,
        Flavor = new Flavor { Vcpus = 1, MemoryMib = 128, DiskGib = 1, Labels = { ["tier"] = "web" } },
    };

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task Create_OfABadFlavor_SaysEveryViolationAtOnce(string provider)
    {
        await using var store = await ComputeStore.OpenAsync(provider);
        var fault = await Assert.ThrowsAsync<Fault>(() => new FlavorService(store.Store)
            .CreateFlavor(new CreateFlavorRequest { FlavorId = "Not Good", Flavor = new Flavor() }, new FakeCall()));
        Assert.Equal(StatusCode.InvalidArgument, fault.Code);
        Assert.Equal(["flavor_id", "flavor.vcpus", "flavor.memory_mib", "flavor.disk_gib"], fault.Fields.Select(f => f.Field));
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task Create_RepeatedWithItsRequestId_GivesTheSameFlavorAndNoSecondEvent(string provider)
    {
        await using var store = await ComputeStore.OpenAsync(provider);
        var service = new FlavorService(store.Store);
        var request = Small();
        request.RequestId = Guid.NewGuid().ToString();
        var first = await service.CreateFlavor(request, new FakeCall());
        var again = await service.CreateFlavor(request, new FakeCall());
        Assert.Equal(first, again);
        Assert.Equal(1, store.Store.Feed.Last);
        request.Flavor.Vcpus = 2;
        var fault = await Assert.ThrowsAsync<Fault>(() => service.CreateFlavor(request, new FakeCall()));
        Assert.Equal("request_id", Assert.Single(fault.Fields).Field);
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task Create_WithValidateOnly_LeavesNothing(string provider)
    {
        await using var store = await ComputeStore.OpenAsync(provider);
        var service = new FlavorService(store.Store);
        var request = Small();
        request.ValidateOnly = true;
        Assert.Equal("flavors/small", (await service.CreateFlavor(request, new FakeCall())).Name);
        await Assert.ThrowsAsync<Fault>(() => service.GetFlavor(new GetFlavorRequest { Name = "flavors/small" }, new FakeCall()));
        Assert.Equal(0, store.Store.Feed.Last);
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task Update_WithAnOldEtag_IsAborted(string provider)
    {
        await using var store = await ComputeStore.OpenAsync(provider);
        var service = new FlavorService(store.Store);
        var flavor = await service.CreateFlavor(Small(), new FakeCall());
        flavor.DisplayName = "Small";
        var changed = await service.UpdateFlavor(new UpdateFlavorRequest { Flavor = flavor }, new FakeCall());
        Assert.Equal("Small", changed.DisplayName);
        var fault = await Assert.ThrowsAsync<Fault>(() =>
            service.UpdateFlavor(new UpdateFlavorRequest { Flavor = flavor }, new FakeCall()));
        Assert.Equal(StatusCode.Aborted, fault.Code);
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task Update_OfTheSize_IsRefusedWithTheFieldsThatCanChange(string provider)
    {
        await using var store = await ComputeStore.OpenAsync(provider);
        var service = new FlavorService(store.Store);
        var flavor = await service.CreateFlavor(Small(), new FakeCall());
        var fault = await Assert.ThrowsAsync<Fault>(() => service.UpdateFlavor(new UpdateFlavorRequest
        {
            Flavor = flavor,
            UpdateMask = new FieldMask { Paths = { "vcpus" } },
        }, new FakeCall()));
        Assert.Contains("display_name", Assert.Single(fault.Fields).Description, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task List_ByPages_GivesEveryFlavorOnceInOrder(string provider)
    {
        await using var store = await ComputeStore.OpenAsync(provider);
        var service = new FlavorService(store.Store);
        for (var i = 0; i < 25; i++) await service.CreateFlavor(Small($"f{i:00}"), new FakeCall());
        var names = new List<string>();
        var token = "";
        do
        {
            var page = await service.ListFlavors(new ListFlavorsRequest
            {
                PageSize = 10,
                PageToken = token,
                Filter = "vcpus = 1 AND labels.tier = web AND NOT name = \"flavors/f07\"",
            }, new FakeCall());
            names.AddRange(page.Flavors.Select(f => f.Name));
            token = page.NextPageToken;
        } while (token.Length > 0);
        Assert.Equal(Enumerable.Range(0, 25).Where(i => i != 7).Select(i => $"flavors/f{i:00}"), names);
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task Writers_InParallel_AllCommitAndEventsAreInOrder(string provider)
    {
        await using var store = await ComputeStore.OpenAsync(provider);
        var service = new FlavorService(store.Store);
        await Task.WhenAll(Enumerable.Range(0, 200).Select(i => service.CreateFlavor(Small($"f{i}"), new FakeCall())));
        await store.ReopenAsync();
        var sequences = await store.Store.ReadAsync(db => Task.FromResult(db.Events.Select(e => e.Sequence).ToList()));
        Assert.Equal(Enumerable.Range(1, 200).Select(i => (long)i), sequences.Order());
        Assert.Equal(200, store.Store.Feed.Last);
    }
}
