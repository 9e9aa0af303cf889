using Grpc.Core;
using Monolith.Api.V1;
using Monolith.Compute.V1;
using Monolith.Host.Tests.Cloud;
using State = Monolith.Compute.V1.Migration.Types.State;

namespace Monolith.Host.Tests.Placement;

/// <summary>Servers go from one emulated hypervisor to the other, by the whole way from call to agents and back.</summary>
public sealed class MigrationTests(RunningHost host)
{
    readonly ServerService.ServerServiceClient servers = new(host.Invoker);

    [Fact]
    public async Task AReadyServer_GoesToTheOtherHypervisor_WithItsAddress_AndBack()
    {
        var before = await CreatedAsync("mover");
        var begun = await servers.MigrateServerAsync(new MigrateServerRequest { Name = before.Name }, host.Headers());
        Assert.Equal((Server.Types.State.Ready, true), (begun.State, begun.Reconciling));
        Assert.Equal((State.Copying, before.Hypervisor), (begun.Migration.State, begun.Migration.Source));

        var after = await SettledAsync(before.Name);
        Assert.Equal((State.Succeeded, ""), (after.Migration.State, after.Migration.Message));
        Assert.NotEqual(before.Hypervisor, after.Hypervisor);
        Assert.Equal(after.Hypervisor, after.Migration.Target);
        Assert.Equal((before.Uid, before.Addresses, before.DnsName), (after.Uid, after.Addresses, after.DnsName));
        Assert.NotNull(after.Migration.Downtime);
        Assert.Equal(after.Migration.BytesTotal, after.Migration.BytesDone);
        Assert.Equal(
            ["Placed", "TargetReady", "DiskCopied", "MemoryCopied", "SwitchedOver", "Announced", "SourceRemoved"],
            after.Migration.Conditions.Select(c => c.Type));
        Assert.All(after.Migration.Conditions, c => Assert.Equal(Condition.Types.Status.True, c.Status));
        var events = await servers.ListServerEventsAsync(
            new ListServerEventsRequest { Parent = before.Name, PageSize = 100 }, host.Headers());
        Assert.Contains(events.Events, e => e is { Operation: "migrate", Step: "SwitchedOver" });

        // Where a server runs is not a tenant's business, nor that it could run elsewhere.
        var tenants = await servers.GetServerAsync(new GetServerRequest { Name = before.Name }, host.Headers(host.OwnersToken));
        Assert.Equal(("", "", ""), (tenants.Hypervisor, tenants.Migration.Source, tenants.Migration.Target));

        await servers.MigrateServerAsync(new MigrateServerRequest
        {
            Name = before.Name,
            TargetHypervisor = before.Hypervisor,
        }, host.Headers());
        var back = await SettledAsync(before.Name);
        Assert.Equal((State.Succeeded, before.Hypervisor), (back.Migration.State, back.Hypervisor));
        await DeletedAsync(before.Name);
    }

    [Fact]
    public async Task AStoppedServer_GoesToTheOtherHypervisor_StaysStopped_AndStartsThereWithItsAddress()
    {
        var made = await CreatedAsync("sleeper");
        await servers.StopServerAsync(new StopServerRequest { Name = made.Name }, host.Headers());
        var before = await UntilAsync(made.Name, s => s is { State: Server.Types.State.Stopped, Reconciling: false });
        var begun = await servers.MigrateServerAsync(new MigrateServerRequest { Name = made.Name }, host.Headers());
        Assert.Equal((Server.Types.State.Stopped, true, State.Copying), (begun.State, begun.Reconciling, begun.Migration.State));
        // Harder than that it cannot be stopped.
        Assert.Equal(Server.Types.State.Stopped, (await servers.StopServerAsync(
            new StopServerRequest { Name = made.Name, Hard = true }, host.Headers())).State);
        var after = await SettledAsync(made.Name);
        Assert.Equal((State.Succeeded, "", Server.Types.State.Stopped),
            (after.Migration.State, after.Migration.Message, after.State));
        Assert.NotEqual(before.Hypervisor, after.Hypervisor);
        Assert.Equal((before.Uid, before.Addresses), (after.Uid, after.Addresses));
        Assert.Null(after.Migration.Downtime);
        Assert.Equal(
            ["Placed", "TargetReady", "DiskCopied", "SwitchedOver", "SourceRemoved"],
            after.Migration.Conditions.Select(c => c.Type));
        Assert.All(after.Migration.Conditions, c => Assert.Equal(Condition.Types.Status.True, c.Status));
        await servers.StartServerAsync(new StartServerRequest { Name = made.Name }, host.Headers());
        var started = await UntilAsync(made.Name, s => s is { State: Server.Types.State.Ready, Reconciling: false });
        Assert.Equal((after.Hypervisor, before.Addresses), (started.Hypervisor, started.Addresses));
        await DeletedAsync(made.Name);
    }

    [Fact]
    public async Task AStoppedServer_StartedMeanwhile_RunsAtOneOfTheTwo()
    {
        var made = await CreatedAsync("riser");
        await servers.StopServerAsync(new StopServerRequest { Name = made.Name }, host.Headers());
        await UntilAsync(made.Name, s => s is { State: Server.Types.State.Stopped, Reconciling: false });
        await servers.MigrateServerAsync(new MigrateServerRequest { Name = made.Name }, host.Headers());
        await servers.StartServerAsync(new StartServerRequest { Name = made.Name }, host.Headers());
        var after = await UntilAsync(made.Name, s => s is { State: Server.Types.State.Ready, Reconciling: false });
        Assert.Equal(after.Migration.State == State.Succeeded, after.Hypervisor != made.Hypervisor);
        if (after.Migration.State != State.Succeeded)
            Assert.Equal((State.Aborted, "SUPERSEDED"), (after.Migration.State, after.Migration.Reason));
        await DeletedAsync(made.Name);
    }

