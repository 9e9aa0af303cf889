using Microsoft.Extensions.Logging.Abstractions;
using Monolith.Agent.Emulated;
using Monolith.Agent.Ledger;
using Monolith.Agent.Reconcile;
using Monolith.Agent.Sync;
using Monolith.Agent.Tests.Lab;
using Monolith.Agent.V1;
using Monolith.Agent.Vms;
using Power = Monolith.Agent.V1.Vm.Types.Power;
using State = Monolith.Agent.V1.VmStatus.Types.State;
using VmName = Monolith.Agent.Vms.VmId;

namespace Monolith.Agent.Tests.Nodes;

/// <summary>A whole agent over emulated drivers, driven by a host in memory.</summary>
public sealed class AgentProcessTests : IAsyncDisposable
{
    private readonly MemoryHost _host = new();
    private readonly string _state = Directory.CreateTempSubdirectory("agent").FullName;
    private readonly EmulatedNode _node = new(Emulation.Instant, TimeProvider.System);
    private CancellationTokenSource _stop = new();
    private Task? _run;
    private AgentProcess? _agent;
    private string _bootId = "boot-1";

    private static string Id => Wishes.VmId(1);

    private void Run(EmulatedNode? node = null, VmPolicy? policy = null)
    {
        node ??= _node;
        node.DataPlane.ForgetPlans();
        _stop = new CancellationTokenSource();
        _agent = new AgentProcess(
            new AgentOptions
            {
                Node = "hv1", StateDirectory = _state, BootId = _bootId,
                Sync = new SyncOptions { ReconnectFirst = TimeSpan.FromMilliseconds(20) },
                Policy = policy ?? new VmPolicy { RetryFirst = TimeSpan.FromMilliseconds(5) },
            },
            node.Drivers, () => _host, TimeProvider.System, NullLoggerFactory.Instance);
        _run = _agent.RunAsync(_stop.Token);
    }

    private async Task KillAsync()
    {
        await _stop.CancelAsync();
        if (_run is not null) await _run.ContinueWith(_ => { });
    }

    public async ValueTask DisposeAsync()
    {
        if (TestContext.Current.TestState?.Result == TestResult.Failed)
            TestContext.Current.TestOutputHelper?.WriteLine(string.Join(" ", _agent?.Health.Streams ?? []) + _run?.Exception);
        await KillAsync();
        Directory.Delete(_state, recursive: true);
    }

    private Task Until(State state, Func<VmStatus, bool>? and = null, int n = 1) => _host.UntilAsync(
        () => _host.VmStatuses.TryGetValue(Wishes.VmId(n), out var s) && s.State == state && (and?.Invoke(s) ?? true),
        $"vm {n} {state}");

    private async Task StartOneAsync()
    {
        Run();
        _host.Want(Wishes.Port(1));
        _host.Want(Wishes.Vm(1));
        await Until(State.Running, s => s.Answers);
    }

    [Fact]
    public async Task Create_GoesThroughEveryStep()
    {
        await StartOneAsync();
        var status = _host.VmStatuses[Id];
        Assert.Equal(1UL, status.Generation);
        Assert.Equal(["ImageFetched", "DiskReady", "Plugged", "Running", "Answering"], status.Steps.Select(s => s.Name));
        Assert.All(status.Steps, s => Assert.True(s.Duration is not null && !s.Failed, s.ToString()));
        await _host.UntilAsync(
            () => _host.PortStatuses.TryGetValue(Wishes.PortId(1), out var p)
                && p is { State: PortStatus.Types.State.Announced, AnnouncedPeers: 2 },
            "announced");
        Assert.Equal(1, _agent!.Health.Items["vms/RUNNING"]);
    }

    [Fact]
    public async Task Create_WithoutItsPort_SaysThatItWaits()
    {
        Run();
        _host.Want(Wishes.Vm(1));
        await Until(State.Working, s => s.Reason == "WAITING_FOR_PORT");
        _host.Want(Wishes.Port(1));
        await Until(State.Running, s => s.Answers);
    }

