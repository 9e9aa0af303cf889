using Grpc.Core;
using Monolith.Compute.V1;
using Monolith.Host.Tests.Cloud;

namespace Monolith.Host.Tests.Servers;

/// <summary>What becomes of a server that is there: its size, its image, its end, and what keeps it from them.</summary>
public sealed class ServerChangeTests(RunningHost host)
{
    readonly ServerService.ServerServiceClient servers = new(host.Invoker);

    Metadata By => host.Headers(host.OwnersToken);

    async Task<Server> ReadyAsync(string id)
    {
        await host.Own.CreateServerAsync(host, id);
        return await SeenAsync("projects/own/servers/" + id, Server.Types.State.Ready);
    }

    async Task<Server> SeenAsync(string name, Server.Types.State state)
    {
        var server = new Server();
        await RunningHost.UntilAsync(async () =>
        {
            server = await servers.GetServerAsync(new GetServerRequest { Name = name }, host.Headers());
            return server.State == state && !server.Reconciling;
        }, $"{name} is {state}");
        return server;
    }

    Task GoneAsync(string name) => RunningHost.UntilAsync(async () =>
    {
        try
        {
            await servers.GetServerAsync(new GetServerRequest { Name = name }, By);
            return false;
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.NotFound)
        {
            return true;
        }
    }, $"{name} is gone");

    static async Task<string> RefusedAsync(Func<AsyncUnaryCall<Server>> call)
    {
        var e = await Assert.ThrowsAsync<RpcException>(() => call().ResponseAsync);
        Assert.Equal(StatusCode.FailedPrecondition, e.StatusCode);
        return e.GetRpcStatus()!.GetDetail<Google.Rpc.ErrorInfo>()!.Reason;
    }

    async Task FlavorAsync(string id, int vcpus, int memoryMib, int diskGib) =>
        await new FlavorService.FlavorServiceClient(host.Invoker).CreateFlavorAsync(new CreateFlavorRequest
        {
            FlavorId = id,
            Flavor = new() { Vcpus = vcpus, MemoryMib = memoryMib, DiskGib = diskGib },
        }, host.Headers());


    /// <summary>Steps of the last operation of that name, in order.</summary>
    async Task<List<string>> StepsAsync(string name, string operation) => [.. (await servers.ListServerEventsAsync(
        new ListServerEventsRequest { Parent = name, PageSize = 1000 }, By)).Events
        .Where(e => e.Operation == operation && e.Outcome == ServerEvent.Types.Outcome.Succeeded).Select(e => e.Step)];

    [Fact]
    public async Task Locked_NothingHappensToIt_UntilItIsUnlocked()
    {
        var server = await ReadyAsync("locked");
        var name = server.Name;
        await FlavorAsync("locked", 2, 128, 1);
        server = await servers.UpdateServerAsync(new UpdateServerRequest
        {
            Server = new() { Name = name, LockReason = "audit until Friday" },
        }, By);
        Assert.Equal("audit until Friday", server.LockReason);
        foreach (var call in new Func<AsyncUnaryCall<Server>>[]
        {
            () => servers.StopServerAsync(new StopServerRequest { Name = name }, By),
            () => servers.StartServerAsync(new StartServerRequest { Name = name }, By),
            () => servers.RestartServerAsync(new RestartServerRequest { Name = name }, By),
            () => servers.ResizeServerAsync(new ResizeServerRequest { Name = name, Flavor = "flavors/locked" }, By),
            () => servers.RebuildServerAsync(new RebuildServerRequest { Name = name }, By),
            () => servers.DeleteServerAsync(new DeleteServerRequest { Name = name }, By),
            () => servers.DeleteServerAsync(new DeleteServerRequest { Name = name, Force = true }, By),
            () => servers.UndeleteServerAsync(new UndeleteServerRequest { Name = name }, By),
        })
            Assert.Equal("SERVER_LOCKED", await RefusedAsync(call));
        // Words about it may still change.
        await servers.UpdateServerAsync(new UpdateServerRequest { Server = new() { Name = name, DisplayName = "Ada's" } }, By);
        await servers.UpdateServerAsync(new UpdateServerRequest
        {
            Server = new() { Name = name },
            UpdateMask = new() { Paths = { "lock_reason" } },
        }, By);
        await servers.DeleteServerAsync(new DeleteServerRequest { Name = name }, By);
        await GoneAsync(name);
    }

