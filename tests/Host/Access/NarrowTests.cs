using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;
using Monolith.Compute.V1;
using Monolith.Dns.V1;
using Monolith.Host.Tests.Cloud;
using Monolith.Identity.V1;

namespace Monolith.Host.Tests.Access;

/// <summary>Roles on a single resource, and on those of a project that have a label.</summary>
public sealed class NarrowTests(RunningHost host)
{
    readonly ServerService.ServerServiceClient servers = new(host.Invoker);
    readonly RoleService.RoleServiceClient roles = new(host.Invoker);

    [Fact]
    public async Task ARoleOnOneServer_OpensThatOne_AndNoOther()
    {
        await host.Own.CreateServerAsync(host, "narrow1");
        await host.Own.CreateServerAsync(host, "narrow2");
        var by = host.Headers(await host.UserAsync("narrow-one"));
        await BindAsync("users/narrow-one", "roles/member", "projects/own/servers/narrow1");
        Assert.Equal("projects/own/servers/narrow1", (await servers.GetServerAsync(new() { Name = "projects/own/servers/narrow1" }, by)).Name);
        await servers.UpdateServerAsync(new() { Server = new() { Name = "projects/own/servers/narrow1", DisplayName = "mine" } }, by);
        // As a client does that read it whole; its hypervisor reports meanwhile.
        await RunningHost.UntilAsync(async () =>
        {
            var whole = await servers.GetServerAsync(new() { Name = "projects/own/servers/narrow1" }, by);
            whole.DisplayName = "mine still";
            try
            {
                await servers.UpdateServerAsync(new() { Server = whole, UpdateMask = new() { Paths = { "display_name" } } }, by);
                return true;
            }
            catch (RpcException e) when (e.StatusCode == StatusCode.Aborted)
            {
                return false;
            }
        }, "a change by etag");
        using (var watch = servers.WatchServers(new() { Parent = "projects/own", Name = "projects/own/servers/narrow1" }, by))
            Assert.True(await watch.ResponseStream.MoveNext(default));
        foreach (var other in new Func<Task>[]
        {
            async () => await servers.GetServerAsync(new() { Name = "projects/own/servers/narrow2" }, by),
            async () => await servers.GetServerAsync(new() { Name = "projects/own/servers/narrow10" }, by),
            async () => await servers.GetServerAsync(new() { Name = "projects/own/servers/none" }, by),
            async () => await servers.ListServersAsync(new() { Parent = "projects/own" }, by),
            async () => await servers.CreateServerAsync(new() { Parent = "projects/own", ServerId = "narrow1" }, by),
            async () => { using var watch = servers.WatchServers(new() { Parent = "projects/own", Name = "projects/own/servers/narrow2" }, by); await watch.ResponseStream.MoveNext(default); },
            async () => { using var watch = servers.WatchServers(new() { Parent = "projects/own" }, by); await watch.ResponseStream.MoveNext(default); },
        })
            Assert.Equal(StatusCode.PermissionDenied, (await Assert.ThrowsAsync<RpcException>(other)).StatusCode);
        // What is on the way to more than the one server: the project's networks, groups and images.
        foreach (var (other, missing) in new (Func<Task>, string)[]
        {
            (async () => await servers.AttachServerPortAsync(new() { Name = "projects/own/servers/narrow1", Network = "projects/own/networks/r1" }, by), "network.networks.get"),
            (async () => await servers.RebuildServerAsync(new() { Name = "projects/own/servers/narrow1", Image = "projects/own/images/r1" }, by), "image.images.get"),
            (async () => await servers.RescueServerAsync(new() { Name = "projects/own/servers/narrow1", Image = "projects/own/imageFamilies/r1" }, by), "identity.projects.get"),
        })
        {
            var e = await Assert.ThrowsAsync<RpcException>(other);
            Assert.Equal((StatusCode.PermissionDenied, missing), (e.StatusCode, e.GetRpcStatus()!.GetDetail<Google.Rpc.ErrorInfo>()!.Metadata["permission"]));
        }
        await BindAsync("users/narrow-one", "roles/reader", "projects/own/networks/r1");
        // Past the gate; what the server says of it is its own affair.
        var attached = await Record.ExceptionAsync(async () => await servers.AttachServerPortAsync(
            new() { Name = "projects/own/servers/narrow1", Network = "projects/own/networks/r1", ValidateOnly = true }, by));
        Assert.True(attached is null or RpcException { StatusCode: StatusCode.FailedPrecondition }, attached?.Message);
        // Another's project is not there, as ever.
        Assert.Equal(StatusCode.NotFound, (await Assert.ThrowsAsync<RpcException>(async () =>
            await servers.GetServerAsync(new() { Name = "projects/other/servers/s1" }, by))).StatusCode);
        var said = await roles.ExplainAccessAsync(new() { Permission = "compute.servers.get", Resource = "projects/own/servers/narrow1" }, by);
        Assert.Equal("users/narrow-one may compute.servers.get on this, by roles/member on projects/own/servers/narrow1.", said.Message);
        Assert.Equal([true, false], (await roles.TestPermissionsAsync(new()
        {
            Permissions = { "compute.servers.get", "identity.roleBindings.create" }, Resource = "projects/own/servers/narrow1",
        }, by)).Permissions.Select(p => p.Held));

        // One that is made later under the name is another.
        await servers.DeleteServerAsync(new() { Name = "projects/own/servers/narrow1" }, host.Headers());
        await RunningHost.UntilAsync(async () => !(await servers.ListServersAsync(new() { Parent = "projects/own", PageSize = 1000 }, host.Headers()))
            .Servers.Any(s => s.Name.EndsWith("/narrow1", StringComparison.Ordinal)), "it is gone");
        await host.Own.CreateServerAsync(host, "narrow1");
        Assert.Equal(StatusCode.PermissionDenied, (await Assert.ThrowsAsync<RpcException>(async () =>
            await servers.GetServerAsync(new() { Name = "projects/own/servers/narrow1" }, by))).StatusCode);
        await host.Services.GetRequiredService<Monolith.Identity.RoleBindings.StaleBindings>().RemoveAsync(default);
        Assert.Single((await new RoleBindingService.RoleBindingServiceClient(host.Invoker).ListRoleBindingsAsync(
            new() { Filter = "member = \"users/narrow-one\"" }, host.Headers())).RoleBindings);
        foreach (var server in new[] { "narrow1", "narrow2" })
            await servers.DeleteServerAsync(new() { Name = "projects/own/servers/" + server }, host.Headers());
    }