    [Fact]
    public async Task Stop_ThenStart_ThenDelete()
    {
        await StartOneAsync();
        _host.Want(Wishes.Vm(1, 2, Power.Stopped));
        await Until(State.Stopped, s => s.Generation == 2);
        _host.Want(Wishes.Vm(1, 3));
        await Until(State.Running, s => s is { Generation: 3, Answers: true });
        _host.Want(Wishes.Vm(1, 4, Power.Absent));
        await Until(State.Gone, s => s.Generation == 4);
        Assert.Empty(await _node.Vms.ObserveAsync(default));
        _host.RemoveVm(Id);
        _host.RemovePort(Wishes.PortId(1));
        await KillAsync();
        Run();
        await Eventually.HoldsAsync(() => _agent!.Health.InSync, "in sync");
        Assert.Empty(_host.VmStatuses);
    }

    [Fact]
    public async Task Delete_OfWhatNeverWas_IsGone()
    {
        Run();
        _host.Want(Wishes.Vm(1, 7, Power.Absent));
        await Until(State.Gone, s => s.Generation == 7);
    }

    [Fact]
    public async Task Restart_HappensOnceForEachRise()
    {
        await StartOneAsync();
        var before = (await _node.Vms.ObserveAsync(default))[0].Pid;
        _host.Want(Wishes.Vm(1, 2, restarts: 1));
        await Until(State.Running, s => s is { Restarts: 1, Answers: true, Generation: 2 });
        var after = (await _node.Vms.ObserveAsync(default))[0].Pid;
        Assert.NotEqual(before, after);
        await KillAsync();
        Run();
        _host.Want(Wishes.Vm(1, 3, restarts: 1));
        await Until(State.Running, s => s is { Generation: 3, Answers: true });
        Assert.Equal(after, (await _node.Vms.ObserveAsync(default))[0].Pid);
    }

    [Fact]
    public async Task Crash_IsStartedAgainThreeTimes_ThenFails()
    {
        await StartOneAsync();
        for (var crash = 1; crash <= 3; crash++)
        {
            // The failure in between may never be sent, since only the last of several statuses is.
            var before = _host.VmStatuses[Id].Since;
            _node.Vms.Crash(new VmName(Id), $"QEMU was killed ({crash})");
            await Until(State.Running, s => s.Answers && !s.Since.Equals(before));
        }

        _node.Vms.Crash(new VmName(Id), "QEMU was killed (4)");
        await Until(State.Failed, s => s is { Reason: "VM_CRASH_LOOP", Retrying: false });
        Assert.Contains("QEMU was killed (4)", _host.VmStatuses[Id].Message, StringComparison.Ordinal);
        _host.Want(Wishes.Vm(1, 2, restarts: 1));
        await Until(State.Running, s => s is { Answers: true, Restarts: 1 });
    }