    [Fact]
    public async Task DeletedSoftly_ItRests_AndComesBackAsItWas()
    {
        var before = await ReadyAsync("back");
        var name = before.Name;
        await servers.UpdateServerAsync(new UpdateServerRequest
        {
            Server = new() { Name = name, UndeleteWindow = new() { Seconds = 3600 } },
        }, By);
        Assert.Equal("SERVER_NOT_DELETED",
            await RefusedAsync(() => servers.UndeleteServerAsync(new UndeleteServerRequest { Name = name }, By)));

        await servers.DeleteServerAsync(new DeleteServerRequest { Name = name }, By);
        var resting = await SeenAsync(name, Server.Types.State.SoftDeleted);
        Assert.Empty(resting.DnsName);
        Assert.InRange(resting.ExpireTime.ToDateTime() - DateTime.UtcNow, TimeSpan.FromMinutes(50), TimeSpan.FromMinutes(61));
        Assert.Equal("SERVER_SOFT_DELETED",
            await RefusedAsync(() => servers.StartServerAsync(new StartServerRequest { Name = name }, By)));
        // A second time is the same deletion.
        Assert.Equal(resting.ExpireTime,
            (await servers.DeleteServerAsync(new DeleteServerRequest { Name = name }, By)).ExpireTime);

        await servers.UndeleteServerAsync(new UndeleteServerRequest { Name = name }, By);
        var after = await SeenAsync(name, Server.Types.State.Ready);
        Assert.Equal((before.Uid, before.DnsName, before.Hypervisor), (after.Uid, after.DnsName, after.Hypervisor));
        Assert.Equal(before.Addresses, after.Addresses);
        Assert.Null(after.ExpireTime);

        await servers.DeleteServerAsync(new DeleteServerRequest { Name = name }, By);
        await SeenAsync(name, Server.Types.State.SoftDeleted);
        await servers.DeleteServerAsync(new DeleteServerRequest { Name = name, Force = true }, By);
        await GoneAsync(name);
    }