    [Fact]
    public async Task ARoleForALabel_GoesWithTheLabel()
    {
        var made = await host.Own.CreateServerAsync(host, "labelled");
        var by = host.Headers(await host.UserAsync("by-label"));
        var binding = await BindAsync("users/by-label", "roles/member", "projects/own", ("stage", "test"), ("tier", "web"));
        Assert.Equal(StatusCode.AlreadyExists, (await Assert.ThrowsAsync<RpcException>(() =>
            BindAsync("users/by-label", "roles/member", "projects/own", ("tier", "web"), ("stage", "test")))).StatusCode);
        var labels = new Dictionary<string, string>[]
        {
            [], new() { ["stage"] = "test" }, new() { ["stage"] = "test", ["tier"] = "db" }, new() { ["stage"] = "testing", ["tier"] = "web" },
            new() { ["stage"] = "test", ["tier"] = "web", ["more"] = "x" },
        };
        foreach (var (some, i) in labels.Select((l, i) => (l, i)))
        {
            await servers.UpdateServerAsync(new()
            {
                Server = new() { Name = made.Name, Labels = { some } }, UpdateMask = new FieldMask { Paths = { "labels" } },
            }, host.Headers());
            var answer = await Record.ExceptionAsync(async () => await servers.GetServerAsync(new() { Name = made.Name }, by));
            if (i == labels.Length - 1) Assert.Null(answer);
            else Assert.Equal(StatusCode.PermissionDenied, Assert.IsType<RpcException>(answer).StatusCode);
        }
        var said = await roles.ExplainAccessAsync(new() { Permission = "compute.servers.get", Resource = made.Name }, by);
        Assert.Equal("users/by-label may compute.servers.get on this, by roles/member on projects/own for what has stage=test and tier=web.", said.Message);
        Assert.Equal("test", Assert.Single((await new TokenService.TokenServiceClient(host.Invoker).GetCallerAsync(new(), by)).Grants).ResourceLabels["stage"]);
        await new RoleBindingService.RoleBindingServiceClient(host.Invoker).DeleteRoleBindingAsync(new() { Name = binding.Name }, host.Headers());
        Assert.Equal(StatusCode.NotFound, (await Assert.ThrowsAsync<RpcException>(async () =>
            await servers.GetServerAsync(new() { Name = made.Name }, by))).StatusCode);
        await servers.DeleteServerAsync(new() { Name = made.Name }, host.Headers());
    }

