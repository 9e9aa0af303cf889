using System.Collections.Concurrent;
using System.Diagnostics;
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
    private readonly MemoryHost host = new();
    private readonly string state = Directory.CreateTempSubdirectory("agent").FullName;
    private readonly EmulatedNode node = new(Emulation.Instant, TimeProvider.System);
    private CancellationTokenSource stop = new();
    private Task? run;
    private AgentProcess? agent;
    private string bootId = "boot-1";

    private static string Id => Wishes.VmId(1);

    private void Run(EmulatedNode? node = null, VmPolicy? policy = null)
    {
        node ??= this.node;
        node.DataPlane.ForgetPlans();
        stop = new CancellationTokenSource();
        agent = new AgentProcess(
            new AgentOptions
            {
                Node = "hv1", StateDirectory = state, BootId = bootId,
                Sync = new SyncOptions { ReconnectFirst = TimeSpan.FromMilliseconds(20) },
                Policy = policy ?? new VmPolicy { RetryFirst = TimeSpan.FromMilliseconds(5) },
            },
            node.Drivers, () => host, TimeProvider.System, NullLoggerFactory.Instance);
        run = agent.RunAsync(stop.Token);
    }

    private async Task KillAsync()
    {
        await stop.CancelAsync();
        if (run is not null) await run.ContinueWith(_ => { });
    }

    public async ValueTask DisposeAsync()
    {
        if (TestContext.Current.TestState?.Result == TestResult.Failed)
            TestContext.Current.TestOutputHelper?.WriteLine(
                string.Join(" ", agent?.Health.Streams ?? []) + run?.Exception);
        await KillAsync();
        Directory.Delete(state, recursive: true);
    }

    private Task Until(State state, Func<VmStatus, bool>? and = null, int n = 1) => host.UntilAsync(
        () => host.VmStatuses.TryGetValue(Wishes.VmId(n), out var s) && s.State == state && (and?.Invoke(s) ?? true),
        $"vm {n} {state}");

    private async Task StartOneAsync()
    {
        Run();
        host.Want(Wishes.Port(1));
        host.Want(Wishes.Vm(1));
        await Until(State.Running, s => s.Answers);
    }

    [Fact]
    public async Task Create_GoesThroughEveryStep()
    {
        await StartOneAsync();
        var status = host.VmStatuses[Id];
        Assert.Equal(1UL, status.Generation);
        Assert.Equal(
            ["ImageFetched", "DiskReady", "Plugged", "Running", "Answering"], status.Steps.Select(s => s.Name));
        Assert.All(status.Steps, s => Assert.True(s.Duration is not null && !s.Failed, s.ToString()));
        await host.UntilAsync(
            () => host.PortStatuses.TryGetValue(Wishes.PortId(1), out var p)
                && p is { State: PortStatus.Types.State.Announced, AnnouncedPeers: 2 },
            "announced");
        Assert.Equal(1, agent!.Health.Items["vms/RUNNING"]);
    }

    [Fact]
    public async Task Create_IsInTheTraceThatTheHostNames_AndWhatComesLaterIsNot()
    {
        var trace = ActivityTraceId.CreateRandom();
        var spans = new ConcurrentQueue<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == AgentTelemetry.Name,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = span =>
            {
                if (span.TraceId == trace) spans.Enqueue(span);
            },
        };
        ActivitySource.AddActivityListener(listener);
        Run();
        await Eventually.HoldsAsync(() => agent!.Health.InSync, "in sync");
        var cause = $"00-{trace}-{ActivitySpanId.CreateRandom()}-01";
        host.Want(Wishes.Port(1), cause);
        host.Want(Wishes.Vm(1), cause);
        await Until(State.Running, s => s.Answers);
        string[] steps = ["Answer", "EnsurePort", "FetchImage", "MakeDisk", "Start"];
        await Eventually.HoldsAsync(() => spans.Count >= steps.Length, "its spans");
        Assert.Equal(steps, spans.Select(s => s.OperationName).Order(StringComparer.Ordinal));
        Assert.All(spans, s => Assert.Equal(cause, s.ParentId));

        var before = host.VmStatuses[Id].Since;
        node.Vms.Crash(new VmName(Id), "QEMU was killed");
        await Until(State.Running, s => s.Answers && !s.Since.Equals(before));
        Assert.Equal(steps.Length, spans.Count);
    }

    [Fact]
    public async Task Create_WithoutItsPort_SaysThatItWaits()
    {
        Run();
        host.Want(Wishes.Vm(1));
        await Until(State.Working, s => s.Reason == "WAITING_FOR_PORT");
        host.Want(Wishes.Port(1));
        await Until(State.Running, s => s.Answers);
    }

    [Fact]
    public async Task Stop_ThenStart_ThenDelete()
    {
        await StartOneAsync();
        host.Want(Wishes.Vm(1, 2, Power.Stopped));
        await Until(State.Stopped, s => s.Generation == 2);
        host.Want(Wishes.Vm(1, 3));
        await Until(State.Running, s => s is { Generation: 3, Answers: true });
        host.Want(Wishes.Vm(1, 4, Power.Absent));
        await Until(State.Gone, s => s.Generation == 4);
        Assert.Empty(await node.Vms.ObserveAsync(default));
        host.RemoveVm(Id);
        host.RemovePort(Wishes.PortId(1));
        await KillAsync();
        Run();
        await Eventually.HoldsAsync(() => agent!.Health.InSync, "in sync");
        Assert.Empty(host.VmStatuses);
    }

    [Fact]
    public async Task Delete_OfWhatNeverWas_IsGone()
    {
        Run();
        host.Want(Wishes.Vm(1, 7, Power.Absent));
        await Until(State.Gone, s => s.Generation == 7);
    }

    [Fact]
    public async Task Restart_HappensOnceForEachRise()
    {
        await StartOneAsync();
        var before = (await node.Vms.ObserveAsync(default))[0].Pid;
        host.Want(Wishes.Vm(1, 2, restarts: 1));
        await Until(State.Running, s => s is { Restarts: 1, Answers: true, Generation: 2 });
        var after = (await node.Vms.ObserveAsync(default))[0].Pid;
        Assert.NotEqual(before, after);
        await KillAsync();
        Run();
        host.Want(Wishes.Vm(1, 3, restarts: 1));
        await Until(State.Running, s => s is { Generation: 3, Answers: true });
        Assert.Equal(after, (await node.Vms.ObserveAsync(default))[0].Pid);
    }

    [Fact]
    public async Task Crash_IsStartedAgainThreeTimes_ThenFails()
    {
        await StartOneAsync();
        for (var crash = 1; crash <= 3; crash++)
        {
            // The failure in between may never be sent, since only the last of several statuses is.
            var before = host.VmStatuses[Id].Since;
            node.Vms.Crash(new VmName(Id), $"QEMU was killed ({crash})");
            await Until(State.Running, s => s.Answers && !s.Since.Equals(before));
        }

        node.Vms.Crash(new VmName(Id), "QEMU was killed (4)");
        await Until(State.Failed, s => s is { Reason: "VM_CRASH_LOOP", Retrying: false });
        Assert.Contains("QEMU was killed (4)", host.VmStatuses[Id].Message, StringComparison.Ordinal);
        host.Want(Wishes.Vm(1, 2, restarts: 1));
        await Until(State.Running, s => s is { Answers: true, Restarts: 1 });
    }

    [Fact]
    public async Task Crash_IsReportedWhileItsRetryWaits()
    {
        Run(policy: new VmPolicy { RetryFirst = TimeSpan.FromMinutes(1) });
        host.Want(Wishes.Port(1));
        host.Want(Wishes.Vm(1));
        await Until(State.Running, s => s.Answers);
        node.Vms.Crash(new VmName(Id), "QEMU was killed");
        await Until(State.Failed, s => s is { Reason: "VM_CRASHED", Retrying: true });
        Assert.Contains("QEMU was killed", host.VmStatuses[Id].Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task PowerOffFromWithin_StaysOffUntilAsked()
    {
        await StartOneAsync();
        node.Vms.PowerOff(new VmName(Id));
        await Until(State.Stopped, s => s.Reason == "GUEST_POWERED_OFF");
        await KillAsync();
        Run();
        await Eventually.HoldsAsync(() => agent!.Health.InSync, "in sync");
        Assert.Equal(State.Stopped, host.VmStatuses[Id].State);
        host.Want(Wishes.Vm(1, 2, restarts: 1));
        await Until(State.Running, s => s.Answers);
    }

    [Fact]
    public async Task RebootOfTheMachine_RebuildsFromTheLedger_OnceTheHostIsHeard()
    {
        await StartOneAsync();
        await KillAsync();
        host.Refusing = true;
        host.CutStreams();
        node.Vms.LosePower();
        bootId = "boot-2";
        Run();
        // Its server may be elsewhere by now, who knows.
        await Eventually.HoldsAsync(() => agent!.Health.Items.GetValueOrDefault("vms/WORKING") == 1, "all is made ready");
        Assert.NotEqual(VmPhase.Running, (await node.Vms.ObserveAsync(default))[0].Phase);
        host.Refusing = false;
        await Eventually.HoldsAsync(
            async () => (await node.Vms.ObserveAsync(default))[0].Phase == VmPhase.Running, "the vm runs");
        Assert.True((await node.DataPlane.ObserveAsync(default))[0].Carrier);
        await Until(State.Running, s => s.Answers && s.Reason.Length == 0);
    }

    [Fact]
    public async Task AgentRestart_LeavesRunsAlone_AndCostsOneMessageEachStream()
    {
        await StartOneAsync();
        await host.UntilAsync(
            () => host.PortStatuses.Values.Any(p => p.State == PortStatus.Types.State.Announced), "announced");
        var pid = (await node.Vms.ObserveAsync(default))[0].Pid;
        host.Received.Clear();
        host.Sent.Clear();
        host.CutStreams();
        await host.UntilAsync(() => host.Sent.Count >= 2, "reconnected");
        await Eventually.HoldsAsync(() => agent!.Health.InSync, "in sync");
        Assert.Equal(2, host.Sent.Count);
        Assert.Empty(host.Received);
        await KillAsync();
        Run();
        await Until(State.Running, s => s.Answers);
        Assert.Equal(pid, (await node.Vms.ObserveAsync(default))[0].Pid);
    }

    [Fact]
    public async Task Unwanted_IsLeftAloneBeforeInSync_AndRemovedAfterItsGrace()
    {
        await StartOneAsync();
        await KillAsync();
        host.Lose(Id);
        host.VmStatuses.Clear();
        Run(policy: new VmPolicy { Grace = TimeSpan.FromMilliseconds(200) });
        await Until(State.Running, s => s is { Generation: 0, Reason: "UNWANTED" });
        await Until(State.Gone, s => s.Generation == 0);
        Assert.Empty(await node.Vms.ObserveAsync(default));
    }

    [Fact]
    public async Task FailingStarts_AreReportedWithTheirCause()
    {
        Run(new EmulatedNode(Emulation.Instant with { StartFailures = 1 }, TimeProvider.System));
        host.Want(Wishes.Port(1));
        host.Want(Wishes.Vm(1));
        await Until(State.Failed, s => s is { Reason: "VM_CRASH_LOOP", Retrying: false });
        var status = host.VmStatuses[Id];
        Assert.Contains("emulated failure of the start", status.Message, StringComparison.Ordinal);
        Assert.True(status.Steps.Single(s => s.Name == "Running").Failed);
    }

    /// <summary>The agent is killed when the order is durable and nothing has been done about it.</summary>
    [Fact]
    public async Task RemovalOfAPort_OrderedBeforeAKill_NeedsNeitherGraceNorHost()
    {
        await StartOneAsync();
        await KillAsync();
        using (var ledger = FileLedger.Open(Path.Combine(state, "ports.ledger")))
            new DesiredSet(PortConcern.Instance, ledger).Apply(
                [new DesiredChange(Wishes.PortId(1), null, Explicit: true)]);
        host.Refusing = true;
        Run();
        await Eventually.HoldsAsync(
            async () => (await node.DataPlane.ObserveAsync(default)).Count == 0, "the port is gone");
    }

    [Fact]
    public async Task BadPort_FailsWithItsCause()
    {
        Run();
        var port = Wishes.Port(1);
        port.Addresses[0] = "not an address";
        host.Want(port);
        await host.UntilAsync(
            () => host.PortStatuses.TryGetValue(port.Id, out var p) && p is { Reason: "INVALID_PORT" }
                && p.Message.Contains("not an address", StringComparison.Ordinal),
            "refused");
    }

    [Fact]
    public async Task HardStop_OvertakesAGracefulOne()
    {
        var node = new EmulatedNode(
            Emulation.Instant with { ShutdownLatency = TimeSpan.FromMinutes(10) }, TimeProvider.System);
        Run(node);
        host.Want(Wishes.Port(1));
        host.Want(Wishes.Vm(1));
        await Until(State.Running, s => s.Answers);
        host.Want(Wishes.Vm(1, 2, Power.Stopped));
        await Until(State.Working, s => s.Reason == "STOPPING");
        host.Want(Wishes.Vm(1, 3, Power.Stopped, hard: true));
        await Until(State.Stopped, s => s.Generation == 3);
    }
}
