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
    private readonly string state = Directory.CreateTempSubdirectory("lb").FullName;
    private readonly EmulatedLoadBalancerNode node = new(Emulation.Instant);
    private readonly GatedLoadBalancers driver;
    private StatusBoard board = null!;
    private DesiredSet desired = null!;
    private FileLedger ledger = null!;
    private FileLedger vips = null!;
    private LoadBalancerReconciler reconciler = null!;

    public LoadBalancerReconcilerTests()
    {
        driver = new GatedLoadBalancers(node.LoadBalancers);
        Open();
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        Directory.Delete(state, recursive: true);
    }

    /// <summary>An agent begins with what is on disk.</summary>
    private void Open()
    {
        ledger = FileLedger.Open(Path.Combine(state, "load-balancers.ledger"));
        vips = FileLedger.Open(Path.Combine(state, "vips.ledger"));
        board = new StatusBoard(LoadBalancerConcern.Instance);
        desired = new DesiredSet(LoadBalancerConcern.Instance, ledger);
        reconciler = new LoadBalancerReconciler(desired, board, vips, new LoadBalancerReconcilerParts(
            driver, node.Routing, node.Drivers.Routes, new VmPolicy { RetryFirst = TimeSpan.FromMilliseconds(5) },
            TimeProvider.System, NullLogger.Instance));
    }

    private async Task KillAsync()
    {
        await reconciler.DisposeAsync();
        vips.Dispose();
        ledger.Dispose();
    }

    private static LoadBalancerSpec Spec(string vip, ulong generation = 1, string protocol = "http") => new()
    {
        Id = "lb1", Generation = generation, Addresses = { vip },
        Listeners = { new ListenerSpec { Id = "l", Port = 80, Protocol = protocol, Pool = "p" } },
        Pools = { new PoolSpec { Id = "p",
            Members = { new MemberSpec { Id = "m", Address = "10.64.0.1", Port = 80, Weight = 1 } } } },
    };

    private void Want(LoadBalancerSpec? spec)
    {
        DesiredChange[] changes =
            [new("lb1", spec is null ? null : new DesiredItem("lb1", spec.Generation, spec), Explicit: true)];
        desired.Apply(changes);
        reconciler.OnChanged(changes);
    }

    private async Task ServeAsync()
    {
        Want(Spec("10.96.0.1"));
        Assert.Equal(State.Serving, (await NextAsync()).State);
    }

    private async Task<List<IPAddress>> VipsAsync() =>
        [.. (await node.Routing.ListLoopbackAsync(default)).Where(a => !IPAddress.IsLoopback(a))];

    private async Task<LoadBalancerStatus> NextAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(8));
        return (LoadBalancerStatus)(await board.TakeChangedAsync(patience.Token))[^1];
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
        Assert.Equal([IPAddress.Parse("10.96.0.2")], await VipsAsync());

        Want(null);
        var last = await NextAsync();
        Assert.Equal(("lb1", State.Removed), (last.Id, last.State));
        Assert.Empty(await VipsAsync());
        Assert.Null(board.Find("lb1"));
        Assert.True(desired.IsEmpty);
    }

    /// <summary>
    /// The agent dies when the removal is known and not done. Its successor says neither that it is gone, nor by
    /// leaving it out of a full report, before it is.
    /// </summary>
    [Fact]
    public async Task Remove_CutShortByAKill_IsToldWhenItIsDone()
    {
        await ServeAsync();
        driver.Close();
        Want(null);
        await driver.Waiting.Task.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Equal([State.Serving], board.TakeAll().Cast<LoadBalancerStatus>().Select(s => s.State));
        await KillAsync();

        Open();
        Assert.Equal([State.Removing], board.TakeAll().Cast<LoadBalancerStatus>().Select(s => s.State));
        Assert.NotEmpty(await VipsAsync());
        driver.Open();
        reconciler.Start();
        Assert.Equal(State.Removed, (await NextAsync()).State);
        Assert.Empty(await VipsAsync());
        // Was the report lost with this agent, then the next one has the same to say.
        await KillAsync();
        Open();
        reconciler.Start();
        await Eventually.HoldsAsync(() => desired.IsEmpty && board.TakeAll().Count == 0, "nothing is left to say");
    }

    [Fact]
    public async Task Remove_OfWhatIsWantedAgainMeanwhile_IsNotTold()
    {
        await ServeAsync();
        driver.Close();
        Want(null);
        await driver.Waiting.Task.WaitAsync(TimeSpan.FromSeconds(20));
        Want(Spec("10.96.0.1", 2));
        driver.Open();
        var status = await NextAsync();
        Assert.Equal((State.Serving, 2UL), (status.State, status.Generation));
        Assert.Empty(desired.Leaving);
    }

    [Fact]
    public async Task Remove_OfWhatIsNotKnown_IsAnswered()
    {
        await ServeAsync();
        DesiredChange[] changes = [new("lb7", null, Explicit: true)];
        desired.Apply(changes);
        reconciler.OnChanged(changes);
        await Eventually.HoldsAsync(() => desired.Leaving.Count == 0, "it has left");
        var all = new List<LoadBalancerStatus>();
        while (!all.Any(s => s is { Id: "lb7", State: State.Removed })) all.Add(await NextAsync());
    }

    [Fact]
    public async Task DataPlane_ThatEndsAgainAndAgain_IsStartedAgain_EachTimeLater()
    {
        await ServeAsync();
        for (var crash = 1; crash <= 4; crash++)
        {
            var before = node.LoadBalancers.Applies;
            node.LoadBalancers.Crash();
            await Eventually.HoldsAsync(() => node.LoadBalancers.Applies > before, $"applied after crash {crash}");
            await Eventually.HoldsAsync(
                () => board.Find("lb1") is LoadBalancerStatus { State: State.Serving }, "it serves");
        }
    }

    [Fact]
    public async Task DataPlane_ThatDoesNotStart_AttractsNoPackets_UntilItDoes()
    {
        await ServeAsync();
        node.LoadBalancers.Broken = "no such file";
        node.LoadBalancers.Crash();
        await Eventually.HoldsAsync(
            () => board.Find("lb1") is LoadBalancerStatus { State: State.Failed, Reason: "LB_STARTFAILED" }, "it says so");
        await Eventually.HoldsAsync(
            async () => (await VipsAsync()).Count == 0, "no address is announced");

        node.LoadBalancers.Broken = null;
        await Eventually.HoldsAsync(
            () => board.Find("lb1") is LoadBalancerStatus { State: State.Serving }, "it serves");
        Assert.Equal([IPAddress.Parse("10.96.0.1")], await VipsAsync());
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
        private volatile TaskCompletionSource gate = Opened();

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

        public void Close() => (this.gate, Waiting) = (new TaskCompletionSource(), new TaskCompletionSource());

        public void Open() => this.gate.TrySetResult();

        public async Task ApplyAsync(IReadOnlyList<LoadBalancerPlan> plans, CancellationToken cancellation)
        {
            var gate = this.gate.Task;
            if (!gate.IsCompleted) Waiting.TrySetResult();
            await gate.WaitAsync(cancellation);
            await inner.ApplyAsync(plans, cancellation);
        }

        public Task<IReadOnlyList<LoadBalancerObservation>> ObserveAsync(CancellationToken cancellation) =>
            inner.ObserveAsync(cancellation);

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
