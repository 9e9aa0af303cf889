using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using Monolith.Agent.Emulated;
using Monolith.Agent.L7;
using Monolith.Agent.Ledger;
using Monolith.Agent.Reconcile;
using Monolith.Agent.Sync;
using Monolith.Agent.Tests.Lab;
using Monolith.Agent.V1;
using State = Monolith.Agent.V1.LoadBalancerStatus.Types.State;

namespace Monolith.Agent.Tests.Nodes;

public sealed class LoadBalancerReconcilerTests : IAsyncDisposable
{
    private readonly string _state = Directory.CreateTempSubdirectory("lb").FullName;
    private readonly EmulatedLoadBalancerNode _node = new(Emulation.Instant);
    private readonly GatedLoadBalancers _driver;
    private StatusBoard _board = null!;
    private DesiredSet _desired = null!;
    private FileLedger _ledger = null!;
    private FileLedger _vips = null!;
    private LoadBalancerReconciler _reconciler = null!;

    public LoadBalancerReconcilerTests()
    {
        _driver = new GatedLoadBalancers(_node.LoadBalancers);
        Open();
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        Directory.Delete(_state, recursive: true);
    }

    /// <summary>An agent begins with what is on disk.</summary>
    private void Open()
    {
        _ledger = FileLedger.Open(Path.Combine(_state, "load-balancers.ledger"));
        _vips = FileLedger.Open(Path.Combine(_state, "vips.ledger"));
        _board = new StatusBoard(LoadBalancerConcern.Instance);
        _desired = new DesiredSet(LoadBalancerConcern.Instance, _ledger);
        _reconciler = new LoadBalancerReconciler(_desired, _board, _vips, new LoadBalancerReconcilerParts(
            _driver, _node.Routing, _node.Drivers.Routes, new VmPolicy { RetryFirst = TimeSpan.FromMilliseconds(5) },
            TimeProvider.System, NullLogger.Instance));
    }

    private async Task KillAsync()
    {
        await _reconciler.DisposeAsync();
        _vips.Dispose();
        _ledger.Dispose();
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

    private async Task ServeAsync()
    {
        Want(Spec("10.96.0.1"));
        Assert.Equal(State.Serving, (await NextAsync()).State);
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
        await KillAsync();
        Open();
        Want(Spec("10.96.0.2", 2));
        Assert.Equal(2UL, (await NextAsync()).Generation);
        Assert.Equal([IPAddress.Parse("10.96.0.2")], await _node.Routing.ListLoopbackAsync(default));

        Want(null);
        var last = await NextAsync();
        Assert.Equal(("lb1", State.Removed), (last.Id, last.State));
        Assert.Empty(await _node.Routing.ListLoopbackAsync(default));
        Assert.Null(_board.Find("lb1"));
        Assert.True(_desired.IsEmpty);
    }

    /// <summary>
    /// The agent dies when the removal is known and not done. Its successor says neither that it is gone, nor by leaving it
    /// out of a full report, before it is.
    /// </summary>
    [Fact]
    public async Task Remove_CutShortByAKill_IsToldWhenItIsDone()
    {
        await ServeAsync();
        _driver.Close();
        Want(null);
        await _driver.Waiting.Task.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Equal([State.Serving], _board.TakeAll().Cast<LoadBalancerStatus>().Select(s => s.State));
        await KillAsync();

        Open();
        Assert.Equal([State.Removing], _board.TakeAll().Cast<LoadBalancerStatus>().Select(s => s.State));
        Assert.NotEmpty(await _node.Routing.ListLoopbackAsync(default));
        _driver.Open();
        _reconciler.Start();
        Assert.Equal(State.Removed, (await NextAsync()).State);
        Assert.Empty(await _node.Routing.ListLoopbackAsync(default));
        // Was the report lost with this agent, then the next one has the same to say.
        await KillAsync();
        Open();
        _reconciler.Start();
        await Eventually.HoldsAsync(() => _desired.IsEmpty && _board.TakeAll().Count == 0, "nothing is left to say");
    }

    [Fact]
    public async Task Remove_OfWhatIsWantedAgainMeanwhile_IsNotTold()
    {
        await ServeAsync();
        _driver.Close();
        Want(null);
        await _driver.Waiting.Task.WaitAsync(TimeSpan.FromSeconds(20));
        Want(Spec("10.96.0.1", 2));
        _driver.Open();
        var status = await NextAsync();
        Assert.Equal((State.Serving, 2UL), (status.State, status.Generation));
        Assert.Empty(_desired.Leaving);
    }

    [Fact]
    public async Task Remove_OfWhatIsNotKnown_IsAnswered()
    {
        await ServeAsync();
        DesiredChange[] changes = [new("lb7", null, Explicit: true)];
        _desired.Apply(changes);
        _reconciler.OnChanged(changes);
        await Eventually.HoldsAsync(() => _desired.Leaving.Count == 0, "it has left");
        var all = new List<LoadBalancerStatus>();
        while (!all.Any(s => s is { Id: "lb7", State: State.Removed })) all.Add(await NextAsync());
    }

    [Fact]
    public async Task DataPlane_ThatEndsAgainAndAgain_IsStartedAgain_EachTimeLater()
    {
        await ServeAsync();
        for (var crash = 1; crash <= 4; crash++)
        {
            var before = _node.LoadBalancers.Applies;
            _node.LoadBalancers.Crash();
            await Eventually.HoldsAsync(() => _node.LoadBalancers.Applies > before, $"applied after crash {crash}");
            await Eventually.HoldsAsync(
                () => _board.Find("lb1") is LoadBalancerStatus { State: State.Serving }, "it serves");
        }
    }

    [Fact]
    public async Task Spec_ThatIsWrong_FailsWithItsCause()
    {
        Want(Spec("10.96.0.1", protocol: "gopher"));
        var status = await NextAsync();
        Assert.Equal((State.Failed, "INVALID_LOAD_BALANCER"), (status.State, status.Reason));
        Assert.Contains("gopher", status.Message, StringComparison.Ordinal);
    }

    /// <summary>Holds applies up.</summary>
    private sealed class GatedLoadBalancers(EmulatedLoadBalancers inner) : ILoadBalancerDriver
    {
        private volatile TaskCompletionSource _gate = Opened();

        public TaskCompletionSource Waiting { get; private set; } = new();

        public string Version => inner.Version;

        public bool InForce => inner.InForce;

        public event Action? Ended
        {
            add => inner.Ended += value;
            remove => inner.Ended -= value;
        }

        private static TaskCompletionSource Opened()
        {
            var gate = new TaskCompletionSource();
            gate.SetResult();
            return gate;
        }

        public void Close() => (_gate, Waiting) = (new TaskCompletionSource(), new TaskCompletionSource());

        public void Open() => _gate.TrySetResult();

        public async Task ApplyAsync(IReadOnlyList<LoadBalancerPlan> plans, CancellationToken cancellation)
        {
            var gate = _gate.Task;
            if (!gate.IsCompleted) Waiting.TrySetResult();
            await gate.WaitAsync(cancellation);
            await inner.ApplyAsync(plans, cancellation);
        }

        public Task<IReadOnlyList<LoadBalancerObservation>> ObserveAsync(CancellationToken cancellation) =>
            inner.ObserveAsync(cancellation);

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