    [Fact]
    public async Task DeletedSoftly_ItGoesForGood_WhenItsTimeIsOver()
    {
        var name = (await ReadyAsync("expired")).Name;
        await servers.UpdateServerAsync(new UpdateServerRequest
        {
            Server = new() { Name = name, UndeleteWindow = new() { Seconds = 60 } },
        }, By);
        await servers.DeleteServerAsync(new DeleteServerRequest { Name = name }, By);
        await SeenAsync(name, Server.Types.State.SoftDeleted);
        // An hour passes.
        await using (var connection = await host.ConnectAsync("compute"))
        {
            await using var command = connection.CreateCommand();
            command.CommandText = "UPDATE servers SET \"ExpireTime\" = '2020-01-01 00:00:00' WHERE \"Name\" = 'projects/own/servers/expired'";
            Assert.Equal(1, await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken));
        }
        await GoneAsync(name);
        Assert.Contains("VmRemoved", await StepsAsync(name, "delete"));
    }

    [Fact]
    public async Task Resized_ItHasItsNewSize_WhereItWas_WithItsAddresses()
    {
        await FlavorAsync("twice", 2, 128, 2);
        var before = await ReadyAsync("grown");
        var name = before.Name;
        var trial = await servers.ResizeServerAsync(
            new ResizeServerRequest { Name = name, Flavor = "flavors/twice", ValidateOnly = true }, By);
        Assert.Equal("flavors/twice", trial.Flavor);
        Assert.Equal("flavors/small", (await servers.GetServerAsync(new GetServerRequest { Name = name }, By)).Flavor);

        await servers.ResizeServerAsync(new ResizeServerRequest { Name = name, Flavor = "flavors/twice" }, By);
        var after = await SeenAsync(name, Server.Types.State.Ready);
        Assert.Equal((before.Uid, before.Hypervisor, "flavors/twice"), (after.Uid, after.Hypervisor, after.Flavor));
        Assert.Equal(before.Addresses, after.Addresses);
        Assert.Contains("Running", await StepsAsync(name, "resize"));

        // Its hypervisor gave that much more, and has it back when the server goes.
        Assert.Equal((2, 128, 2), await HeldAsync(name));
        var e = await Assert.ThrowsAsync<RpcException>(() => servers.ResizeServerAsync(
            new ResizeServerRequest { Name = name, Flavor = "flavors/small" }, By).ResponseAsync);
        Assert.Equal(StatusCode.InvalidArgument, e.StatusCode);
        Assert.Contains("a disk never shrinks", e.Status.Detail + string.Join(' ', e.GetRpcStatus()!
            .GetDetail<Google.Rpc.BadRequest>()!.FieldViolations.Select(v => v.Description)), StringComparison.Ordinal);
        await servers.DeleteServerAsync(new DeleteServerRequest { Name = name }, By);
        await GoneAsync(name);
    }

    [Fact]
    public async Task ItsMetadataDrive_IsChosenOnce_AndItsHypervisorIsTold()
    {
        var own = host.Own.Name;
        var request = new CreateServerRequest
        {
            Parent = own,
            ServerId = "driven",
            Server = new()
            {
                Flavor = "flavors/small",
                Image = own + "/images/r1",
                Networks = { new ServerNetwork { Network = own + "/networks/r1" } },
                MetadataDrive = Server.Types.MetadataDrive.NoCloud,
            },
        };
        await servers.CreateServerAsync(request, By);
        var server = await SeenAsync(own + "/servers/driven", Server.Types.State.Ready);
        Assert.Equal(Server.Types.MetadataDrive.NoCloud, server.MetadataDrive);
        var told = await PlanAsync(server.Name);
        Assert.Equal(Monolith.Agent.V1.VmMetadata.Types.Drive.NoCloud, told.Metadata.Drive);
        var e = await Assert.ThrowsAsync<RpcException>(() => servers.UpdateServerAsync(new UpdateServerRequest
        {
            Server = new() { Name = server.Name },
            UpdateMask = new() { Paths = { "metadata_drive" } },
        }, By).ResponseAsync);
        Assert.Equal(StatusCode.InvalidArgument, e.StatusCode);
    }

    /// <summary>Whoever has the databases alone does not have what a user told a guest.</summary>
    [Fact]
    public async Task ItsUserData_LieSealed_AndAreWholeForWhoMayReadThem()
    {
        var own = host.Own.Name;
        var secret = $"password-{Guid.NewGuid():n}";
        await servers.CreateServerAsync(new CreateServerRequest
        {
            Parent = own,
            ServerId = "sealed",
            RequestId = Guid.NewGuid().ToString(),
            Server = new()
            {
                Flavor = "flavors/small",
                Image = own + "/images/r1",
                Networks = { new ServerNetwork { Network = own + "/networks/r1" } },
                UserData = Google.Protobuf.ByteString.CopyFromUtf8(secret),
            },
        }, By);
        var server = await SeenAsync(own + "/servers/sealed", Server.Types.State.Ready);
        Assert.Equal(secret, server.UserData.ToStringUtf8());
        var planned = (await PlanAsync(server.Name)).Metadata.UserData;
        Assert.True(planned.Length > secret.Length);
        Assert.DoesNotContain(secret, planned.ToString(System.Text.Encoding.Latin1), StringComparison.Ordinal);
        foreach (var file in Directory.EnumerateFiles(host.Data, "*", SearchOption.AllDirectories))
            Assert.True((await BytesAsync(file)).AsSpan().IndexOf(System.Text.Encoding.UTF8.GetBytes(secret)) < 0, file);
        var left = Assert.Single(new DirectoryInfo(host.Data).GetFiles("kek"));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, left.UnixFileMode);
    }

    static async Task<byte[]> BytesAsync(string file)
    {
        await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using var bytes = new MemoryStream();
        await stream.CopyToAsync(bytes);
        return bytes.ToArray();
    }

    async Task<Monolith.Agent.V1.Vm> PlanAsync(string server)
    {
        await using var connection = await host.ConnectAsync("compute");
        await using var command = connection.CreateCommand();
        command.CommandText = $"SELECT \"Plan\" FROM vms WHERE \"ServerName\" = '{server}'";
        var plan = (byte[])(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
        return Monolith.Agent.V1.Vm.Parser.ParseFrom(plan);
    }

    [Fact]
    public async Task ItsMetadata_ChangesWhileItRuns_WithinBounds()
    {
        var before = await ReadyAsync("meta");
        Assert.Empty(before.Metadata);
        var server = await servers.UpdateServerAsync(new UpdateServerRequest
        {
            Server = new() { Name = before.Name, Metadata = { ["role"] = "db", ["site:rack"] = "Köln" } },
        }, By);
        Assert.Equal(("db", "Köln"), (server.Metadata["role"], server.Metadata["site:rack"]));
        // It was READY all the way.
        Assert.Equal((Server.Types.State.Ready, false), (server.State, server.Reconciling));
        server = await SeenAsync(before.Name, Server.Types.State.Ready);
        Assert.Equal(before.Conditions, server.Conditions);
        Assert.Equal("Köln", (await PlanAsync(before.Name)).Metadata.Meta["site:rack"]);
        server = await servers.UpdateServerAsync(new UpdateServerRequest
        {
            Server = new() { Name = before.Name },
            UpdateMask = new() { Paths = { "metadata" } },
        }, By);
        Assert.Empty(server.Metadata);

        var wrong = new Server { Name = before.Name, Metadata = { [""] = "x", ["a b"] = "x", ["a.long"] = new string('x', 1025) } };
        for (var i = 0; i < 64; i++) wrong.Metadata[$"k{i}"] = "";
        var e = await Assert.ThrowsAsync<RpcException>(() => servers.UpdateServerAsync(
            new UpdateServerRequest { Server = wrong }, By).ResponseAsync);
        Assert.Equal(StatusCode.InvalidArgument, e.StatusCode);
        Assert.InRange(e.GetRpcStatus()!.GetDetail<Google.Rpc.BadRequest>()!.FieldViolations.Count, 4, 10);
        await servers.DeleteServerAsync(new DeleteServerRequest { Name = before.Name }, By);
        await GoneAsync(before.Name);
    }

    [Fact]
    public async Task WhatItsHypervisorCannotGive_ChangesNothing()
    {
        await FlavorAsync("giant", 200, 4_000_000, 60_000);
        var before = await ReadyAsync("stays");
        Assert.Equal("NO_ROOM", await RefusedAsync(() => servers.ResizeServerAsync(
            new ResizeServerRequest { Name = before.Name, Flavor = "flavors/giant" }, By)));
        var after = await servers.GetServerAsync(new GetServerRequest { Name = before.Name }, host.Headers());
        Assert.Equal(before, after);
        Assert.Equal((1, 64, 1), await HeldAsync(before.Name));
        await servers.DeleteServerAsync(new DeleteServerRequest { Name = before.Name }, By);
        await GoneAsync(before.Name);
    }

    /// <summary>What a server's vm holds, and whether its hypervisor's sum agrees with all that it holds.</summary>
    async Task<(int, int, int)> HeldAsync(string server)
    {
        await using var connection = await host.ConnectAsync("compute");
        await using var command = connection.CreateCommand();
        command.CommandText = $"""
            SELECT v."Vcpus", v."MemoryMib", v."DiskGib", h."UsedVcpus" - (SELECT SUM(o."Vcpus") FROM vms o WHERE o."Hypervisor" = v."Hypervisor")
            FROM vms v JOIN hypervisors h ON h."Name" = 'hypervisors/' || v."Hypervisor" WHERE v."ServerName" = '{server}'
            """;
        await using var reader = await command.ExecuteReaderAsync(TestContext.Current.CancellationToken);
        Assert.True(await reader.ReadAsync(TestContext.Current.CancellationToken));
        Assert.Equal(0, Convert.ToInt64(reader.GetValue(3), null));
        return (reader.GetInt32(0), reader.GetInt32(1), reader.GetInt32(2));
    }

    [Fact]
    public async Task Rebuilt_ItStartsFromTheImage_WithItsNameAndAddresses()
    {
        var before = await ReadyAsync("rebuilt");
        var image = await host.Own.UploadAsync(host, "rebuild-to", [.. Enumerable.Repeat((byte)7, 8192)]);
        await servers.RebuildServerAsync(new RebuildServerRequest { Name = before.Name, Image = image.Name }, By);
        var after = await SeenAsync(before.Name, Server.Types.State.Ready);
        Assert.Equal((before.Uid, before.DnsName, image.Name), (after.Uid, after.DnsName, after.Image));
        Assert.Equal(before.Addresses, after.Addresses);
        Assert.Superset(new HashSet<string> { "Placed", "ImageFetched", "DiskReady", "Running", "Ready" },
            (await StepsAsync(before.Name, "rebuild")).ToHashSet());

        var e = await Assert.ThrowsAsync<RpcException>(() => servers.RebuildServerAsync(
            new RebuildServerRequest { Name = before.Name, Image = "projects/own/images/none" }, By).ResponseAsync);
        Assert.Equal(StatusCode.InvalidArgument, e.StatusCode);
        await servers.DeleteServerAsync(new DeleteServerRequest { Name = before.Name }, By);
        await GoneAsync(before.Name);
    }
}
