using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Monolith.Compute;
using Monolith.Compute.KeyPairs;
using Monolith.Compute.ServerGroups;
using Monolith.Compute.Servers;
using Monolith.Dns;
using Monolith.Dns.Zones;
using Monolith.Identity;
using Monolith.Identity.V1;
using Monolith.Image;
using Monolith.Image.Blobs;
using Monolith.Image.Images;
using Monolith.Lb;
using Monolith.Lb.LoadBalancers;
using Monolith.Modules.Tests.Calls;
using Monolith.Network;
using Monolith.Network.AddressPools;
using Monolith.Network.Networks;
using Monolith.Network.Ports;
using Monolith.Network.AddressSets;
using Monolith.Network.FloatingAddresses;
using Monolith.Network.Reservations;
using Monolith.Network.SecurityGroups;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Storage;
using ProjectService = Monolith.Identity.Projects.ProjectService;
using KeyPairService = Monolith.Compute.KeyPairs.KeyPairService;

namespace Monolith.Modules.Tests.Identity;

/// <summary>A project goes only when nothing is in it, and nothing comes into it while it goes.</summary>
public sealed class ProjectDeletionTests
{
    static FakeCall Admin => new();

    [Theory]
    [MemberData(nameof(ModuleHost.Providers), MemberType = typeof(ModuleHost))]
    public async Task AProject_ThatOwnsThings_IsKept_AndSaysWhatTheyAre(string provider)
    {
        await using var host = await StartAsync(provider);
        var projects = host.Make<ProjectService>();
        await projects.CreateProject(new CreateProjectRequest { ProjectId = "demo" }, Admin);
        await projects.CreateProject(new CreateProjectRequest { ProjectId = "empty" }, Admin);
        foreach (var kind in Kinds) await kind.AddAsync(host, "demo", 4);

        var fault = await Assert.ThrowsAsync<Fault>(() => DeleteAsync(projects, "demo"));
        Assert.Equal((StatusCode.FailedPrecondition, "PROJECT_NOT_EMPTY"), (fault.Code, fault.Reason));
        Assert.Equal(Kinds.Select(k => $"projects/demo/{k.Word}").Order(),
            fault.Preconditions.Select(p => p.Subject).Order());
        Assert.All(Kinds, k => Assert.Equal("4", fault.Metadata[k.Word]));
        Assert.All(fault.Preconditions, p => Assert.Contains("and 1 more", p.Description, StringComparison.Ordinal));
        await projects.GetProject(new GetProjectRequest { Name = "projects/demo" }, Admin);
        await DeleteAsync(projects, "empty");

        foreach (var kind in Kinds)
        {
            fault = await Assert.ThrowsAsync<Fault>(() => DeleteAsync(projects, "demo"));
            Assert.Contains(fault.Preconditions, p => p.Subject == $"projects/demo/{kind.Word}");
            await kind.ClearAsync(host, "demo");
        }
        await DeleteAsync(projects, "demo");
        await Expect.FaultAsync(StatusCode.NotFound, "RESOURCE_NOT_FOUND", () =>
            projects.GetProject(new GetProjectRequest { Name = "projects/demo" }, Admin));
    }