    [Fact]
    public async Task WhatLiesInAResource_IsItsHoldersToo()
    {
        var zones = new ZoneService.ZoneServiceClient(host.Invoker);
        await zones.CreateZoneAsync(new() { Parent = "projects/own", ZoneId = "narrow", Zone = new() { Domain = "narrow.example" } }, host.Headers());
        var by = host.Headers(await host.UserAsync("in-zone"));
        await BindAsync("users/in-zone", "roles/member", "projects/own/zones/narrow");
        var records = new RecordSetService.RecordSetServiceClient(host.Invoker);
        await records.CreateRecordSetAsync(new()
        {
            Parent = "projects/own/zones/narrow", RecordSet = new() { Domain = "www", Type = "A", Values = { "192.0.2.1" } },
        }, by);
        Assert.Single((await records.ListRecordSetsAsync(new() { Parent = "projects/own/zones/narrow" }, by)).RecordSets, r => r.Type == "A");
        Assert.Equal(StatusCode.PermissionDenied, (await Assert.ThrowsAsync<RpcException>(async () =>
            await records.ListRecordSetsAsync(new() { Parent = "projects/own/zones/r1" }, by))).StatusCode);
    }

    [Fact]
    public async Task WhatIsWrong_IsSaidAtOnce()
    {
        await host.UserAsync("narrow-wrong");
        async Task<string> Wrong(string scope, params (string, string)[] labels) =>
            (await Assert.ThrowsAsync<RpcException>(() => BindAsync("users/narrow-wrong", "roles/member", scope, labels))).Status.Detail;
        Assert.Contains("one of addressSets", await Wrong("projects/own/flavors/small"), StringComparison.Ordinal);
        Assert.Contains("must be one", await Wrong("", ("a", "b")), StringComparison.Ordinal);
        Assert.Contains("must be one", await Wrong("projects/own/servers/s1", ("a", "b")), StringComparison.Ordinal);
        Assert.Contains("does not exist", await Wrong("projects/own/servers/none"), StringComparison.Ordinal);
        Assert.Contains("role on the cloud", (await Assert.ThrowsAsync<RpcException>(() =>
            BindAsync("users/narrow-wrong", "roles/operator", "projects/own/servers/s1"))).Status.Detail, StringComparison.Ordinal);
    }

    async Task<RoleBinding> BindAsync(string member, string role, string scope, params (string Key, string Value)[] labels) =>
        await new RoleBindingService.RoleBindingServiceClient(host.Invoker).CreateRoleBindingAsync(new()
        {
            RoleBinding = new() { Role = role, Member = member, Scope = scope, ResourceLabels = { labels.ToDictionary(l => l.Key, l => l.Value) } },
        }, host.Headers());
}
