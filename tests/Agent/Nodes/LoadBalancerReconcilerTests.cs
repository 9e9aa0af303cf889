using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using Monolith.Agent.Emulated;
using Monolith.Agent.Ledger;
using Monolith.Agent.Reconcile;
using Monolith.Agent.Sync;
using Monolith.Agent.V1;
using State = Monolith.Agent.V1.LoadBalancerStatus.Types.State;

namespace Monolith.Agent.Tests.Nodes;

public sealed class LoadBalancerReconcilerTests : IAsyncDisposable
{
    private readonly string _state = Directory.CreateTempSubdirectory("lb").FullName;
    private readonly EmulatedLoadBalancerNode _node = new(Emulation.Instant);
    private readonly StatusBoard _board = new(LoadBalancerConcern.Instance);
    private readonly DesiredSet _desired = new(LoadBalancerConcern.Instance, new MemoryLedger());
    private FileLedger _vips;
    private LoadBalancerReconciler _reconciler;

    public LoadBalancerReconcilerTests() => (_vips, _reconciler) = Open();

    public async ValueTask DisposeAsync()
    {
        await _reconciler.DisposeAsync();
        _vips.Dispose();
        Directory.Delete(_state, recursive: true);
    }

    private (FileLedger, LoadBalancerReconciler) Open()
    {
        var vips = FileLedger.Open(Path.Combine(_state, "vips.ledger"));
        return (vips, new LoadBalancerReconciler(_desired, _board, vips, new LoadBalancerReconcilerParts(
            _node.LoadBalancers, _node.Routing, _node.Drivers.Routes, new VmPolicy(), TimeProvider.System, NullLogger.Instance)));
    }

    private static LoadBalancerSpec Spec(string vip, ulong generation = 1, string protocol = "http") => new()
    {
        Id = "lb1", Generation = generation, Addresses = { vip },
        Listeners = { new ListenerSpec { Id = "l", Port = 80, Protocol = protocol, Pool = "p" } },
        Pools = { new PoolSpec { Id = "p", Members = { new MemberSpec { Id = "m", Address = "10.64.0.1", Port = 80, Weight = 1 } } } },
    };

    private void Want(LoadBalancerSpec? spec)
    {
        DesiredChange[] changes =
            [new("lb1", spec is null ? null : new DesiredItem("lb1", spec.Generation, spec), Explicit: true)];
        _desired.Apply(changes);
        _reconciler.OnChanged(changes);
    }

    private async Task<LoadBalancerStatus> NextAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(8));
        return (LoadBalancerStatus)(await _board.TakeChangedAsync(patience.Token))[^1];
    }

    [Fact]
    public async Task Serve_Move_AndRemove_LeaveNoVipBehind()
    {
        Want(Spec("10.96.0.1"));
        var status = await NextAsync();
        Assert.Equal((State.Serving, 2, "up"), (status.State, status.AnnouncedPeers, status.Members.Single().Health));

        // The agent dies, the address changes meanwhile: the next agent knows which one was ours.
        await _reconciler.DisposeAsync();
        _vips.Dispose();
        (_vips, _reconciler) = Open();
        Want(Spec("10.96.0.2", 2));
        Assert.Equal(2UL, (await NextAsync()).Generation);
        Assert.Equal([IPAddress.Parse("10.96.0.2")], await _node.Routing.ListLoopbackAsync(default));

        Want(null);
        while ((await _node.Routing.ListLoopbackAsync(default)).Count > 0) await Task.Yield();
        Assert.Null(_board.Find("lb1"));
    }

    [Fact]
    public async Task Spec_ThatIsWrong_FailsWithItsCause()
    {
        Want(Spec("10.96.0.1", protocol: "gopher"));
        var status = await NextAsync();
        Assert.Equal((State.Failed, "INVALID_LOAD_BALANCER"), (status.State, status.Reason));
        Assert.Contains("gopher", status.Message, StringComparison.Ordinal);
    }
}
