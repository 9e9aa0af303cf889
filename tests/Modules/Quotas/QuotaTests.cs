using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Monolith.Dns.V1;
using Monolith.Identity.V1;
using Monolith.Image;
using Monolith.Image.Images;
using Monolith.Lb.V1;
using Monolith.Modules.Tests.Calls;
using Monolith.Network.Contracts;
using Monolith.Network.V1;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Storage;
using LoadBalancerService = Monolith.Lb.LoadBalancers.LoadBalancerService;
using NetworkService = Monolith.Network.Networks.NetworkService;
using ProjectService = Monolith.Identity.Projects.ProjectService;
using SecurityGroupService = Monolith.Network.SecurityGroups.SecurityGroupService;
using ZoneService = Monolith.Dns.Zones.ZoneService;

namespace Monolith.Modules.Tests.Quotas;

/// <summary>What a project may have, what it has, and what is said when it wants more.</summary>
public sealed class QuotaTests
{
    const string Quota = QuotaHost.Project + "/quota";

    static FakeCall Admin => QuotaHost.Admin;

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task NothingIsLimited_UntilSomebodySaysSo_AndUsageIsToldAllTheSame(string provider)
    {
        await using var host = await QuotaHost.StartAsync(provider);
        await host.CreateServerAsync("s1");
        await host.CreateServerAsync("s2");
        var quota = await host.Quotas.GetQuota(new GetQuotaRequest { Name = Quota }, Admin);
        Assert.Equal((Quota, "0", null), (quota.Name, quota.Etag, quota.UpdateTime));
        Assert.All(quota.Usages, u => Assert.Equal((-1, true), (u.Limit, u.Inherited)));
        Assert.Equal(
            [
                ("images", 1), ("image_bytes", 4096), ("networks", 1), ("security_groups", 1), ("ports", 0),
                ("addresses", 0), ("zones", 0), ("servers", 2), ("vcpus", 4), ("memory_mib", 1024), ("disk_gib", 20),
                ("load_balancers", 0),
            ],
            quota.Usages.Select(u => (u.Quota, u.Usage)));
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task WhatWouldExceedQuotas_IsRefused_WithAllOfThemAtOnce_TriedOrNot(string provider)
    {
        await using var host = await QuotaHost.StartAsync(provider);
        await host.CreateServerAsync("s1");
        // Of Compute's rows, and of Network's, which the server's ports would be.
        await host.SetAsync(("servers", 5), ("vcpus", 3), ("memory_mib", 600), ("ports", 0), ("addresses", 1));
        foreach (var trial in new[] { true, false })
        {
            var fault = await Expect.FaultAsync(StatusCode.ResourceExhausted, "QUOTA_EXCEEDED",
                () => host.Servers.CreateServer(QuotaHost.Server("s2", trial), Admin));
            Assert.Equal("ports,addresses,vcpus,memory_mib", fault.Metadata["quota"]);
            Assert.Equal("0,1,3,600", fault.Metadata["limit"]);
            Assert.Equal("0,0,2,512", fault.Metadata["usage"]);
            // A port of a network with both families takes two addresses.
            Assert.Equal("1,2,2,512", fault.Metadata["asked"]);
            Assert.Equal(QuotaHost.Project, fault.Metadata["project"]);
            Assert.Equal(["ports", "addresses", "vcpus", "memory_mib"], fault.Quotas.Select(q => q.Quota));
            Assert.All(fault.Quotas, q => Assert.Equal(Quota, q.Subject));
            Assert.Contains("vcpus: 2 of 3 in use, 2 more asked for", fault.Message, StringComparison.Ordinal);
            Assert.Contains("monolith quota explain", fault.Message, StringComparison.Ordinal);
            Assert.Null(fault.RetryAfter);
        }
        Assert.Equal(1, (await host.UsageAsync("servers")).Usage);
        await host.SetAsync(("vcpus", 4), ("memory_mib", -1), ("ports", 1), ("addresses", 2));
        await host.Servers.CreateServer(QuotaHost.Server("s2", validateOnly: true), Admin);
        await host.CreateServerAsync("s2");
    }

    /// <summary>Wrong requests are wrong first: a quota is asked of what could be done.</summary>
    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task WhatIsWrong_OrThereAlready_IsSaidBeforeQuotas(string provider)
    {
        await using var host = await QuotaHost.StartAsync(provider);
        await host.CreateServerAsync("s1");
        await host.SetAsync(("servers", 0), ("ports", 0));
        await Expect.FaultAsync(StatusCode.AlreadyExists, "RESOURCE_EXISTS", () => host.CreateServerAsync("s1"));
        var wrong = QuotaHost.Server("s2");
        wrong.Server.Flavor = "flavors/none";
        await Expect.FaultAsync(StatusCode.InvalidArgument, "INVALID_REQUEST",
            () => host.Servers.CreateServer(wrong, Admin));
    }

    /// <summary>A repeat of an answered request is no new one.</summary>
    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task ARepeat_HasItsAnswer_WhateverTheQuotaSaysByNow(string provider)
    {
        await using var host = await QuotaHost.StartAsync(provider);
        await host.SetAsync(("servers", 1));
        var request = QuotaHost.Server("s1");
        request.RequestId = Guid.NewGuid().ToString();
        var first = await host.Servers.CreateServer(request, Admin);
        await host.SetAsync(("servers", 0));
        Assert.Equal(first.Uid, (await host.Servers.CreateServer(request, Admin)).Uid);
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task ALimitBelowTheUsage_TakesNothing_AndGivesNothing(string provider)
    {
        await using var host = await QuotaHost.StartAsync(provider);
        await host.CreateServerAsync("s1");
        await host.CreateServerAsync("s2");
        await host.SetAsync(("servers", 1));
        Assert.Equal((1, 2), ((await host.UsageAsync("servers")).Limit, (await host.UsageAsync("servers")).Usage));
        await host.Servers.UpdateServer(new()
        {
            Server = new() { Name = QuotaHost.Project + "/servers/s1", DisplayName = "still mine" },
        }, Admin);
        await Expect.FaultAsync(StatusCode.ResourceExhausted, "QUOTA_EXCEEDED", () => host.CreateServerAsync("s3"));
        await DeleteAsync(host, "s1");
        // Going is not gone: it counts until its row is away.
        await host.Servers.DeleteServer(new() { Name = QuotaHost.Project + "/servers/s2" }, Admin);
        await Expect.FaultAsync(StatusCode.ResourceExhausted, "QUOTA_EXCEEDED", () => host.CreateServerAsync("s3"));
        await host.ReconcileAsync("s2");
        await host.CreateServerAsync("s3");
        await Expect.FaultAsync(StatusCode.ResourceExhausted, "QUOTA_EXCEEDED", () => host.CreateServerAsync("s4"));
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task EveryKind_HasItsQuota(string provider)
    {
        await using var host = await QuotaHost.StartAsync(provider);
        foreach (var (quota, create) in new (string, Func<Task>)[]
        {
            ("networks", () => host.Make<NetworkService>().CreateNetwork(new CreateNetworkRequest
            {
                Parent = QuotaHost.Project,
                NetworkId = "second",
                Network = new() { AddressPools = { "addressPools/both" } },
            }, Admin)),
            ("security_groups", () => host.Make<SecurityGroupService>().CreateSecurityGroup(new CreateSecurityGroupRequest
            {
                Parent = QuotaHost.Project,
                SecurityGroupId = "web",
                SecurityGroup = new(),
            }, Admin)),
            ("ports", () => PortAsync(host, "p1")),
            ("addresses", () => PortAsync(host, "p2")),
            ("zones", () => host.Make<ZoneService>().CreateZone(new CreateZoneRequest
            {
                Parent = QuotaHost.Project,
                ZoneId = "z1",
                Zone = new() { Domain = "demo.example" },
            }, Admin)),
            ("load_balancers", () => host.Make<LoadBalancerService>().CreateLoadBalancer(new CreateLoadBalancerRequest
            {
                Parent = QuotaHost.Project,
                LoadBalancerId = "web",
                LoadBalancer = new(),
            }, Admin)),
            ("images", () => ImageAsync(host, "i1", 100)),
            ("image_bytes", () => ImageAsync(host, "i2", 100)),
            ("servers", () => host.CreateServerAsync("s1")),
            ("disk_gib", () => host.CreateServerAsync("s2")),
        })
        {
            var before = (await host.UsageAsync(quota)).Usage;
            await host.SetAsync((quota, before));
            var fault = await Expect.FaultAsync(StatusCode.ResourceExhausted, "QUOTA_EXCEEDED", create);
            Assert.Equal(quota, fault.Metadata["quota"]);
            Assert.Equal(before, (await host.UsageAsync(quota)).Usage);
            await host.SetAsync((quota, before + long.Parse(fault.Metadata["asked"])));
            await create();
            await host.SetAsync((quota, -1));
        }
    }

    /// <summary>Who passed the call before others took the last port.</summary>
    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task AClaimThatComesLate_IsRefusedWithItsCause_AndHoldsNothing(string provider)
    {
        await using var host = await QuotaHost.StartAsync(provider);
        await PortAsync(host, "p1");
        await host.SetAsync(("ports", 1));
        var fault = await Expect.FaultAsync(StatusCode.ResourceExhausted, "QUOTA_EXCEEDED", () => host.Get<IPorts>()
            .ClaimAsync([new PortClaim("demo", QuotaHost.Project + "/servers/s1", Guid.NewGuid(), 0, "", [], "", "s1")],
            default));
        Assert.Equal(("ports", "1", "1", "1"),
            (fault.Metadata["quota"], fault.Metadata["limit"], fault.Metadata["usage"], fault.Metadata["asked"]));
        Assert.Equal(2, (await host.UsageAsync("addresses")).Usage);
    }

    /// <summary>And its server says so, and goes on by itself once there is room.</summary>
    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task AServer_WhosePortsCameLate_SaysWhatItWaitsFor(string provider)
    {
        await using var host = await QuotaHost.StartAsync(provider);
        await host.SetAsync(("ports", 1));
        await host.CreateServerAsync("s1");
        await PortAsync(host, "p1");
        Assert.Equal(("PortsClaimed", "QUOTA_EXCEEDED"), await WaitsForAsync());
        await host.SetAsync(("ports", 2));
        Assert.Equal(("Placed", "NO_VALID_HYPERVISOR"), await WaitsForAsync());
        Assert.Equal(2, (await host.UsageAsync("ports")).Usage);

        async Task<(string, string)> WaitsForAsync()
        {
            await host.ReconcileAsync("s1");
            var server = await host.Servers.GetServer(new() { Name = QuotaHost.Project + "/servers/s1" }, Admin);
            var step = server.Conditions.Single(c => c.Status == Api.V1.Condition.Types.Status.Pending && c.Message.Length > 0);
            return (step.Type, step.Reason);
        }
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task WhatCounts_IsListed_PageByPage_AndAddsUp(string provider)
    {
        await using var host = await QuotaHost.StartAsync(provider);
        foreach (var id in new[] { "s3", "s1", "s2" }) await host.CreateServerAsync(id);
        await PortAsync(host, "p1");
        foreach (var page in new[] { 0, 1, 2 })
        {
            Assert.Equal(
                [.. new[] { "s1", "s2", "s3" }.Select(s => ($"{QuotaHost.Project}/servers/{s}", 512L, ""))],
                await host.ExplainAsync("memory_mib", page));
            const string port = QuotaHost.Project + "/ports/p1";
            Assert.Equal([(port, 1, "10.64.0.0"), (port, 1, "2001:db8::")], (await host.ExplainAsync("addresses", page)).Order());
        }
        foreach (var usage in (await host.Quotas.GetQuota(new GetQuotaRequest { Name = Quota }, Admin)).Usages)
            Assert.Equal(usage.Usage, (await host.ExplainAsync(usage.Quota)).Sum(r => r.Amount));
        var fault = await Expect.FaultAsync(StatusCode.InvalidArgument, "INVALID_REQUEST", () => host.ExplainAsync("wishes"));
        Assert.Contains("load_balancers", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task TheDefault_IsOfProjectsThatSayNothing_AndNeverOfTheCloudItself(string provider)
    {
        await using var host = await QuotaHost.StartAsync(provider);
        await host.SetAsync("quotas/default", ("servers", 0), ("zones", 0));
        var told = await host.UsageAsync("servers");
        Assert.Equal((0, true), (told.Limit, told.Inherited));
        await Expect.FaultAsync(StatusCode.ResourceExhausted, "QUOTA_EXCEEDED", () => host.CreateServerAsync("s1"));
        await host.SetAsync(("servers", -1));
        told = await host.UsageAsync("servers");
        Assert.Equal((-1, false), (told.Limit, told.Inherited));
        await host.CreateServerAsync("s1");
        // Taken back: what is not in the limits is the default's again.
        await host.Quotas.UpdateQuota(new UpdateQuotaRequest
        {
            Quota = new() { Name = Quota },
            UpdateMask = new() { Paths = { "limits.servers" } },
        }, Admin);
        Assert.Equal((0, true), ((await host.UsageAsync("servers")).Limit, (await host.UsageAsync("servers")).Inherited));
        // The cloud keeps zones for its names.
        await host.Make<ZoneService>().CreateZone(new CreateZoneRequest
        {
            Parent = "projects/system",
            ZoneId = "z1",
            Zone = new() { Domain = "ops.example" },
        }, Admin);
        await Expect.FaultAsync(StatusCode.FailedPrecondition, "PROJECT_IS_BUILT_IN",
            () => host.SetAsync("projects/system/quota", ("zones", 1)));
        var everywhere = await host.Quotas.GetQuota(new GetQuotaRequest { Name = "quotas/default" }, Admin);
        Assert.All(everywhere.Usages, u => Assert.False(u.HasUsage));
        Assert.Equal(0, everywhere.Usages.Single(u => u.Quota == "zones").Limit);
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task Limits_AreRules_AndGoWithTheirProject(string provider)
    {
        await using var host = await QuotaHost.StartAsync(provider);
        var fault = await Expect.FaultAsync(StatusCode.InvalidArgument, "INVALID_REQUEST", () => host.Quotas.UpdateQuota(new()
        {
            Quota = new() { Name = "projects/demo", Limits = { ["servers"] = -2, ["wishes"] = 3 } },
            UpdateMask = new() { Paths = { "usages", "limits.wishes" } },
        }, Admin));
        Assert.Equal(["quota.limits[servers]", "quota.limits[wishes]", "quota.name", "update_mask", "update_mask"],
            fault.Fields.Select(f => f.Field).Order(StringComparer.Ordinal));
        await Expect.FaultAsync(StatusCode.NotFound, "RESOURCE_NOT_FOUND", () => host.SetAsync("projects/none/quota", ("servers", 1)));

        await host.ProjectAsync("passing");
        var first = await host.SetAsync("projects/passing/quota", ("servers", 1), ("ports", 2));
        Assert.Equal("1", first.Etag);
        var request = new UpdateQuotaRequest { Quota = new() { Name = first.Name, Etag = "7", Limits = { ["servers"] = 3 } } };
        await Expect.FaultAsync(StatusCode.Aborted, "ETAG_MISMATCH", () => host.Quotas.UpdateQuota(request, Admin));
        request.Quota.Etag = first.Etag;
        request.ValidateOnly = true;
        Assert.Equal(3, (await host.Quotas.UpdateQuota(request, Admin)).Limits["servers"]);
        Assert.Equal(1, (await host.UsageAsync("servers", "passing")).Limit);
        request.ValidateOnly = false;
        // Without a mask all of the limits are what is sent.
        Assert.Equal("servers=3", string.Join(',', (await host.Quotas.UpdateQuota(request, Admin)).Limits
            .Select(l => $"{l.Key}={l.Value}")));
        var projects = host.Make<ProjectService>();
        await projects.DeleteProject(new DeleteProjectRequest { Name = "projects/passing" }, Admin);
        await host.ProjectAsync("passing");
        Assert.Equal((-1, true), ((await host.UsageAsync("servers", "passing")).Limit,
            (await host.UsageAsync("servers", "passing")).Inherited));
    }

    static Task PortAsync(QuotaHost host, string id) => host.Make<Monolith.Network.Ports.PortService>().CreatePort(
        new CreatePortRequest
        {
            Parent = QuotaHost.Project,
            PortId = id,
            Port = new() { Network = QuotaHost.Project + "/networks/default" },
        }, Admin);

    static Task ImageAsync(QuotaHost host, string id, long bytes) =>
        host.Get<Store<ImageDb>>().WriteAsync(Call.Of("test"), unit =>
        {
            unit.Db.Images.Add(new ImageRow
            {
                Name = $"{QuotaHost.Project}/images/{id}",
                Project = "demo",
                Sha256 = new string('0', 64),
                SizeBytes = bytes,
            });
            return Task.CompletedTask;
        }, default);

    static async Task DeleteAsync(QuotaHost host, string id)
    {
        await host.Servers.DeleteServer(new() { Name = $"{QuotaHost.Project}/servers/{id}" }, Admin);
        await host.ReconcileAsync(id);
    }
}