    [Fact]
    public async Task Aborted_Or_Completed_ButNeverInBetween()
    {
        var before = await CreatedAsync("waverer");
        await servers.MigrateServerAsync(new MigrateServerRequest { Name = before.Name }, host.Headers());
        // What there are two of is not made into something else: neither the one nor the other.
        foreach (var change in new Func<AsyncUnaryCall<Server>>[]
        {
            () => servers.ResizeServerAsync(new() { Name = before.Name, Flavor = "flavors/small" }, host.Headers()),
            () => servers.RebuildServerAsync(new() { Name = before.Name }, host.Headers()),
        })
            Assert.Equal(StatusCode.FailedPrecondition,
                (await Assert.ThrowsAsync<RpcException>(() => change().ResponseAsync)).StatusCode);
        await servers.AbortMigrationAsync(new AbortMigrationRequest { Name = before.Name }, host.Headers());
        var after = await SettledAsync(before.Name);
        Assert.Equal(Server.Types.State.Ready, after.State);
        Assert.Equal(after.Migration.State == State.Succeeded, after.Hypervisor != before.Hypervisor);
        if (after.Migration.State != State.Succeeded)
            Assert.Equal((State.Aborted, "ABORTED"), (after.Migration.State, after.Migration.Reason));
        // Whatever came of it, the next one is a migration as any other.
        await servers.MigrateServerAsync(new MigrateServerRequest { Name = before.Name }, host.Headers());
        Assert.Equal(State.Succeeded, (await SettledAsync(before.Name)).Migration.State);
        await DeletedAsync(before.Name);
    }

    [Fact]
    public async Task Deleted_Meanwhile_NothingIsLeft()
    {
        var before = await CreatedAsync("leaver");
        await servers.MigrateServerAsync(new MigrateServerRequest { Name = before.Name }, host.Headers());
        await DeletedAsync(before.Name);
    }

    [Fact]
    public async Task WhatCannotBe_IsRefusedWithTheCause_AndATenantMayNot()
    {
        var server = await CreatedAsync("stayer");
        var e = await RefusedAsync(new MigrateServerRequest { Name = server.Name, TargetHypervisor = server.Hypervisor });
        Assert.Equal(StatusCode.FailedPrecondition, e.StatusCode);
        Assert.Contains("already", e.Status.Detail, StringComparison.Ordinal);
        e = await RefusedAsync(new MigrateServerRequest { Name = server.Name, TargetHypervisor = "hypervisors/none" });
        Assert.Equal(StatusCode.NotFound, e.StatusCode);
        e = await RefusedAsync(new MigrateServerRequest { Name = server.Name }, host.OwnersToken);
        Assert.Equal(StatusCode.PermissionDenied, e.StatusCode);
        await DeletedAsync(server.Name);
    }

    async Task<RpcException> RefusedAsync(MigrateServerRequest request, string? token = null) =>
        await Assert.ThrowsAsync<RpcException>(() => servers.MigrateServerAsync(request, host.Headers(token)).ResponseAsync);

    async Task<Server> CreatedAsync(string id)
    {
        var made = await servers.CreateServerAsync(new CreateServerRequest
        {
            Parent = "projects/own",
            ServerId = id,
            Server = new()
            {
                Flavor = "flavors/small",
                Image = "projects/own/images/r1",
                Networks = { new ServerNetwork { Network = "projects/own/networks/r1" } },
            },
        }, host.Headers());
        return await UntilAsync(made.Name, s => s is { State: Server.Types.State.Ready, Reconciling: false });
    }

    Task<Server> SettledAsync(string name) => UntilAsync(name, s => !s.Reconciling
        && s.Migration?.State is State.Succeeded or State.Failed or State.Aborted);

    async Task<Server> UntilAsync(string name, Func<Server, bool> holds)
    {
        var server = new Server();
        try
        {
            await RunningHost.UntilAsync(async () => holds(server = await servers.GetServerAsync(
                new GetServerRequest { Name = name }, host.Headers())), $"{name} is as it should be");
        }
        catch (Exception) when (server.Name.Length > 0)
        {
            TestContext.Current.TestOutputHelper?.WriteLine(server.ToString());
            throw;
        }
        return server;
    }

    async Task DeletedAsync(string name)
    {
        await servers.DeleteServerAsync(new DeleteServerRequest { Name = name }, host.Headers());
        await RunningHost.UntilAsync(async () =>
        {
            try
            {
                await servers.GetServerAsync(new GetServerRequest { Name = name }, host.Headers());
                return false;
            }
            catch (RpcException e) when (e.StatusCode == StatusCode.NotFound)
            {
                return true;
            }
        }, $"{name} is gone");
        await using var compute = await host.ConnectAsync("compute");
        await RunningHost.UntilAsync(async () =>
        {
            await using var command = compute.CreateCommand();
            command.CommandText = $"SELECT count(*) FROM vms WHERE \"ServerName\" = '{name}'";
            return Convert.ToInt64(await command.ExecuteScalarAsync(), null) == 0;
        }, $"no vm of {name} is left");
        await using var network = await host.ConnectAsync("network");
        await using var left = network.CreateCommand();
        left.CommandText = $"SELECT count(*) FROM ports WHERE \"Owner\" = '{name}'";
        Assert.Equal(0L, Convert.ToInt64(await left.ExecuteScalarAsync(), null));
    }
}
