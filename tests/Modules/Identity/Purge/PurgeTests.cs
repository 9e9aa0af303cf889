using Grpc.Core;
using Monolith.Api.V1;
using Monolith.Identity.V1;
using Monolith.Modules.Tests.Calls;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using State = Monolith.Identity.V1.Project.Types.State;

namespace Monolith.Modules.Tests.Identity.Purge;

/// <summary>A project that is deleted with force waits, goes with all that it owns, and says what it does.</summary>
public sealed class PurgeTests
{
    [Theory]
    [MemberData(nameof(ModuleHost.Providers), MemberType = typeof(ModuleHost))]
    public async Task AProject_GoesWithAllThatItOwns_AndNothingOfAnother(string provider)
    {
        await using var host = await PurgeHost.StartAsync(provider);
        var (world, random) = World(host);
        await world.PrepareAsync();
        foreach (var id in new[] { "one", "other" })
        {
            await host.CreateAsync(id);
            await world.FillAsync(id);
        }
        var others = await host.TracesAsync("other");
        Assert.NotEmpty(await host.TracesAsync("one"));
        var held = random.Next(2) == 0 ? await world.HoldAsync("one") : 0;

        await host.DeleteAsync("one", TimeSpan.Zero);
        if (held > 0)
        {
            var stuck = await host.UntilAsync("one", p => p!.Conditions[0].Reason == "PURGE_HELD");
            Assert.Equal((State.Purging, Condition.Types.Status.False), (stuck!.State, stuck.Conditions[0].Status));
            Assert.Equal(held, stuck.Remainders.Where(r => r.Held).Sum(r => r.Count));
            Assert.All(stuck.Remainders, r => Assert.NotEmpty(r.Reason));
            Assert.All(stuck.Remainders, r => Assert.NotEmpty(r.Message));
            // What is not held, nor has what is in it, is gone.
            Assert.Empty(stuck.Remainders.Select(r => r.Kind).Except(
                ["servers", "ports", "networks", "securityGroups", "serverGroups"]));
            await world.ReleaseAsync("one");
        }
        await host.GoneAsync("one");
        Assert.Empty(await host.TracesAsync("one"));
        AssertKept(others, await host.TracesAsync("other"));
        Assert.Equal(State.Active, (await host.GetAsync("other")).State);
    }

    [Theory]
    [MemberData(nameof(ModuleHost.Providers), MemberType = typeof(ModuleHost))]
    public async Task WhileItWaits_NothingGoes_NothingComes_AndItCanBeHadBackWhole(string provider)
    {
        await using var host = await PurgeHost.StartAsync(provider);
        var (world, _) = World(host);
        await world.PrepareAsync();
        await host.CreateAsync("one");
        await world.FillAsync("one");
        var before = await host.TracesAsync("one");

        await host.DeleteAsync("one");
        var project = await host.GetAsync("one");
        Assert.Equal((State.Deleting, "users/admin"), (project.State, project.DeletedBy));
        Assert.Equal(TimeSpan.FromHours(72), project.PurgeTime.ToDateTime() - project.DeleteTime.ToDateTime());
        Assert.Equal(("Purged", Condition.Types.Status.Pending, "WAITING", project.PurgeTime), (project.Conditions[0].Type,
            project.Conditions[0].Status, project.Conditions[0].Reason, project.Conditions[0].Deadline));
        var plan = await host.Projects.PlanProjectDeletion(new() { Name = project.Name }, PurgeHost.Admin);
        Assert.Equal(plan.Remainders.Select(r => r.Kind).Order(), project.Remainders.Select(r => r.Kind).Order());

        await Expect.FaultAsync(StatusCode.FailedPrecondition, "PROJECT_DELETING", () => world.AddKeyPairAsync("projects/one", "k2"));
        await Expect.FaultAsync(StatusCode.FailedPrecondition, "PROJECT_NOT_EMPTY", () => host.Projects.DeleteProject(
            new() { Name = project.Name }, PurgeHost.Admin));
        // What is there can be changed, and deleted.
        await world.HoldAsync("one");
        await world.ReleaseAsync("one");

        var back = await host.UndeleteAsync("one");
        Assert.Equal((State.Active, null, null, ""), (back.State, back.DeleteTime, back.PurgeTime, back.DeletedBy));
        Assert.Empty(back.Conditions);
        Assert.Empty(back.Remainders);
        AssertKept(before, await host.TracesAsync("one"));
        await world.AddKeyPairAsync("projects/one", "k2");
        await Expect.FaultAsync(StatusCode.FailedPrecondition, "PROJECT_NOT_DELETED", () => host.UndeleteAsync("one"));
    }