    /// <summary>Creates that passed every check before the deletion began, too.</summary>
    [Theory]
    [MemberData(nameof(ModuleHost.Providers), MemberType = typeof(ModuleHost))]
    public async Task WhateverIsMadeMeanwhile_IsInTheProject_OrIsRefused(string provider)
    {
        await using var host = await StartAsync(provider);
        var projects = host.Make<ProjectService>();
        var pairs = host.Make<KeyPairService>();
        var store = host.Get<Store<ComputeDb>>();
        var seed = Random.Shared.Next();
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var (kept, gone) = (0, 0);
        for (var round = 0; round < 40; round++)
        {
            var project = "p" + round;
            await projects.CreateProject(new CreateProjectRequest { ProjectId = project }, Admin);
            var creates = random.Next(1, 8);
            var deleteAt = random.Next(creates + 1);
            var work = new List<Task<Exception?>>();
            Task<Exception?>? deletion = null;
            for (var i = 0; i <= creates; i++)
            {
                if (i == deleteAt)
                {
                    // Sometimes creates are on their way by then, sometimes done, sometimes not begun.
                    Thread.SpinWait(random.Next(2) * random.Next(2_000_000));
                    deletion = OutcomeAsync(() => DeleteAsync(projects, project));
                }
                var id = "k" + i;
                if (i < creates) work.Add(OutcomeAsync(() => pairs.CreateKeyPair(new()
                {
                    Parent = "projects/" + project,
                    KeyPairId = id,
                    KeyPair = new() { PublicKey = Key },
                }, Admin)));
            }
            var outcomes = await Task.WhenAll(work);
            var refusal = await deletion!;
            var made = outcomes.Count(o => o is null);
            Assert.All(outcomes, o => Assert.True(o is null or Fault { Code: StatusCode.NotFound }, o?.ToString()));
            Assert.Equal(made, await store.ReadAsync(db => db.KeyPairs.CountAsync(k => k.Project == project)));
            if (refusal is null)
            {
                gone++;
                Assert.Equal(0, made);
            }
            else
            {
                kept++;
                Assert.Equal("PROJECT_NOT_EMPTY", Assert.IsType<Fault>(refusal).Reason);
            }
        }
        TestContext.Current.TestOutputHelper?.WriteLine($"{kept} kept, {gone} gone");
    }

    [Theory]
    [MemberData(nameof(ModuleHost.Providers), MemberType = typeof(ModuleHost))]
    public async Task AProject_IsOpenAgain_AfterARefusal_AndWhenMadeAnew(string provider)
    {
        await using var host = await StartAsync(provider);
        var projects = host.Make<ProjectService>();
        await projects.CreateProject(new CreateProjectRequest { ProjectId = "demo" }, Admin);
        await Kinds[0].AddAsync(host, "demo", 1);
        await Assert.ThrowsAsync<Fault>(() => DeleteAsync(projects, "demo"));
        await Kinds[1].AddAsync(host, "demo", 1);
        await Kinds[0].ClearAsync(host, "demo");
        await Kinds[1].ClearAsync(host, "demo");
        await DeleteAsync(projects, "demo");
        await Expect.FaultAsync(StatusCode.NotFound, "RESOURCE_NOT_FOUND", () => Kinds[0].AddAsync(host, "demo", 1));
        await projects.CreateProject(new CreateProjectRequest { ProjectId = "demo" }, Admin);
        await Kinds[0].AddAsync(host, "demo", 1);
    }

    /// <summary>A module that keeps a kind of resource in projects and forgets to say so would lose it.</summary>
    [Fact]
    public void EveryKindThatLiesInProjects_IsAmongThem()
    {
        // Record sets go with their zone, certificates of logins with their server; the rest belongs to the cloud or is the module's own.
        string[] others = ["record_sets", "login_certificates", "flavors", "hypervisors", "image_prewarms", "fabric_peers", "fabric_breaches"];
        ModuleDb[] databases = [new SqliteComputeDb(), new SqliteImageDb(), new SqliteNetworkDb(), new SqliteDnsDb(), new SqliteLbDb()];
        var tables = databases.SelectMany(db => db.Model.GetEntityTypes())
            .Where(t => t.ClrType.IsAssignableTo(typeof(ResourceRow))).Select(t => t.GetTableName()!).Except(others);
        Assert.Equal(tables.Order(), Kinds.Select(k => k.Table).Order());
    }

    sealed record Kind(string Word, string Table, Func<ModuleHost, string, int, Task> AddAsync,
        Func<ModuleHost, string, Task> ClearAsync);

