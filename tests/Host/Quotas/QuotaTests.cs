using Google.Rpc;
using Grpc.Core;
using Monolith.Compute.V1;
using Monolith.Dns.V1;
using Monolith.Host.Tests.Cloud;
using Monolith.Identity.V1;

namespace Monolith.Host.Tests.Quotas;

/// <summary>Quotas over the wire: who may set them, and what a program is told when one is exceeded.</summary>
public sealed class QuotaTests(RunningHost host)
{
    const string Quota = "projects/limited/quota";

    QuotaService.QuotaServiceClient Quotas => new(host.Invoker);

    [Fact]
    public async Task ARefusal_SaysToAProgramAndToAPerson_WhatIsExceeded()
    {
        var tenant = new Tenant("limited");
        await tenant.FillAsync(host);
        var owner = await host.UserAsync("limited-owner", ("roles/projectAdmin", tenant.Name));
        // Operators set, and members read.
        var denied = await Assert.ThrowsAsync<RpcException>(() => SetAsync(owner, ("servers", 9)));
        Assert.Equal(StatusCode.PermissionDenied, denied.StatusCode);
        await SetAsync(host.Token, ("servers", 1), ("memory_mib", 100), ("zones", 1));
        var told = await Quotas.GetQuotaAsync(new GetQuotaRequest { Name = Quota }, host.Headers(owner));
        Assert.Equal((1, 1), (Of(told, "servers").Limit, Of(told, "servers").Usage));
        Assert.Equal((100, 64), (Of(told, "memory_mib").Limit, Of(told, "memory_mib").Usage));

        foreach (var trial in new[] { true, false })
        {
            var refused = await Assert.ThrowsAsync<RpcException>(() => new ServerService.ServerServiceClient(host.Invoker)
                .CreateServerAsync(new CreateServerRequest
                {
                    Parent = tenant.Name,
                    ServerId = "s2",
                    ValidateOnly = trial,
                    Server = new()
                    {
                        Flavor = "flavors/small",
                        Image = tenant.Name + "/images/r1",
                        Networks = { new ServerNetwork { Network = tenant.Name + "/networks/r1" } },
                    },
                }, host.Headers(owner)).ResponseAsync);
            Assert.Equal(StatusCode.ResourceExhausted, refused.StatusCode);
            var info = refused.GetRpcStatus()!.GetDetail<ErrorInfo>()!;
            Assert.Equal("QUOTA_EXCEEDED", info.Reason);
            Assert.Equal(("servers,memory_mib", "1,100", "1,64", "1,64"), (info.Metadata["quota"], info.Metadata["limit"],
                info.Metadata["usage"], info.Metadata["asked"]));
            var failure = refused.GetRpcStatus()!.GetDetail<QuotaFailure>()!;
            Assert.Equal([(Quota, "servers", 1L), (Quota, "memory_mib", 100L)],
                failure.Violations.Select(v => (v.Subject, v.QuotaMetric, v.QuotaValue)));
            Assert.Null(refused.GetRpcStatus()!.GetDetail<RetryInfo>());
        }
        // A resize is held against it as a create is, and leaves the server as it was.
        await new FlavorService.FlavorServiceClient(host.Invoker).CreateFlavorAsync(new CreateFlavorRequest
        {
            FlavorId = "above-limit",
            Flavor = new() { Vcpus = 1, MemoryMib = 101, DiskGib = 1 },
        }, host.Headers());
        var resize = await Assert.ThrowsAsync<RpcException>(() => new ServerService.ServerServiceClient(host.Invoker)
            .ResizeServerAsync(new ResizeServerRequest
            {
                Name = tenant.Name + "/servers/s1",
                Flavor = "flavors/above-limit",
            }, host.Headers(owner)).ResponseAsync);
        Assert.Equal(StatusCode.ResourceExhausted, resize.StatusCode);
        Assert.Equal(("memory_mib", "37"), (resize.GetRpcStatus()!.GetDetail<ErrorInfo>()!.Metadata["quota"],
            resize.GetRpcStatus()!.GetDetail<ErrorInfo>()!.Metadata["asked"]));
        Assert.Equal("flavors/small", (await new ServerService.ServerServiceClient(host.Invoker).GetServerAsync(
            new GetServerRequest { Name = tenant.Name + "/servers/s1" }, host.Headers())).Flavor);

        var zone = await Assert.ThrowsAsync<RpcException>(() => new ZoneService.ZoneServiceClient(host.Invoker)
            .CreateZoneAsync(new CreateZoneRequest
            {
                Parent = tenant.Name,
                ZoneId = "z2",
                Zone = new() { Domain = "second.example" },
            }, host.Headers(owner)).ResponseAsync);
        Assert.Equal(StatusCode.ResourceExhausted, zone.StatusCode);

        var counted = await Quotas.ExplainUsageAsync(new ExplainUsageRequest { Name = Quota, Quota = "memory_mib" },
            host.Headers(owner));
        Assert.Equal([(tenant.Name + "/servers/s1", 64L)], counted.Resources.Select(r => (r.Resource, r.Amount)));
    }

    static QuotaUsage Of(Quota quota, string word) => quota.Usages.Single(u => u.Quota == word);

    async Task SetAsync(string token, params (string Quota, long Limit)[] limits)
    {
        var request = new UpdateQuotaRequest { Quota = new() { Name = Quota } };
        foreach (var (quota, limit) in limits) request.Quota.Limits[quota] = limit;
        await Quotas.UpdateQuotaAsync(request, host.Headers(token));
    }
}
