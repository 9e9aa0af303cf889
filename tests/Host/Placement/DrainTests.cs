using Grpc.Core;
using Monolith.Compute.V1;
using Monolith.Host.Tests.Cloud;

namespace Monolith.Host.Tests.Placement;

/// <summary>A hypervisor is emptied while its servers run, or as they are stopped, in a cloud of its own.</summary>
public sealed class DrainTests
{
    [Fact]
    public async Task Drained_EveryServerGoesElsewhere_RunningOrStopped_AndWhatCannotGoIsNamed()
    {
        await using var host = new RunningHost();
        await host.InitializeAsync();
        var servers = new ServerService.ServerServiceClient(host.Invoker);
        var hypervisors = new HypervisorService.HypervisorServiceClient(host.Invoker);
        async Task<List<Server>> AllAsync() => [.. (await servers.ListServersAsync(
            new ListServersRequest { Parent = "projects/-" }, host.Headers())).Servers];
        async Task<Hypervisor> SetAsync(Hypervisor wanted, string field) => await hypervisors.UpdateHypervisorAsync(
            new UpdateHypervisorRequest { Hypervisor = wanted, UpdateMask = new() { Paths = { field } } }, host.Headers());
        for (var i = 0; i < 6; i++) await host.Own.CreateServerAsync(host, $"d{i}");
        await RunningHost.UntilAsync(async () => (await AllAsync()).All(s => s is
        { State: Server.Types.State.Ready, Reconciling: false }), "all are READY");
        var before = await AllAsync();
        var leaving = before[0].Hypervisor;
        // One that does not run goes as it is, and one that is rescued does not.
        var there = before.Where(s => s.Hypervisor == leaving).ToList();
        var (stopped, rescued) = (there[0], there[1]);
        await servers.StopServerAsync(new StopServerRequest { Name = stopped.Name }, host.Headers());
        await servers.RescueServerAsync(new RescueServerRequest { Name = rescued.Name }, host.Headers());
        await RunningHost.UntilAsync(async () => (await AllAsync()).All(s => !s.Reconciling
            && (s.Name == stopped.Name) == (s.State == Server.Types.State.Stopped)), "one is STOPPED, one is rescued");

        // What a drain would do: room is found for those as well.
        var plan = await hypervisors.PlanEvacuationAsync(
            new PlanEvacuationRequest { Filter = $"name = \"{leaving}\"" }, host.Headers());
        Assert.Contains(plan.Moves, m => m.Server == stopped.Name);
        var drained = await SetAsync(new() { Name = leaving, Draining = true }, "draining");
        Assert.Equal((true, false), (drained.Draining, drained.Schedulable));
        var e = await Assert.ThrowsAsync<RpcException>(() => SetAsync(new() { Name = leaving, Schedulable = true }, "schedulable"));
        Assert.Equal(StatusCode.FailedPrecondition, e.StatusCode);

        await RunningHost.UntilAsync(async () => (await AllAsync()).All(s => s.Name == rescued.Name
            || (s.Hypervisor != leaving && !s.Reconciling && s.State == (s.Name == stopped.Name
                ? Server.Types.State.Stopped : Server.Types.State.Ready))), "the rest has gone");
        var after = (await AllAsync()).ToDictionary(s => s.Name);
        Assert.Equal(before.Count, after.Count);
        Assert.All(before, s => Assert.Equal(s.Addresses, after[s.Name].Addresses));
        await RunningHost.UntilAsync(async () => (drained = await hypervisors.GetHypervisorAsync(
            new GetHypervisorRequest { Name = leaving }, host.Headers())).DrainLeft == 1, "one is left");
        Assert.Equal($"1 left, 0 on their way. 1 cannot go: {rescued.Name} is rescued", drained.DrainMessage);
        await servers.StartServerAsync(new StartServerRequest { Name = stopped.Name }, host.Headers());
        await RunningHost.UntilAsync(async () => (await AllAsync()).Any(s => s.Name == stopped.Name && s is
        { State: Server.Types.State.Ready, Reconciling: false }), "it runs where it went");

        await servers.UnrescueServerAsync(new UnrescueServerRequest { Name = rescued.Name }, host.Headers());
        await RunningHost.UntilAsync(async () => (drained = await hypervisors.GetHypervisorAsync(
            new GetHypervisorRequest { Name = leaving }, host.Headers())) is { DrainLeft: 0, ServerCount: 0 }, "it is empty");
        Assert.Equal("Nothing is left.", drained.DrainMessage);
        drained = await SetAsync(new() { Name = leaving }, "draining");
        Assert.Equal((false, ""), (drained.Draining, drained.DrainMessage));
        Assert.True((await SetAsync(new() { Name = leaving, Schedulable = true }, "schedulable")).Schedulable);
    }
}
