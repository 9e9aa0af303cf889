using Grpc.Core;
using Monolith.Api.V1;
using Monolith.Compute.V1;
using Monolith.Host.Tests.Cloud;
using Monolith.Network.V1;

namespace Monolith.Host.Tests.Servers;

/// <summary>Ports that come to a server and go, by the whole way from call to agents and back.</summary>
public sealed class PortTests(RunningHost host)
{
    readonly ServerService.ServerServiceClient servers = new(host.Invoker);
    readonly PortService.PortServiceClient ports = new(host.Invoker);

    const string Network = "projects/own/networks/r1";

    Metadata By => host.Headers(host.OwnersToken);

    async Task<Server> SeenAsync(string name, Func<Server, bool> holds, string what)
    {
        var server = new Server();
        await RunningHost.UntilAsync(async () =>
        {
            server = await servers.GetServerAsync(new GetServerRequest { Name = name }, By);
            return holds(server) && !server.Reconciling;
        }, $"{name} {what}");
        return server;
    }

    Task<Server> RestsAsync(string name, Server.Types.State state) => SeenAsync(name, s => s.State == state, $"is {state}");

    Task<Server> PluggedAsync(string name, int count) => SeenAsync(name,
        s => s.Addresses.Count == count && s.Conditions.Any(c => c is { Type: "PortsPlugged", Status: Condition.Types.Status.True }),
        $"has {count} addresses");

    async Task<IReadOnlyList<Port>> PortsAsync(string server) => (await ports.ListPortsAsync(
        new ListPortsRequest { Parent = "projects/own", Filter = $"owner = \"{server}\"" }, By)).Ports;

    static async Task<string> RefusedAsync<T>(AsyncUnaryCall<T> call)
    {
        var e = await Assert.ThrowsAsync<RpcException>(() => call.ResponseAsync);
        Assert.Equal(StatusCode.FailedPrecondition, e.StatusCode);
        return e.GetRpcStatus()!.GetDetail<Google.Rpc.ErrorInfo>()!.Reason;
    }

    [Fact]
    public async Task ToARunningServer_APortComes_AndTheFirstOneGoes()
    {
        const string name = "projects/own/servers/plugged";
        await host.Own.CreateServerAsync(host, "plugged");
        var before = await RestsAsync(name, Server.Types.State.Ready);
        var first = Assert.Single(await PortsAsync(name));
        Assert.Equal("LAST_PORT", await RefusedAsync(servers.DetachServerPortAsync(new() { Name = name, Port = first.Name }, By)));
        Assert.Equal("NOT_ITS_PORT", await RefusedAsync(servers.DetachServerPortAsync(
            new() { Name = name, Port = "projects/own/ports/nobodys" }, By)));
        var asked = await servers.AttachServerPortAsync(new() { Name = name, Network = Network }, By);
        Assert.Equal((Server.Types.State.Ready, true, 2), (asked.State, asked.Reconciling, asked.Networks.Count));
        var both = await PluggedAsync(name, 2);
        Assert.Equal(before.Addresses[0], both.Addresses[0]);
        var second = (await PortsAsync(name)).Single(p => p.Name != first.Name);
        Assert.Equal((Port.Types.State.Active, both.Hypervisor), (second.State, both.Hypervisor));
        Assert.Equal(both.Addresses[1], Assert.Single(second.Addresses));

        await servers.DetachServerPortAsync(new() { Name = name, Port = first.Name }, By);
        var after = await PluggedAsync(name, 1);
        Assert.Equal(second.Addresses, after.Addresses);
        Assert.Equal(second.Name, Assert.Single(await PortsAsync(name)).Name);
        Assert.Single(after.Networks);
        var events = (await servers.ListServerEventsAsync(new() { Parent = name, PageSize = 100 }, By)).Events;
        Assert.Contains(events, e => e is { Operation: "attach-port", Step: "PortsPlugged", Outcome: ServerEvent.Types.Outcome.Succeeded });
        Assert.Contains(events, e => e is { Operation: "detach-port", Step: "PortsPlugged" });

        // What remains keeps its place, wherever the server goes.
        await servers.MigrateServerAsync(new() { Name = name }, host.Headers());
        var moved = await SeenAsync(name, s => s.Migration?.State == Migration.Types.State.Succeeded, "has moved");
        Assert.Equal(after.Addresses, moved.Addresses);
        await servers.RestartServerAsync(new() { Name = name, Hard = true }, By);
        Assert.Equal(after.Addresses, (await RestsAsync(name, Server.Types.State.Ready)).Addresses);
        await servers.DeleteServerAsync(new() { Name = name }, By);
        await RunningHost.UntilAsync(async () => (await PortsAsync(name)).Count == 0, "its ports go with it");
    }

    [Fact]
    public async Task ToAStoppedServer_PortsComeAndGoToo_AsManyAsItMayHave()
    {
        const string name = "projects/own/servers/unplugged";
        await host.Own.CreateServerAsync(host, "unplugged");
        await RestsAsync(name, Server.Types.State.Ready);
        await servers.StopServerAsync(new() { Name = name }, By);
        await RestsAsync(name, Server.Types.State.Stopped);
        for (var count = 2; count <= 8; count++)
        {
            await servers.AttachServerPortAsync(new() { Name = name, Network = Network }, By);
            await PluggedAsync(name, count);
        }
        Assert.Equal("TOO_MANY_PORTS", await RefusedAsync(servers.AttachServerPortAsync(new() { Name = name, Network = Network }, By)));
        await servers.StartServerAsync(new() { Name = name }, By);
        Assert.Equal(8, (await RestsAsync(name, Server.Types.State.Ready)).Addresses.Count);
        Assert.All(await PortsAsync(name), p => Assert.Equal(Port.Types.State.Active, p.State));
        await servers.DeleteServerAsync(new() { Name = name }, By);
    }

    [Fact]
    public async Task WhatCannotBe_IsRefusedAtOnce_WithEveryViolation()
    {
        const string name = "projects/own/servers/refusing";
        await host.Own.CreateServerAsync(host, "refusing");
        await RestsAsync(name, Server.Types.State.Ready);
        var e = await Assert.ThrowsAsync<RpcException>(() => servers.AttachServerPortAsync(new()
        {
            Name = name,
            Network = Network,
            SecurityGroups = { "projects/own/securityGroups/none" },
            Address = "nowhere",
        }, By).ResponseAsync);
        var fields = e.GetRpcStatus()!.GetDetail<Google.Rpc.BadRequest>()!.FieldViolations.Select(v => v.Field).ToList();
        Assert.Equal((StatusCode.InvalidArgument, true, true),
            (e.StatusCode, fields.Contains("address"), fields.Exists(f => f.StartsWith("security_groups", StringComparison.Ordinal))));
        var foreseen = await servers.AttachServerPortAsync(new() { Name = name, Network = Network, ValidateOnly = true }, By);
        Assert.Equal(2, foreseen.Networks.Count);
        Assert.Single((await servers.GetServerAsync(new() { Name = name }, By)).Networks);
        await servers.DeleteServerAsync(new() { Name = name }, By);
    }
}
