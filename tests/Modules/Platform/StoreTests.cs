using System.Collections.Concurrent;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Monolith.Compute.V1;
using Monolith.Modules.Tests.Calls;
using Monolith.Modules.Tests.Compute;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Storage;
using FlavorService = Monolith.Compute.Flavors.FlavorService;

namespace Monolith.Modules.Tests.Platform;

/// <summary>What every database must mean the same by, and what a store does when its database misbehaves.</summary>
public sealed class StoreTests
{
    static CreateFlavorRequest Flavor(string id, string displayName = "") => new()
    {
        FlavorId = id,
        Flavor = new Flavor { Vcpus = 1, MemoryMib = 128, DiskGib = 1, DisplayName = displayName },
    };

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task Text_IsComparedByteByByte(string provider)
    {
        await using var store = await ComputeStore.OpenAsync(provider);
        var service = new FlavorService(store.Store);
        // A language's order puts small letters before capitals, accents beside their letters and hyphens nowhere.
        string[] names = ["Web-1", "web-2", "Zebra", "apple", "Äpfel", "a_b%", "a-b", "🦓 x"];
        for (var i = 0; i < names.Length; i++) await service.CreateFlavor(Flavor($"f{i}", names[i]), new FakeCall());
        foreach (var (filter, fits) in new (string, Func<string, bool>)[]
        {
            ("display_name = \"web*\"", n => n.StartsWith("web", StringComparison.Ordinal)),
            ("display_name = \"Web*\"", n => n.StartsWith("Web", StringComparison.Ordinal)),
            ("display_name = \"*B%\"", n => n.EndsWith("B%", StringComparison.Ordinal)),
            ("display_name = \"*b%\"", n => n.EndsWith("b%", StringComparison.Ordinal)),
            ("display_name = \"🦓*\"", n => n.StartsWith('\ud83e')),
            ("display_name : \"EB\"", n => n.Contains("EB", StringComparison.Ordinal)),
            ("display_name : \"_\"", n => n.Contains('_')),
            ("display_name > \"a\"", n => string.CompareOrdinal(n, "a") > 0),
            ("display_name < \"Z\"", n => string.CompareOrdinal(n, "Z") < 0),
        })
        {
            var listed = await service.ListFlavors(new ListFlavorsRequest { Filter = filter }, new FakeCall());
            Assert.Equal(names.Where(fits), listed.Flavors.Select(f => f.DisplayName));
        }
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task Events_OfOneWrite_AreAllThere_InTheirOrder_HoweverMany(string provider)
    {
        await using var store = await ComputeStore.OpenAsync(provider);
        var last = 0L;
        foreach (var count in new[] { 1, 3, 4, 15, 16, 17, 37, 64 })
        {
            await store.Store.WriteAsync(Call.Of("test"), unit =>
            {
                for (var i = 0; i < count; i++)
                    unit.Emit("flavor", Change.Created, $"flavors/f{i}", i % 2 == 0 ? "" : "p",
                        new Flavor { Name = $"flavors/f{i}" });
                return Task.CompletedTask;
            }, default);
            var since = last;
            var events = await store.Store.ReadAsync(db => db.Events.Where(e => e.Sequence > since)
                .OrderBy(e => e.Sequence).ToListAsync());
            Assert.Equal(Enumerable.Range(0, count).Select(i => (since + i + 1, $"flavors/f{i}", i % 2 == 0 ? "" : "p")),
                events.Select(e => (e.Sequence, e.Resource, e.Project)));
            Assert.All(events, e => Assert.Equal(e.Resource, Monolith.Compute.V1.Flavor.Parser.ParseFrom(e.Data).Name));
            last += count;
        }
    }

    /// <summary>On SQLite, whose statements are kept: they must not meet themselves.</summary>
    [Fact]
    public async Task AQuery_MayRunAgain_WhileItsRowsAreRead()
    {
        await using var store = await ComputeStore.OpenAsync("sqlite");
        var service = new FlavorService(store.Store);
        for (var i = 0; i < 5; i++) await service.CreateFlavor(Flavor($"f{i}"), new FakeCall());
        var pairs = await store.Store.ReadAsync(async db =>
        {
            var found = new List<(string, string)>();
            await foreach (var outer in db.Flavors.OrderBy(f => f.Name).AsAsyncEnumerable())
                await foreach (var inner in db.Flavors.OrderBy(f => f.Name).AsAsyncEnumerable())
                    found.Add((outer.Name, inner.Name));
            return found;
        });
        Assert.Equal(25, pairs.Distinct().Count());
        Assert.Equal(pairs.Order(), pairs);
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task AnAnswer_IsWhatALaterReadFinds(string provider)
    {
        await using var store = await ComputeStore.OpenAsync(provider);
        var service = new FlavorService(store.Store);
        // Of ten times, some are between two microseconds.
        for (var i = 0; i < 10; i++)
        {
            var made = await service.CreateFlavor(Flavor($"f{i}"), new FakeCall());
            Assert.Equal(made, await service.GetFlavor(new GetFlavorRequest { Name = made.Name }, new FakeCall()));
        }
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task TwoHosts_ThatMakeTheSame_MakeItOnce_AndEventsAreInOneOrder(string provider)
    {
        await using var store = await ComputeStore.OpenAsync(provider);
        var other = await store.AnotherAsync();
        var services = new[] { new FlavorService(store.Store), new FlavorService(other) };
        var refused = new ConcurrentBag<Fault>();
        await Task.WhenAll(Enumerable.Range(0, 200).Select(async i =>
        {
            try
            {
                await services[i % 2].CreateFlavor(Flavor($"f{i / 2}"), new FakeCall());
            }
            catch (Fault fault)
            {
                refused.Add(fault);
            }
        }));
        Assert.Equal(100, refused.Count);
        Assert.All(refused, f => Assert.Equal(StatusCode.AlreadyExists, f.Code));
        var events = await other.ReadAsync(db => db.Events.OrderBy(e => e.Sequence).ToListAsync());
        Assert.Equal(100, events.Select(e => e.Resource).Distinct().Count());
        // Each host's feed, told of the other's commits, has all of them in the same order.
        foreach (var feed in new[] { store.Store.Feed, other.Feed })
        {
            feed.Nudge(events[^1].Sequence);
            var followed = new List<long>();
            await foreach (var batch in feed.FollowAsync(0, TestContext.Current.CancellationToken))
            {
                followed.AddRange(batch.Select(e => e.Sequence));
                if (followed[^1] == events[^1].Sequence) break;
            }
            Assert.Equal(events.Select(e => e.Sequence), followed);
        }
        if (other != store.Store) await other.DisposeAsync();
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task AStore_WhoseConnectionsAreCut_FailsWhatWasUnderWayAndGoesOn(string provider)
    {
        await using var store = await ComputeStore.OpenAsync(provider);
        var service = new FlavorService(store.Store);
        for (var round = 0; round < 3; round++)
        {
            await store.CutAsync();
            var fault = await Record.ExceptionAsync(() => service.CreateFlavor(Flavor($"lost{round}"), new FakeCall()));
            if (fault is not null)
                Assert.Equal(("DATABASE_UNAVAILABLE", StatusCode.Unavailable),
                    (Assert.IsType<Fault>(fault).Reason, ((Fault)fault).Code));
            var made = await service.CreateFlavor(Flavor($"kept{round}"), new FakeCall());
            Assert.Equal(made, await service.GetFlavor(new GetFlavorRequest { Name = made.Name }, new FakeCall()));
        }
        var last = await store.Store.ReadAsync(db => db.Events.MaxAsync(e => e.Sequence));
        Assert.Equal(last, store.Store.Feed.Last);
    }

    /// <summary>A made name that is taken already: the work runs again and makes another.</summary>
    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task Work_ThatMeetsAUniqueIndex_RunsAgain_AndIsAbortedInTheEnd(string provider)
    {
        await using var store = await ComputeStore.OpenAsync(provider);
        await new FlavorService(store.Store).CreateFlavor(Flavor("f0"), new FakeCall());
        var tries = 0;
        Task Insert(Func<int, string> name) => store.Store.WriteAsync(Call.Of("test"), unit =>
        {
            unit.Db.Flavors.Add(new()
            {
                Name = "flavors/" + name(++tries),
                CreateTime = unit.Now,
                UpdateTime = unit.Now,
            });
            return Task.CompletedTask;
        }, TestContext.Current.CancellationToken);

        await Insert(n => n < 3 ? "f0" : "f1");
        Assert.Equal(3, tries);
        await Expect.FaultAsync(StatusCode.Aborted, "WRITE_CONFLICT", () => Insert(_ => "f0"));
        Assert.Equal(["flavors/f0", "flavors/f1"],
            await store.Store.ReadAsync(db => db.Flavors.OrderBy(f => f.Name).Select(f => f.Name).ToListAsync()));
    }
}
