using Monolith.Compute.V1;
using Monolith.Host.Tests.Cloud;

namespace Monolith.Host.Tests.Placement;

/// <summary>What is said of a drain beforehand is what the drain does, in a cloud of its own.</summary>
public sealed class ForetoldTests
{
    [Fact]
    public async Task ADrain_TakesEachServer_WhereThePlanSaid()
    {
        await using var host = new RunningHost { Fleet = 5 };
        await host.InitializeAsync();
        var servers = new ServerService.ServerServiceClient(host.Invoker);
        var hypervisors = new HypervisorService.HypervisorServiceClient(host.Invoker);
        async Task<Dictionary<string, Server>> AllAsync() => (await servers.ListServersAsync(
            new ListServersRequest { Parent = "projects/-" }, host.Headers())).Servers.ToDictionary(s => s.Name);
        for (var i = 0; i < 20; i++) await host.Own.CreateServerAsync(host, $"f{i}");
        await RunningHost.UntilAsync(async () => (await AllAsync()).Values.All(s => s is
        { State: Server.Types.State.Ready, Reconciling: false }), "all are READY");
        var leaving = (await AllAsync()).Values.CountBy(s => s.Hypervisor).MaxBy(h => h.Value).Key;

        var plan = await hypervisors.PlanEvacuationAsync(
            new PlanEvacuationRequest { Filter = $"name = \"{leaving}\"" }, host.Headers());
        Assert.Empty(plan.Stranded);
        Assert.True(plan.Moves.Select(m => m.Target).Distinct().Count() > 1, $"{plan} is too easy");
        await hypervisors.UpdateHypervisorAsync(new UpdateHypervisorRequest
        {
            Hypervisor = new() { Name = leaving, Draining = true },
            UpdateMask = new() { Paths = { "draining" } },
        }, host.Headers());
        await RunningHost.UntilAsync(async () => (await AllAsync()).Values.All(s => s.Hypervisor != leaving && s is
        { State: Server.Types.State.Ready, Reconciling: false }), "it is empty");
        var after = await AllAsync();
        Assert.Equal(plan.Moves.Select(m => (m.Server, m.Target)), plan.Moves.Select(m => (m.Server, after[m.Server].Hypervisor)));
    }
}
