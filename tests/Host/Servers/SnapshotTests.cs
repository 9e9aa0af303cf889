using Grpc.Core;
using Monolith.Agent.V1;
using Monolith.Compute.V1;
using Monolith.Host.Tests.Cloud;
using Monolith.Identity.V1;
using Monolith.Image.V1;
using ImageMessage = Monolith.Image.V1.Image;

namespace Monolith.Host.Tests.Servers;

/// <summary>Images of servers' disks, from the call to the server that starts from one.</summary>
public sealed class SnapshotTests(RunningHost host)
{
    readonly ServerService.ServerServiceClient servers = new(host.Invoker);
    readonly ImageService.ImageServiceClient images = new(host.Invoker);

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

    async Task<string> ReadyAsync(string id)
    {
        await host.Own.CreateServerAsync(host, id);
        return (await SeenAsync("projects/own/servers/" + id, Server.Types.State.Ready)).Name;
    }

    /// <summary>Every state of an image from when it is there, until it is in this one.</summary>
    async Task<List<ImageMessage>> WatchAsync(string name, ImageMessage.Types.State until)
    {
        var seen = new List<ImageMessage>();
        using var watch = images.WatchImages(new WatchImagesRequest { Parent = "projects/own", Name = name }, By,
            DateTime.UtcNow.AddMinutes(2));
        while (await watch.ResponseStream.MoveNext(default))
            if (watch.ResponseStream.Current.Image is { } image)
            {
                seen.Add(image);
                if (image.State == until) return seen;
            }
        throw new InvalidOperationException("the watch ended");
    }

    static async Task<string> RefusedAsync<T>(AsyncUnaryCall<T> call, StatusCode code = StatusCode.FailedPrecondition)
    {
        var e = await Assert.ThrowsAsync<RpcException>(() => call.ResponseAsync);
        Assert.Equal(code, e.StatusCode);
        return e.GetRpcStatus()!.GetDetail<Google.Rpc.ErrorInfo>()!.Reason;
    }

    [Fact]
    public async Task OfARunningServer_AnImageThatOthersStartFrom()
    {
        var name = await ReadyAsync("golden");
        var request = new SnapshotServerRequest
        {
            Name = name,
            ImageId = "golden",
            Family = "golden",
            RequestId = Guid.NewGuid().ToString(),
        };
        var made = await servers.SnapshotServerAsync(request, By);
        Assert.Equal(("projects/own/images/golden", ImageMessage.Types.State.Creating, name, "golden"),
            (made.Name, made.State, made.SourceServer, made.Family));
        Assert.Equal(made, await servers.SnapshotServerAsync(request, By));
        var seen = await WatchAsync(made.Name, ImageMessage.Types.State.Ready);
        var ready = seen[^1];
        Assert.Equal((made.Uid, ImageMessage.Types.Format.Qcow2, 1L << 30, name),
            (ready.Uid, ready.Format, ready.VirtualSizeBytes, ready.SourceServer));
        Assert.Equal(64, ready.Sha256.Length);
        Assert.True(ready.SizeBytes > 0);
        // The server was READY all the way, and is as it was.
        var server = await SeenAsync(name, Server.Types.State.Ready);
        await RunningHost.UntilAsync(async () => (await servers.GetServerAsync(new GetServerRequest { Name = name }, By))
            .SnapshotImage.Length == 0, "nothing is being made any more");

        var copy = await servers.CreateServerAsync(new CreateServerRequest
        {
            Parent = "projects/own",
            ServerId = "from-golden",
            Server = new()
            {
                Flavor = "flavors/small",
                Image = "projects/own/imageFamilies/golden",
                Networks = { new ServerNetwork { Network = "projects/own/networks/r1" } },
            },
        }, By);
        Assert.Equal(made.Name, copy.Image);
        await SeenAsync(copy.Name, Server.Types.State.Ready);
        await servers.DeleteServerAsync(new DeleteServerRequest { Name = copy.Name }, By);
        await servers.DeleteServerAsync(new DeleteServerRequest { Name = server.Name }, By);
        // It stays, also of a server that is gone.
        await RunningHost.UntilAsync(async () => (await images.GetImageAsync(new GetImageRequest { Name = made.Name }, By))
            .SourceServer == name, "the image stays");
    }

    [Fact]
    public async Task OfAStoppedServer_AnImageAsWell()
    {
        var name = await ReadyAsync("rested");
        await servers.StopServerAsync(new StopServerRequest { Name = name }, By);
        await SeenAsync(name, Server.Types.State.Stopped);
        var made = await servers.SnapshotServerAsync(new SnapshotServerRequest { Name = name, ImageId = "rested" }, By);
        Assert.Equal(ImageMessage.Types.State.Ready, (await WatchAsync(made.Name, ImageMessage.Types.State.Ready))[^1].State);
        await SeenAsync(name, Server.Types.State.Stopped);
        await servers.DeleteServerAsync(new DeleteServerRequest { Name = name }, By);
    }

    [Fact]
    public async Task WhatCannotBe_IsRefusedWithTheReason()
    {
        var name = await ReadyAsync("refused");
        Assert.Equal("RESOURCE_EXISTS", await RefusedAsync(servers.SnapshotServerAsync(
            new SnapshotServerRequest { Name = name, ImageId = "r1" }, By), StatusCode.AlreadyExists));
        Assert.Equal("RESOURCE_NOT_FOUND", await RefusedAsync(servers.SnapshotServerAsync(
            new SnapshotServerRequest { Name = "projects/own/servers/none", ImageId = "x" }, By), StatusCode.NotFound));
        var e = await Assert.ThrowsAsync<RpcException>(() => servers.SnapshotServerAsync(
            new SnapshotServerRequest { Name = name, ImageId = "X", Family = "Y" }, By).ResponseAsync);
        Assert.Equal(["image_id", "family"],
            e.GetRpcStatus()!.GetDetail<Google.Rpc.BadRequest>()!.FieldViolations.Select(v => v.Field));
        await servers.DeleteServerAsync(new DeleteServerRequest { Name = name }, By);
        var token = await host.UserAsync("snapshot-reader", ("roles/reader", "projects/own"));
        Assert.Equal("PERMISSION_MISSING", await RefusedAsync(servers.SnapshotServerAsync(
            new SnapshotServerRequest { Name = name, ImageId = "mine" }, host.Headers(token)), StatusCode.PermissionDenied));
    }

    /// <summary>A copy is taken of whom it is wanted from alone.</summary>
    [Fact]
    public async Task WhatAnotherHypervisorSends_IsNotFound()
    {
        using var channel = await host.JoinedAsync("probe-snapshots", NodeRole.Hypervisor);
        using var call = new SnapshotService.SnapshotServiceClient(channel).UploadSnapshot();
        await call.RequestStream.WriteAsync(new UploadSnapshotRequest
        {
            Header = new() { Vm = Guid.NewGuid().ToString(), Snapshot = Guid.NewGuid().ToString(), SizeBytes = 1 },
        });
        var e = await Assert.ThrowsAsync<RpcException>(() => call.ResponseAsync);
        Assert.Equal(StatusCode.NotFound, e.StatusCode);
    }
}