    [Fact]
    public async Task Crash_IsReportedWhileItsRetryWaits()
    {
        Run(policy: new VmPolicy { RetryFirst = TimeSpan.FromMinutes(1) });
        _host.Want(Wishes.Port(1));
        _host.Want(Wishes.Vm(1));
        await Until(State.Running, s => s.Answers);
        _node.Vms.Crash(new VmName(Id), "QEMU was killed");
        await Until(State.Failed, s => s is { Reason: "VM_CRASHED", Retrying: true });
        Assert.Contains("QEMU was killed", _host.VmStatuses[Id].Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task PowerOffFromWithin_StaysOffUntilAsked()
    {
        await StartOneAsync();
        _node.Vms.PowerOff(new VmName(Id));
        await Until(State.Stopped, s => s.Reason == "GUEST_POWERED_OFF");
        await KillAsync();
        Run();
        await Eventually.HoldsAsync(() => _agent!.Health.InSync, "in sync");
        Assert.Equal(State.Stopped, _host.VmStatuses[Id].State);
        _host.Want(Wishes.Vm(1, 2, restarts: 1));
        await Until(State.Running, s => s.Answers);
    }

    [Fact]
    public async Task RebootOfTheMachine_RebuildsFromTheLedger_WithoutTheHost()
    {
        await StartOneAsync();
        await KillAsync();
        _host.Refusing = true;
        _host.CutStreams();
        _node.Vms.LosePower();
        _bootId = "boot-2";
        Run();
        await Eventually.HoldsAsync(
            async () => (await _node.Vms.ObserveAsync(default))[0].Phase == VmPhase.Running, "the vm runs");
        Assert.True((await _node.DataPlane.ObserveAsync(default))[0].Carrier);
        _host.Refusing = false;
        await Until(State.Running, s => s.Answers && s.Reason.Length == 0);
    }

    [Fact]
    public async Task AgentRestart_LeavesRunsAlone_AndCostsOneMessageEachStream()
    {
        await StartOneAsync();
        await _host.UntilAsync(
            () => _host.PortStatuses.Values.Any(p => p.State == PortStatus.Types.State.Announced), "announced");
        var pid = (await _node.Vms.ObserveAsync(default))[0].Pid;
        _host.Received.Clear();
        _host.CutStreams();
        await _host.UntilAsync(() => _host.Received.Count >= 2, "reconnected");
        await Eventually.HoldsAsync(() => _agent!.Health.InSync, "in sync");
        Assert.Equal(2, _host.Received.Count);
        await KillAsync();
        Run();
        await Until(State.Running, s => s.Answers);
        Assert.Equal(pid, (await _node.Vms.ObserveAsync(default))[0].Pid);
    }

    [Fact]
    public async Task Unwanted_IsLeftAloneBeforeInSync_AndRemovedAfterItsGrace()
    {
        await StartOneAsync();
        await KillAsync();
        _host.Lose(Id);
        _host.VmStatuses.Clear();
        Run(policy: new VmPolicy { Grace = TimeSpan.FromMilliseconds(200) });
        await Until(State.Running, s => s is { Generation: 0, Reason: "UNWANTED" });
        await Until(State.Gone, s => s.Generation == 0);
        Assert.Empty(await _node.Vms.ObserveAsync(default));
    }

    [Fact]
    public async Task FailingStarts_AreReportedWithTheirCause()
    {
        Run(new EmulatedNode(Emulation.Instant with { StartFailures = 1 }, TimeProvider.System));
        _host.Want(Wishes.Port(1));
        _host.Want(Wishes.Vm(1));
        await Until(State.Failed, s => s is { Reason: "VM_CRASH_LOOP", Retrying: false });
        var status = _host.VmStatuses[Id];
        Assert.Contains("emulated failure of the start", status.Message, StringComparison.Ordinal);
        Assert.True(status.Steps.Single(s => s.Name == "Running").Failed);
    }

    /// <summary>The agent is killed when the order is durable and nothing has been done about it.</summary>
    [Fact]
    public async Task RemovalOfAPort_OrderedBeforeAKill_NeedsNeitherGraceNorHost()
    {
        await StartOneAsync();
        await KillAsync();
        using (var ledger = FileLedger.Open(Path.Combine(_state, "ports.ledger")))
            new DesiredSet(PortConcern.Instance, ledger).Apply([new DesiredChange(Wishes.PortId(1), null, Explicit: true)]);
        _host.Refusing = true;
        Run();
        await Eventually.HoldsAsync(
            async () => (await _node.DataPlane.ObserveAsync(default)).Count == 0, "the port is gone");
    }

    [Fact]
    public async Task BadPort_FailsWithItsCause()
    {
        Run();
        var port = Wishes.Port(1);
        port.Addresses[0] = "not an address";
        _host.Want(port);
        await _host.UntilAsync(
            () => _host.PortStatuses.TryGetValue(port.Id, out var p) && p is { Reason: "INVALID_PORT" }
                && p.Message.Contains("not an address", StringComparison.Ordinal),
            "refused");
    }

    [Fact]
    public async Task HardStop_OvertakesAGracefulOne()
    {
        var node = new EmulatedNode(Emulation.Instant with { ShutdownLatency = TimeSpan.FromMinutes(10) }, TimeProvider.System);
        Run(node);
        _host.Want(Wishes.Port(1));
        _host.Want(Wishes.Vm(1));
        await Until(State.Running, s => s.Answers);
        _host.Want(Wishes.Vm(1, 2, Power.Stopped));
        await Until(State.Working, s => s.Reason == "STOPPING");
        _host.Want(Wishes.Vm(1, 3, Power.Stopped, hard: true));
        await Until(State.Stopped, s => s.Generation == 3);
    }
}