    [Theory]
    [MemberData(nameof(ModuleHost.Providers), MemberType = typeof(ModuleHost))]
    public async Task ADeletionThatIsTried_OrWrong_DoesNothing(string provider)
    {
        await using var host = await PurgeHost.StartAsync(provider);
        await host.CreateAsync("one");
        await host.DeleteAsync("one", validateOnly: true);
        Assert.Equal(State.Active, (await host.GetAsync("one")).State);
        await Expect.FaultAsync(StatusCode.FailedPrecondition, "PROJECT_IS_BUILT_IN", () => host.DeleteAsync("system"));
        await Expect.FaultAsync(StatusCode.FailedPrecondition, "PROJECT_IS_BUILT_IN", () =>
            host.Projects.PlanProjectDeletion(new() { Name = "projects/system" }, PurgeHost.Admin));
        await Expect.FaultAsync(StatusCode.NotFound, "RESOURCE_NOT_FOUND", () => host.DeleteAsync("none"));
        await Expect.FaultAsync(StatusCode.InvalidArgument, "INVALID_REQUEST", () => host.DeleteAsync("one", TimeSpan.FromDays(91)));
        var fault = await Expect.FaultAsync(StatusCode.InvalidArgument, "INVALID_REQUEST", () => host.Projects.DeleteProject(
            new() { Name = "projects/one", Wait = new() }, PurgeHost.Admin));
        Assert.Equal("wait", fault.Fields.Single().Field);
    }

    /// <summary>Said again, the time is set anew; an empty one that waits goes at once without force.</summary>
    [Theory]
    [MemberData(nameof(ModuleHost.Providers), MemberType = typeof(ModuleHost))]
    public async Task ItsTime_CanBeSetAnew(string provider)
    {
        await using var host = await PurgeHost.StartAsync(provider);
        await host.CreateAsync("one");
        await host.DeleteAsync("one", TimeSpan.FromHours(1));
        var first = await host.GetAsync("one");
        await host.DeleteAsync("one", TimeSpan.FromHours(2));
        var second = await host.GetAsync("one");
        Assert.Equal(first.DeleteTime, second.DeleteTime);
        Assert.True(second.PurgeTime > first.PurgeTime);
        await host.DeleteAsync("one", TimeSpan.Zero);
        await host.GoneAsync("one");

        await host.CreateAsync("two");
        await host.DeleteAsync("two");
        await host.Projects.DeleteProject(new() { Name = "projects/two" }, PurgeHost.Admin);
        await Expect.FaultAsync(StatusCode.NotFound, "RESOURCE_NOT_FOUND", () => host.GetAsync("two"));
    }

