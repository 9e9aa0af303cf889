using Grpc.Core;
using Monolith.Compute.V1;
using Monolith.Host.Tests.Cloud;

namespace Monolith.Host.Tests.Servers;

/// <summary>A server that boots from an image to be repaired, and what may happen to it meanwhile.</summary>
public sealed class RescueTests(RunningHost host)
{
    readonly ServerService.ServerServiceClient servers = new(host.Invoker);

    Metadata By => host.Headers(host.OwnersToken);

    async Task<Server> SeenAsync(string name, Server.Types.State state)
    {
        var server = new Server();
        await RunningHost.UntilAsync(async () =>
        {
            server = await servers.GetServerAsync(new GetServerRequest { Name = name }, By);
            return server.State == state && !server.Reconciling;
        }, $"{name} is {state}");
        return server;
    }

    static async Task<string> RefusedAsync<T>(AsyncUnaryCall<T> call)
    {
        var e = await Assert.ThrowsAsync<RpcException>(() => call.ResponseAsync);
        Assert.Equal(StatusCode.FailedPrecondition, e.StatusCode);
        return e.GetRpcStatus()!.GetDetail<Google.Rpc.ErrorInfo>()!.Reason;
    }

    [Fact]
    public async Task Rescued_ItRunsFromTheImage_UntilItIsUnrescued()
    {
        const string name = "projects/own/servers/rescued";
        await host.Own.CreateServerAsync(host, "rescued");
        var before = await SeenAsync(name, Server.Types.State.Ready);
        Assert.Equal("SERVER_NOT_RESCUED", await RefusedAsync(servers.UnrescueServerAsync(new() { Name = name }, By)));
        var image = await host.Own.UploadAsync(host, "rescue-disk", [.. Enumerable.Repeat((byte)3, 8192)]);
        var asked = await servers.RescueServerAsync(new() { Name = name, Image = image.Name }, By);
        Assert.Equal((Server.Types.State.Restarting, image.Name), (asked.State, asked.RescueImage));
        var rescued = await SeenAsync(name, Server.Types.State.Ready);
        Assert.Equal((image.Name, before.Image), (rescued.RescueImage, rescued.Image));
        Assert.Equal(before.Addresses, rescued.Addresses);
        Assert.Contains(rescued.Conditions, c => c.Type == "Rescued");

        // It is stopped, started and restarted as any other, and nothing else.
        await servers.StopServerAsync(new() { Name = name }, By);
        Assert.Equal(image.Name, (await SeenAsync(name, Server.Types.State.Stopped)).RescueImage);
        await servers.StartServerAsync(new() { Name = name }, By);
        await SeenAsync(name, Server.Types.State.Ready);
        await servers.RestartServerAsync(new() { Name = name }, By);
        Assert.Equal(image.Name, (await SeenAsync(name, Server.Types.State.Ready)).RescueImage);
        Assert.Equal("SERVER_RESCUED", await RefusedAsync(servers.RescueServerAsync(new() { Name = name }, By)));
        Assert.Equal("SERVER_RESCUED", await RefusedAsync(servers.ResizeServerAsync(
            new() { Name = name, Flavor = "flavors/small" }, By)));
        Assert.Equal("SERVER_RESCUED", await RefusedAsync(servers.RebuildServerAsync(new() { Name = name }, By)));
        Assert.Equal("SERVER_RESCUED", await RefusedAsync(servers.SnapshotServerAsync(
            new() { Name = name, ImageId = "of-rescued" }, By)));
        Assert.Equal("SERVER_RESCUED", await RefusedAsync(servers.MigrateServerAsync(new() { Name = name }, host.Headers())));

        await servers.UnrescueServerAsync(new() { Name = name }, By);
        var after = await SeenAsync(name, Server.Types.State.Ready);
        Assert.Empty(after.RescueImage);
        Assert.DoesNotContain(after.Conditions, c => c.Type == "Rescued");
        Assert.Equal((before.Uid, before.Hypervisor), (after.Uid, after.Hypervisor));
        await servers.DeleteServerAsync(new() { Name = name }, By);
    }

    [Fact]
    public async Task AStoppedServer_IsStartedForIt_AndUnrescuedWhereItIsStopped()
    {
        const string name = "projects/own/servers/rescued-cold";
        await host.Own.CreateServerAsync(host, "rescued-cold");
        await SeenAsync(name, Server.Types.State.Ready);
        await servers.StopServerAsync(new() { Name = name }, By);
        await SeenAsync(name, Server.Types.State.Stopped);
        await servers.RescueServerAsync(new() { Name = name, Hard = true }, By);
        var rescued = await SeenAsync(name, Server.Types.State.Ready);
        Assert.Equal(rescued.Image, rescued.RescueImage);
        await servers.StopServerAsync(new() { Name = name }, By);
        await SeenAsync(name, Server.Types.State.Stopped);
        var after = await servers.UnrescueServerAsync(new() { Name = name }, By);
        Assert.Equal((Server.Types.State.Stopped, ""), (after.State, after.RescueImage));
        await servers.StartServerAsync(new() { Name = name }, By);
        await SeenAsync(name, Server.Types.State.Ready);
        await servers.DeleteServerAsync(new() { Name = name }, By);
    }
}
