using Grpc.Core;
using Monolith.Api.V1;
using Monolith.Compute.V1;
using Monolith.Host.Tests.Cloud;

namespace Monolith.Host.Tests.Placement;

/// <summary>Servers of a group are created at the same time, and run apart or together all the same.</summary>
public sealed class ServerGroupTests(RunningHost host)
{
    readonly ServerService.ServerServiceClient servers = new(host.Invoker);
    readonly ServerGroupService.ServerGroupServiceClient groups = new(host.Invoker);
    readonly HypervisorService.HypervisorServiceClient hypervisors = new(host.Invoker);

    async Task<string> GroupAsync(string id, ServerGroup.Types.Policy policy) => (await groups.CreateServerGroupAsync(
        new CreateServerGroupRequest
        {
            Parent = "projects/own",
            ServerGroupId = id,
            ServerGroup = new() { Policy = policy },
        }, host.Headers(host.OwnersToken))).Name;

    async Task<Server> CreateAsync(string id, string group, string flavor = "flavors/small") => await servers.CreateServerAsync(
        new CreateServerRequest
        {
            Parent = "projects/own",
            ServerId = id,
            Server = new()
            {
                Flavor = flavor,
                Image = "projects/own/images/r1",
                Networks = { new ServerNetwork { Network = "projects/own/networks/r1" } },
                ServerGroup = group,
            },
        }, host.Headers(host.OwnersToken));

    async Task<Server> SeenAsync(string name, Func<Server, bool> holds, string what)
    {
        var server = new Server();
        await RunningHost.UntilAsync(async () => holds(server = await servers.GetServerAsync(
            new GetServerRequest { Name = name }, host.Headers())), $"{name} {what}");
        return server;
    }

    static Condition? Placed(Server server) => server.Conditions.FirstOrDefault(c => c.Type == "Placed");

    /// <summary>Hypervisors that have room: other specifications' own come and go meanwhile, and are too small.</summary>
    async Task<int> RoomAsync() => (await hypervisors.ListHypervisorsAsync(
        new ListHypervisorsRequest { Filter = "up = true AND schedulable = true" }, host.Headers())).Hypervisors
        .Count(h => h.Name.StartsWith("hypervisors/emulated", StringComparison.Ordinal));

    [Fact]
    public async Task Apart_EachIsOnAnotherHypervisor_AndTheOneTooManyIsToldWhy()
    {
        var group = await GroupAsync("apart", ServerGroup.Types.Policy.AntiAffinity);
        var room = await RoomAsync();
        var names = (await Task.WhenAll(Enumerable.Range(0, room).Select(i => CreateAsync($"apart{i}", group))))
            .Select(s => s.Name).ToList();
        var placed = await Task.WhenAll(names.Select(n => SeenAsync(n, s => s.Hypervisor.Length > 0, "is placed")));
        Assert.Equal(room, placed.Select(s => s.Hypervisor).Distinct().Count());

        var late = await CreateAsync("apart-late", group);
        late = await SeenAsync(late.Name, s => Placed(s) is { Reason: "NO_VALID_HYPERVISOR" }, "finds no hypervisor");
        Assert.Contains($"{room} that the server group rules out", Placed(late)!.Message, StringComparison.Ordinal);
        Assert.EndsWith("It would fit outside its server group.", Placed(late)!.Message, StringComparison.Ordinal);

        var listed = await servers.ListServersAsync(new ListServersRequest
        {
            Parent = "projects/own",
            Filter = $"server_group = \"{group}\"",
        }, host.Headers(host.OwnersToken));
        Assert.Equal(names.Append(late.Name).Order(StringComparer.Ordinal), listed.Servers.Select(s => s.Name));
        Assert.Equal(room + 1, (await groups.GetServerGroupAsync(new GetServerGroupRequest { Name = group },
            host.Headers(host.OwnersToken))).ServerCount);
        var e = await Assert.ThrowsAsync<RpcException>(() => groups.DeleteServerGroupAsync(
            new DeleteServerGroupRequest { Name = group }, host.Headers(host.OwnersToken)).ResponseAsync);
        Assert.Equal(StatusCode.FailedPrecondition, e.StatusCode);
        await DeleteAsync([.. names, late.Name]);
        await groups.DeleteServerGroupAsync(new DeleteServerGroupRequest { Name = group }, host.Headers(host.OwnersToken));
    }

    [Fact]
    public async Task Together_AllAreOnOneHypervisor()
    {
        var group = await GroupAsync("together", ServerGroup.Types.Policy.Affinity);
        var names = (await Task.WhenAll(Enumerable.Range(0, 5).Select(i => CreateAsync($"together{i}", group))))
            .Select(s => s.Name).ToList();
        var placed = await Task.WhenAll(names.Select(n => SeenAsync(n, s => s.Hypervisor.Length > 0, "is placed")));
        Assert.Single(placed.Select(s => s.Hypervisor).Distinct());
        await DeleteAsync(names);
    }

    async Task DeleteAsync(IReadOnlyCollection<string> names)
    {
        foreach (var name in names)
            await servers.DeleteServerAsync(new DeleteServerRequest { Name = name }, host.Headers(host.OwnersToken));
        await RunningHost.UntilAsync(async () => !(await servers.ListServersAsync(
            new ListServersRequest { Parent = "projects/own", PageSize = 1000 }, host.Headers())).Servers
            .Any(s => names.Contains(s.Name)), "they are gone");
    }

    [Fact]
    public async Task AFlavorThatNeedsATrait_IsPlacedWhereAnOperatorSaidItIs()
    {
        await new FlavorService.FlavorServiceClient(host.Invoker).CreateFlavorAsync(new CreateFlavorRequest
        {
            FlavorId = "with-gpu",
            Flavor = new() { Vcpus = 1, MemoryMib = 64, DiskGib = 1, RequiredTraits = { "gpu" } },
        }, host.Headers());
        var server = await CreateAsync("with-gpu", "", "flavors/with-gpu");
        server = await SeenAsync(server.Name, s => Placed(s) is { Reason: "NO_VALID_HYPERVISOR" }, "finds no hypervisor");
        Assert.Contains("without a trait that the flavor needs", Placed(server)!.Message, StringComparison.Ordinal);

        await hypervisors.UpdateHypervisorAsync(new UpdateHypervisorRequest
        {
            Hypervisor = new() { Name = "hypervisors/emulated2", Traits = { "gpu" } },
        }, host.Headers());
        server = await SeenAsync(server.Name, s => s.State == Server.Types.State.Ready, "is READY");
        Assert.Equal("hypervisors/emulated2", server.Hypervisor);
        Assert.Contains("hypervisors/emulated2", (await hypervisors.ListHypervisorsAsync(
            new ListHypervisorsRequest { Filter = "traits:gpu" }, host.Headers())).Hypervisors.Select(h => h.Name));
        await DeleteAsync([server.Name]);
    }

    [Fact]
    public async Task AGroupOfAnotherProject_OrOfNobody_IsRefused()
    {
        foreach (var group in new[] { "projects/other/serverGroups/r1", "projects/own/serverGroups/none" })
        {
            var e = await Assert.ThrowsAsync<RpcException>(() => CreateAsync("ungrouped", group));
            Assert.Equal(StatusCode.InvalidArgument, e.StatusCode);
        }
    }
}
