using Grpc.Core;
using Monolith.Compute.V1;
using Monolith.Host.Tests.Cloud;

namespace Monolith.Host.Tests.Placement;

/// <summary>A hypervisor is emptied while its servers run, in a cloud of its own.</summary>
public sealed class DrainTests
{
    [Fact]
    public async Task Drained_EveryReadyServerGoesElsewhere_AndWhatCannotGoIsNamed()
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
        // One that does not run cannot go.
        var stopped = before.First(s => s.Hypervisor == leaving);
        await servers.StopServerAsync(new StopServerRequest { Name = stopped.Name }, host.Headers());
        await RunningHost.UntilAsync(async () => (await AllAsync()).Any(s => s.Name == stopped.Name && s is
        { State: Server.Types.State.Stopped, Reconciling: false }), "it is STOPPED");

        var drained = await SetAsync(new() { Name = leaving, Draining = true }, "draining");
        Assert.Equal((true, false), (drained.Draining, drained.Schedulable));
        var e = await Assert.ThrowsAsync<RpcException>(() => SetAsync(new() { Name = leaving, Schedulable = true }, "schedulable"));
        Assert.Equal(StatusCode.FailedPrecondition, e.StatusCode);

        await RunningHost.UntilAsync(async () => (await AllAsync()).All(s => s.Name == stopped.Name
            || (s.Hypervisor != leaving && s is { State: Server.Types.State.Ready, Reconciling: false })), "the rest has gone");
        var after = (await AllAsync()).ToDictionary(s => s.Name);
        Assert.Equal(before.Count, after.Count);
        Assert.All(before, s => Assert.Equal(s.Addresses, after[s.Name].Addresses));
        await RunningHost.UntilAsync(async () => (drained = await hypervisors.GetHypervisorAsync(
            new GetHypervisorRequest { Name = leaving }, host.Headers())).DrainLeft == 1, "one is left");
        Assert.Equal($"1 left, 0 on their way. 1 cannot go: {stopped.Name} is STOPPED", drained.DrainMessage);

        await servers.DeleteServerAsync(new DeleteServerRequest { Name = stopped.Name }, host.Headers());
        await RunningHost.UntilAsync(async () => (drained = await hypervisors.GetHypervisorAsync(
            new GetHypervisorRequest { Name = leaving }, host.Headers())) is { DrainLeft: 0, ServerCount: 0 }, "it is empty");
        Assert.Equal("Nothing is left.", drained.DrainMessage);
        drained = await SetAsync(new() { Name = leaving }, "draining");
        Assert.Equal((false, ""), (drained.Draining, drained.DrainMessage));
        Assert.True((await SetAsync(new() { Name = leaving, Schedulable = true }, "schedulable")).Schedulable);
    }
}
