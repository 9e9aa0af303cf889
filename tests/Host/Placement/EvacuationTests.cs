using Grpc.Core;
using Monolith.Compute.V1;
using Monolith.Host.Tests.Cloud;

namespace Monolith.Host.Tests.Placement;

/// <summary>What would become of servers is asked before their hypervisors are touched.</summary>
public sealed class EvacuationTests(RunningHost host)
{
    readonly HypervisorService.HypervisorServiceClient hypervisors = new(host.Invoker);

    Task<PlanEvacuationResponse> PlanAsync(string filter, string? token = null) => hypervisors.PlanEvacuationAsync(
        new PlanEvacuationRequest { Filter = filter }, host.Headers(token)).ResponseAsync;

    async Task<Server> PlacedAsync(string name)
    {
        var server = new Server();
        await RunningHost.UntilAsync(async () => (server = await new ServerService.ServerServiceClient(host.Invoker)
            .GetServerAsync(new GetServerRequest { Name = name }, host.Headers())).Hypervisor.Length > 0, $"{name} is placed");
        return server;
    }

    [Fact]
    public async Task AServer_WouldMoveToAnotherHypervisor_AndStaysWhereItIs()
    {
        var server = await PlacedAsync("projects/own/servers/s1");
        var plan = await PlanAsync($"name = \"{server.Hypervisor}\"");
        Assert.Equal([server.Hypervisor], plan.Hypervisors);
        var move = Assert.Single(plan.Moves, m => m.Server == server.Name);
        Assert.Equal(server.Hypervisor, move.Source);
        Assert.NotEqual(move.Source, move.Target);
        Assert.Equal(server.Hypervisor, (await PlacedAsync(server.Name)).Hypervisor);
    }

    [Fact]
    public async Task WithoutAnyHypervisor_EveryServerIsStranded_AndToldWhy()
    {
        var server = await PlacedAsync("projects/own/servers/s1");
        var plan = await PlanAsync("name = \"*\"");
        Assert.Empty(plan.Moves);
        var stranded = Assert.Single(plan.Stranded, s => s.Server == server.Name);
        Assert.Equal(server.Hypervisor, stranded.Source);
        Assert.StartsWith($"None of {plan.Hypervisors.Count} hypervisors can take it", stranded.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WhatMatchesNothing_IsRefused_AndATenantMayNotAsk()
    {
        var e = await Assert.ThrowsAsync<RpcException>(() => PlanAsync("name = \"hypervisors/none\""));
        Assert.Equal(StatusCode.InvalidArgument, e.StatusCode);
        e = await Assert.ThrowsAsync<RpcException>(() => PlanAsync("name = \"*\"", host.OwnersToken));
        Assert.Equal(StatusCode.PermissionDenied, e.StatusCode);
    }
}