    static Kind Of<TDb, TRow>(string word, string table, Func<string, string, TRow> make)
        where TDb : ModuleDb where TRow : ResourceRow => new(word, table,
        (host, project, count) => host.Get<Store<TDb>>().WriteAsync(Call.Of("test"), unit =>
        {
            for (var i = 0; i < count; i++) unit.Db.Add(make($"projects/{project}/{word}/r{i}", project));
            return Task.CompletedTask;
        }, default),
        (host, project) => host.Get<Store<TDb>>().WriteAsync(Call.Of("test"),
            unit => unit.Db.Set<TRow>().Where(r => r.Project == project).ExecuteDeleteAsync(), default));

    static readonly Kind[] Kinds =
    [
        Of<ComputeDb, ServerGroupRow>("serverGroups", "server_groups", (name, project) =>
            new() { Name = name, Project = project }),
        Of<ComputeDb, KeyPairRow>("keyPairs", "key_pairs", (name, project) =>
            new() { Name = name, Project = project, PublicKey = "k", Fingerprint = "f" }),
        Of<ComputeDb, ServerRow>("servers", "servers", (name, project) => new()
        {
            Name = name,
            Project = project,
            Flavor = "flavors/f",
            Image = "i",
            ImageSha256 = "0",
            ImageFormat = "raw",
            Hostname = "h",
            Detail = new([], [], []),
            Unsettled = false,
        }),
        Of<ImageDb, ImageRow>("images", "images", (name, project) => new() { Name = name, Project = project, Sha256 = "0" }),
        Of<NetworkDb, NetworkRow>("networks", "networks", (name, project) => new()
        {
            Name = name,
            Project = project,
            AddressPools = "",
        }),
        Of<NetworkDb, AddressPoolRow>("addressPools", "address_pools", (name, project) =>
            new() { Name = name, Project = project }),
        Of<NetworkDb, ReservationRow>("reservations", "reservations", (name, project) =>
            new() { Name = name, Project = project, First = name, Last = name, Addresses = "" }),
        Of<NetworkDb, AddressSetRow>("addressSets", "address_sets", (name, project) =>
            new() { Name = name, Project = project }),
        Of<NetworkDb, FloatingAddressRow>("floatingAddresses", "floating_addresses", (name, project) =>
            new() { Name = name, Project = project, AddressPool = "p", Address = name }),
        Of<NetworkDb, SecurityGroupRow>("securityGroups", "security_groups", (name, project) =>
            new() { Name = name, Project = project }),
        Of<NetworkDb, PortRow>("ports", "ports", (name, project) => new()
        {
            Name = name,
            Project = project,
            Network = "n",
            Addresses = "",
            MacAddress = name,
            Hostname = "",
        }),
        Of<DnsDb, ZoneRow>("zones", "zones", (name, project) =>
            new() { Name = name, Project = project, Domain = name.Replace('/', '.'), Contact = "c" }),
        Of<LbDb, LoadBalancerRow>("loadBalancers", "load_balancers", (name, project) =>
            new() { Name = name, Project = project, Unsettled = false }),
    ];

    const string Key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";

    /// <summary>Begins at once, on a thread of its own; null: it succeeded.</summary>
    static Task<Exception?> OutcomeAsync(Func<Task> call) =>
        Task.Run(async () => (Exception?)await Record.ExceptionAsync(call));

    static Task DeleteAsync(ProjectService projects, string project) =>
        projects.DeleteProject(new DeleteProjectRequest { Name = "projects/" + project }, Admin);

    static Task<ModuleHost> StartAsync(string provider) => ModuleHost.StartAsync(provider, (services, directory) =>
    {
        services.AddIdentity(new IdentityOptions(directory));
        services.AddImage(new ImageOptions(Path.Combine(directory, "images")));
        services.AddNetwork(new NetworkOptions { Domain = "cloud.test" });
        services.AddDns(new DnsOptions { Endpoints = [] });
        services.AddCompute();
        services.AddLb();
    });
}