    /// <summary>Either it is back with all that it owned, or it is gone: whoever is first.</summary>
    [Theory]
    [MemberData(nameof(ModuleHost.Providers), MemberType = typeof(ModuleHost))]
    public async Task AnUndeletion_ThatRacesThePurgeTime_WinsOrLosesWhole(string provider)
    {
        await using var host = await PurgeHost.StartAsync(provider);
        var (world, random) = World(host);
        await world.PrepareAsync();
        var back = 0;
        for (var round = 0; round < 6; round++)
        {
            var id = $"p{round}";
            await host.CreateAsync(id);
            await world.FillAsync(id);
            var before = await host.TracesAsync(id);
            var wait = TimeSpan.FromMilliseconds(random.Next(1, 100));
            await host.DeleteAsync(id, wait);
            // The one that begins and the one that takes it back wake at about the same time.
            await Task.Delay(wait - TimeSpan.FromMilliseconds(random.Next(0, 20)) is var rest && rest > TimeSpan.Zero ? rest : TimeSpan.Zero);
            var refusal = await Record.ExceptionAsync(() => host.UndeleteAsync(id));
            if (refusal is null)
            {
                back++;
                AssertKept(before, await host.TracesAsync(id));
                continue;
            }
            Assert.Contains(Assert.IsType<Fault>(refusal).Reason, new[] { "PROJECT_PURGING", "RESOURCE_NOT_FOUND" });
            await host.GoneAsync(id);
            Assert.Empty(await host.TracesAsync(id));
        }
        TestContext.Current.TestOutputHelper?.WriteLine($"{back} are back");
    }

    /// <summary>Two hosts share a database on PostgreSQL; a SQLite file has one. Both purge; both know that it is closed.</summary>
    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task HostsOnOneDatabase_PurgeTogether_AndNoneMakesAnythingInIt(string provider)
    {
        await using var database = await TestDatabases.MakeAsync(provider);
        await using var host = await PurgeHost.StartAsync(database.Options);
        await using var second = database.IsPostgres ? await PurgeHost.StartAsync(database.Options) : null;
        var (world, _) = World(host);
        await world.PrepareAsync();
        foreach (var id in new[] { "one", "other" })
        {
            await host.CreateAsync(id);
            await world.FillAsync(id);
        }
        var others = await host.TracesAsync("other");
        await host.DeleteAsync("one", TimeSpan.Zero);
        // By the other host there is no create that would stay: it hears of it in seconds, and until then it is purged as well.
        var pairs = new PurgeWorld(second ?? host, new Random(1));
        var made = 0;
        while (await Record.ExceptionAsync(() => pairs.AddKeyPairAsync("projects/one", $"late{made}")) is null) made++;
        await host.GoneAsync("one");
        Assert.Empty(await host.TracesAsync("one"));
        AssertKept(others, await host.TracesAsync("other"));
        TestContext.Current.TestOutputHelper?.WriteLine($"{made} were made before the other host had heard of it");
    }

    [Theory]
    [MemberData(nameof(ModuleHost.Providers), MemberType = typeof(ModuleHost))]
    public async Task AWatch_TellsOfTheProjects_ThatTheCallerSees(string provider)
    {
        await using var host = await PurgeHost.StartAsync(provider);
        await host.CreateAsync("mine");
        var stream = new TestStream<WatchProjectsResponse>();
        using var stop = new CancellationTokenSource();
        var caller = new Caller("users/bob", [new("projects/mine", "roles/member", new([], ["identity.projects."]))]);
        _ = host.Projects.WatchProjects(new(), stream, FakeCall.By(caller, cancel: stop.Token));
        Assert.Equal("projects/mine", (await stream.NextAsync()).Project.Name);
        Assert.Equal(ChangeType.InSync, (await stream.NextAsync()).Change);
        await host.CreateAsync("others");
        await host.DeleteAsync("mine", TimeSpan.FromHours(1));
        var told = await stream.NextAsync();
        Assert.Equal(("projects/mine", State.Deleting), (told.Project.Name, told.Project.State));
        await stop.CancelAsync();
    }

    /// <summary>Nothing of it is less; what was begun before, such as ports of servers, comes by itself.</summary>
    static void AssertKept(IReadOnlyDictionary<string, long> before, IReadOnlyDictionary<string, long> after) =>
        Assert.All(before, b => Assert.True(after.GetValueOrDefault(b.Key) >= b.Value, b.Key));

    static (PurgeWorld, Random) World(PurgeHost host)
    {
        var seed = Random.Shared.Next();
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var random = new Random(seed);
        return (new(host, random), random);
    }
}
