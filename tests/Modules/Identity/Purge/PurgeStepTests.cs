using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using Monolith.Identity;
using Monolith.Identity.Access;
using Monolith.Identity.Contracts;
using Monolith.Identity.Projects.Purging;
using Monolith.Identity.V1;
using Monolith.Modules.Tests.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Reconciling;
using Monolith.Platform.Storage;
using ProjectService = Monolith.Identity.Projects.ProjectService;
using State = Monolith.Identity.V1.Project.Types.State;

namespace Monolith.Modules.Tests.Identity.Purge;

/// <summary>The steps of a purge, one by one: repeated, failed at each point, and taken by two hosts at once.</summary>
public sealed class PurgeStepTests
{
    /// <summary>A purge takes fewer.</summary>
    const int MostSteps = 40;

    [Fact]
    public async Task EachStep_MayBeTakenTwice()
    {
        await using var host = await StartAsync(Chain());
        var purge = await DeleteAsync(host, "one");
        for (var steps = 0; await StepAsync(purge, "one") != Outcome.Settled; steps++)
        {
            Assert.True(steps < MostSteps);
            await StepAsync(purge, "one");
        }
        await GoneAsync(host, "one");
    }

    /// <summary>And by another host, which knows nothing of the first but its rows.</summary>
    [Fact]
    public async Task WhereverAStepFails_AnotherHostGoesOn_AndEverythingGoes()
    {
        var (point, reached) = (1, true);
        for (; reached; point++)
        {
            var kinds = Chain();
            await using var host = await StartAsync(kinds);
            var purge = await DeleteAsync(host, "one");
            kinds.Add("other", "servers", 2);
            kinds.Arm(point);
            for (var steps = 0; ; steps++)
            {
                Assert.True(steps < MostSteps, $"it does not end after the failure at {point}");
                try
                {
                    if (await StepAsync(purge, "one") == Outcome.Settled) break;
                }
                catch (InvalidOperationException)
                {
                    purge = Purge(host);
                }
            }
            reached = kinds.Crossings >= point;
            kinds.Arm(0);
            await GoneAsync(host, "one");
            Assert.Equal(["projects/other/servers/r00", "projects/other/servers/r01"], kinds.There);
        }
        TestContext.Current.TestOutputHelper?.WriteLine($"{point - 2} points");
    }

    [Fact]
    public async Task TwoPurgers_OfTheSameProject_AreNotInEachOthersWay()
    {
        var kinds = Chain();
        await using var host = await StartAsync(kinds);
        var purges = new[] { await DeleteAsync(host, "one"), Purge(host) };
        await Task.WhenAll(purges.Select(purge => Task.Run(async () =>
        {
            for (var steps = 0; await StepAsync(purge, "one") != Outcome.Settled; steps++) Assert.True(steps < MostSteps);
        })));
        await GoneAsync(host, "one");
        Assert.Empty(kinds.There);
    }

    /// <summary>Thousands are asked to go some at a time, and what is refused does not keep the rest from it.</summary>
    [Fact]
    public async Task ATurn_IsBounded_AndComesToEveryOne()
    {
        var kinds = new FakeKinds(("networks", ["servers"]), ("servers", []), ("images", ["none"]));
        await using var host = await StartAsync(kinds);
        kinds.Add("one", "networks", 600);
        kinds.Add("one", "servers", 700);
        kinds.Add("one", "images", 300);
        var purge = await DeleteAsync(host, "one", fill: false);
        var (before, steps) = (0, 0);
        for (; await StepAsync(purge, "one") != Outcome.Settled; steps++)
        {
            Assert.InRange(kinds.Asked.Values.Sum() - before, 0, 256);
            before = kinds.Asked.Values.Sum();
            Assert.True(steps < MostSteps);
        }
        Assert.InRange(steps, 9, 20);
        // Networks once in vain; the rest as often as it takes.
        Assert.All(kinds.Asked, a => Assert.InRange(a.Value, 1, 2));
        await GoneAsync(host, "one");
    }

    /// <summary>What cannot go is reported with what it was refused with, and stays.</summary>
    [Fact]
    public async Task WhatIsRefused_IsReported_WithItsReason()
    {
        var kinds = new FakeKinds(("networks", ["rocks"]), ("rocks", ["networks"]), ("sand", []));
        await using var host = await StartAsync(kinds);
        foreach (var kind in new[] { "networks", "rocks", "sand" }) kinds.Add("one", kind, 4);
        var purge = await DeleteAsync(host, "one", fill: false);
        var pauses = new List<TimeSpan>();
        for (var steps = 0; steps < 12; steps++)
            if (await StepAsync(purge, "one") is Outcome.Later { After: var after } && after > TimeSpan.Zero) pauses.Add(after);
        var project = await host.Make<ProjectService>().GetProject(new() { Name = "projects/one" }, new FakeCall());
        Assert.Equal([("networks", 4, "IN_USE"), ("rocks", 4, "IN_USE")],
            project.Remainders.Select(r => (r.Kind, r.Count, r.Reason)));
        Assert.Equal(3, project.Remainders[0].Names.Count);
        Assert.Contains("Delete them first.", project.Remainders[0].Message, StringComparison.Ordinal);
        Assert.Equal("PURGE_HELD", project.Conditions[0].Reason);
        // Less and less often.
        Assert.Equal(pauses.Order(), pauses);
        Assert.Equal(TimeSpan.FromSeconds(30), pauses[^1]);
    }

    /// <summary>Networks, whose ports go with their servers, which take two turns to go.</summary>
    static FakeKinds Chain() => new(("networks", ["ports", "servers"]), ("ports", ["servers"]), ("servers", []), ("zones", []));

    static async Task<ModuleHost> StartAsync(FakeKinds kinds) =>
        await ModuleHost.StartAsync("sqlite", (services, directory) =>
        {
            services.AddIdentity(new IdentityOptions(directory));
            services.AddSingleton<IProjectContents>(kinds);
            services.RemoveAll<IHostedService>();
        });

    static ProjectPurge Purge(ModuleHost host) => new(host.Get<Store<IdentityDb>>(), host.Get<Registry>(), host.Get<Holdings>(),
        TimeProvider.System, NullLogger<ProjectPurge>.Instance);

    static async Task<ProjectPurge> DeleteAsync(ModuleHost host, string id, bool fill = true)
    {
        var (projects, name) = (host.Make<ProjectService>(), "projects/" + id);
        await projects.CreateProject(new CreateProjectRequest { ProjectId = id }, new FakeCall());
        var kinds = (FakeKinds)host.Get<IProjectContents>();
        if (fill)
        {
            foreach (var kind in new[] { "networks", "ports", "zones" }) kinds.Add(id, kind, 3);
            kinds.Add(id, "servers", 3, turns: 2);
        }
        await projects.DeleteProject(new DeleteProjectRequest { Name = name, Force = true, Wait = new() }, new FakeCall());
        Assert.NotEqual(State.Active, (await projects.GetProject(new() { Name = name }, new FakeCall())).State);
        return Purge(host);
    }

    static Task<Outcome> StepAsync(ProjectPurge purge, string id) => purge.ReconcileAsync("projects/" + id, default);

    static async Task GoneAsync(ModuleHost host, string id)
    {
        await Assert.ThrowsAsync<Fault>(() =>
            host.Make<ProjectService>().GetProject(new() { Name = "projects/" + id }, new FakeCall()));
        Assert.DoesNotContain(((FakeKinds)host.Get<IProjectContents>()).There,
            n => n.StartsWith($"projects/{id}/", StringComparison.Ordinal));
    }
}
