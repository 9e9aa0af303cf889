using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Monolith.Agent.Emulated;
using Monolith.Agent.Tests.Lab;
using Monolith.Agent.Reconcile;
using Monolith.Agent.Sync;
using Monolith.Agent.V1;
using Monolith.Disks.Iso;
using Power = Monolith.Agent.V1.Vm.Types.Power;
using Phase = Monolith.Agent.V1.VmMigration.Types.Phase;
using PortState = Monolith.Agent.V1.PortStatus.Types.State;
using State = Monolith.Agent.V1.VmStatus.Types.State;

namespace Monolith.Agent.Tests.Nodes;

/// <summary>Two whole agents over emulated drivers, and a guest that goes from the one to the other.</summary>
public sealed class MigrationTests : IAsyncDisposable
{
    private const string Attempt = "m-1";
    private static readonly string Secret = new('a', 64);
    private readonly Node source = new(), target = new();

    private static string Here => Wishes.VmId(1);

    private static string There => Wishes.VmId(2);

    private static string Port => Wishes.PortId(1);

    public async ValueTask DisposeAsync()
    {
        await source.DisposeAsync();
        await target.DisposeAsync();
    }

    /// <summary>What a machine has, it has at both ends; and what its guest is told, it finds at the other.</summary>
    [Fact]
    public async Task Guest_FindsTheDiskThatTellsItWhoItIs_AtTheTargetToo()
    {
        var metadata = new VmMetadata { InstanceId = "i-1", Hostname = "web1", Drive = VmMetadata.Types.Drive.ConfigDrive };
        await WaitingAsync(metadata: metadata);
        var before = source.Emulated.Vms.DriveOf(new(Here))!;
        Assert.Contains(before, f => f.Path == "openstack/latest/meta_data.json" && Text(f).Contains("i-1", StringComparison.Ordinal));
        // Its address, which came on another stream.
        Assert.Contains(before, f => f.Path == "openstack/latest/network_data.json"
            && Text(f).Contains(Wishes.Port(1).Addresses[0], StringComparison.Ordinal));
        source.Host.Want(With(Sent(2), metadata));
        await target.UntilAsync(There, s => s is { State: State.Running, Answers: true });
        Assert.Equal(before.Select(f => (f.Path, Text(f))), target.Emulated.Vms.DriveOf(new(There))!.Select(f => (f.Path, Text(f))));
    }

    private static string Text(IsoFile file) => Encoding.UTF8.GetString(file.Content.Span);

    [Fact]
    public async Task Guest_GoesOver_AndItsAddressWithIt()
    {
        await WaitingAsync();
        Assert.Equal(PortState.Announced, source.Host.PortStatuses[Port].State);
        // A waiting QEMU holds the tap: that alone routes nothing to it.
        Assert.Equal(PortState.Plugged, target.Host.PortStatuses[Port].State);
        source.Host.Want(Sent(2));
        await target.UntilAsync(There, s => s is { State: State.Running, Answers: true });
        await source.UntilAsync(Here, s => s is { State: State.Stopped, Migration.Phase: Phase.Left });
        await target.Host.UntilAsync(
            () => target.Host.PortStatuses[Port].State == PortState.Announced, "announced at the target");
        await source.Host.UntilAsync(
            () => source.Host.PortStatuses[Port].State == PortState.Plugged, "withdrawn at the source");
        Assert.Equal(Phase.Arrived, target.Host.VmStatuses[There].Migration.Phase);

        // Whoever comes after them knows it, and the address never goes back.
        await source.RestartAsync();
        await target.RestartAsync();
        source.Host.VmStatuses.Clear();
        source.Host.Want(Sent(3));
        await source.UntilAsync(Here, s => s is { Generation: 3, State: State.Stopped, Migration.Phase: Phase.Left });
        Assert.Equal(PortState.Plugged, source.Host.PortStatuses[Port].State);
        Assert.Equal(PortState.Announced, target.Host.PortStatuses[Port].State);

        source.Host.Want(Wishes.Vm(1, 4, Power.Absent));
        await source.UntilAsync(Here, s => s.State == State.Gone);
        // From now on it is a vm as any other.
        target.Host.Want(Received(2, Power.Stopped));
        await target.UntilAsync(There, s => s is { Generation: 2, State: State.Stopped });
        target.Host.Want(Received(3));
        await target.UntilAsync(There, s => s is { Generation: 3, State: State.Running });
    }

    [Fact]
    public async Task Outgoing_UnsetMeanwhile_IsGivenUpAndSaidForThatGeneration()
    {
        await WaitingAsync(TimeSpan.FromHours(1));
        source.Host.Want(Sent(2));
        await source.UntilAsync(Here, s => s is { Generation: 2, Migration.Phase: Phase.CopyingDisk });
        source.Host.Want(Wishes.Vm(1, 3));
        await source.UntilAsync(
            Here, s => s is { Generation: 3, State: State.Running, Answers: true, Migration.Phase: Phase.Cancelled });
        Assert.Equal(PortState.Announced, source.Host.PortStatuses[Port].State);
        target.Host.Want(Wishes.Vm(2, 2, Power.Absent, port: false));
        await target.UntilAsync(There, s => s.State == State.Gone);
    }

    [Fact]
    public async Task Target_EndsWhileItWaits_IsFailedAndNeverStartedHere()
    {
        await WaitingAsync();
        target.Emulated.Vms.Crash(new Agent.Vms.VmId(There), "killed");
        await target.UntilAsync(
            There, s => s is { State: State.Failed, Retrying: false, Migration.Phase: Phase.Missed });
        source.Host.Want(Sent(2));
        await source.UntilAsync(
            Here, s => s is { State: State.Running, Migration: { Phase: Phase.Failed, Reason.Length: > 0 } });
        target.Host.Want(Received(2));
        await target.UntilAsync(There, s => s is { Generation: 2, State: State.Failed });
    }

    [Fact]
    public async Task GuestLostAtTheTarget_IsReclaimed_AndItsAddressWithIt()
    {
        await WaitingAsync();
        source.Host.Want(Sent(2));
        await target.UntilAsync(There, s => s.State == State.Running);
        await source.UntilAsync(Here, s => s.Migration?.Phase == Phase.Left);
        target.Host.Want(Wishes.Vm(2, 2, Power.Absent, port: false));
        await target.UntilAsync(There, s => s.State == State.Gone);
        var back = Wishes.Vm(1, 3);
        back.Reclaim = true;
        source.Host.Want(back);
        await source.UntilAsync(Here, s => s is { Generation: 3, State: State.Running, Answers: true });
        await source.Host.UntilAsync(
            () => source.Host.PortStatuses[Port].State == PortState.Announced, "announced at the source again");
    }

    [Fact]
    public async Task SourcesAgent_AwayInTheSwitch_LetsItsGuestGoWhenItIsBack()
    {
        await WaitingAsync(TimeSpan.FromMilliseconds(200));
        source.Host.Want(Sent(2));
        await source.UntilAsync(Here, s => s is { Generation: 2, Migration.Phase: Phase.CopyingDisk });
        await source.KillAsync();
        // Nobody is there to withdraw the routes: the guest stands still rather than being led to where it is not.
        await Eventually.HoldsAsync(
            async () => (await source.Emulated.Vms.ObserveAsync(default))[0].Migration?.Phase == Agent.Vms.MigrationPhase.Switching,
            "at the switch");
        Assert.Equal(State.Working, target.Host.VmStatuses[There].State);
        source.Run();
        await target.UntilAsync(There, s => s is { State: State.Running, Answers: true });
        await source.UntilAsync(Here, s => s is { State: State.Stopped, Migration.Phase: Phase.Left });
        await source.Host.UntilAsync(
            () => source.Host.PortStatuses[Port].State == PortState.Plugged, "withdrawn at the source");
    }

    [Fact]
    public async Task Stopped_ItsDiskGoesOver_WithoutPorts_AndStartsThere()
    {
        await RestingAsync();
        source.Host.Want(Sent(2, Power.Stopped));
        await source.UntilAsync(Here, s => s is { Generation: 2, State: State.Stopped, Migration.Phase: Phase.Left });
        await target.UntilAsync(There, s => s is { Generation: 1, State: State.Stopped, Migration.Phase: Phase.Arrived });
        // Whoever comes after them knows it.
        await source.RestartAsync();
        await target.RestartAsync();
        source.Host.VmStatuses.Clear();
        source.Host.Want(Sent(3, Power.Stopped));
        await source.UntilAsync(Here, s => s is { Generation: 3, State: State.Stopped, Migration.Phase: Phase.Left });
        source.Host.Want(Wishes.Vm(1, 4, Power.Absent));
        await source.UntilAsync(Here, s => s.State == State.Gone);
        target.Host.Want(Wishes.Port(1));
        var here = Received(2);
        here.Incoming = null;
        target.Host.Want(here);
        await target.UntilAsync(There, s => s is { Generation: 2, State: State.Running, Answers: true });
    }

    [Fact]
    public async Task Stopped_GivenUpMeanwhile_ThenStarted_RunsAtTheSource()
    {
        await RestingAsync(TimeSpan.FromHours(1));
        source.Host.Want(Sent(2, Power.Stopped));
        await source.UntilAsync(Here, s => s is { Generation: 2, State: State.Stopped, Migration.Phase: Phase.CopyingDisk });
        source.Host.Want(Wishes.Vm(1, 3, Power.Stopped));
        await source.UntilAsync(Here, s => s is { Generation: 3, State: State.Stopped, Migration.Phase: Phase.Cancelled });
        source.Host.Want(Wishes.Vm(1, 4));
        await source.UntilAsync(Here, s => s is { Generation: 4, State: State.Running, Answers: true });
        target.Host.Want(Wishes.Vm(2, 2, Power.Absent, port: false));
        await target.UntilAsync(There, s => s.State == State.Gone);
    }

    [Fact]
    public async Task Stopped_LostAtTheTarget_IsReclaimed_AndRunsNowhere()
    {
        await RestingAsync();
        source.Host.Want(Sent(2, Power.Stopped));
        await source.UntilAsync(Here, s => s.Migration?.Phase == Phase.Left);
        target.Host.Want(Wishes.Vm(2, 2, Power.Absent, port: false));
        await target.UntilAsync(There, s => s.State == State.Gone);
        var back = Wishes.Vm(1, 3, Power.Stopped);
        back.Reclaim = true;
        source.Host.Want(back);
        await source.UntilAsync(
            Here, s => s is { Generation: 3, State: State.Stopped, Migration: { Phase: Phase.Failed, Reason: "TARGET_LOST" } });
        source.Host.Want(Wishes.Vm(1, 4));
        await source.UntilAsync(Here, s => s is { Generation: 4, State: State.Running, Answers: true });
    }

    /// <summary>A server is stopped at the source, and the target waits for its disk.</summary>
    private async Task RestingAsync(TimeSpan latency = default)
    {
        source.Run(Emulation.Instant with { MigrationLatency = latency });
        target.Run(Emulation.Instant);
        source.Host.Want(Wishes.Port(1));
        source.Host.Want(Wishes.Vm(1, power: Power.Stopped));
        await source.UntilAsync(Here, s => s is { State: State.Stopped });
        target.Host.Want(Received(1, Power.Stopped));
        await target.UntilAsync(There, s => s is { State: State.Working, Migration.Phase: Phase.Listening });
    }

    /// <summary>A guest runs at the source, and the target waits for it.</summary>
    private async Task WaitingAsync(TimeSpan latency = default, VmMetadata? metadata = null)
    {
        source.Run(Emulation.Instant with { MigrationLatency = latency });
        target.Run(Emulation.Instant);
        source.Host.Want(Wishes.Port(1));
        source.Host.Want(With(Wishes.Vm(1), metadata));
        await source.UntilAsync(Here, s => s is { State: State.Running, Answers: true });
        await source.Host.UntilAsync(
            () => source.Host.PortStatuses[Port].State == PortState.Announced, "announced at the source");
        target.Host.Want(Wishes.Port(1));
        target.Host.Want(With(Received(1), metadata));
        await target.UntilAsync(There, s => s is { State: State.Working, Migration.Phase: Phase.Listening });
    }

    private static Vm With(Vm vm, VmMetadata? metadata)
    {
        if (metadata is not null) vm.Metadata = metadata;
        return vm;
    }

    private static Vm Received(ulong generation, Power power = Power.Running)
    {
        var vm = Wishes.Vm(1, generation, power);
        vm.Id = There;
        vm.MachineUuid = Here;
        vm.Incoming = new VmIncoming { Migration = Attempt, Secret = Secret };
        return vm;
    }

    private Vm Sent(ulong generation, Power power = Power.Running)
    {
        var to = target.Host.VmStatuses[There].Migration;
        var vm = Wishes.Vm(1, generation, power);
        vm.Outgoing = new VmOutgoing
        {
            Migration = Attempt, Secret = Secret, Host = to.Host, MemoryPort = to.MemoryPort, DiskPort = to.DiskPort,
        };
        return vm;
    }

    private sealed class Node : IAsyncDisposable
    {
        private readonly string state = Directory.CreateTempSubdirectory("agent").FullName;
        private CancellationTokenSource stop = new();
        private Task? run;

        public MemoryHost Host { get; } = new();

        public EmulatedNode Emulated { get; private set; } = null!;

        public void Run(Emulation? emulation = null)
        {
            if (emulation is not null) Emulated = new EmulatedNode(emulation, TimeProvider.System);
            Emulated.DataPlane.ForgetPlans();
            stop = new CancellationTokenSource();
            run = new AgentProcess(
                new AgentOptions
                {
                    Node = "hv", StateDirectory = state, BootId = "boot-1",
                    Sync = new SyncOptions { ReconnectFirst = TimeSpan.FromMilliseconds(20) },
                    Policy = new VmPolicy { RetryFirst = TimeSpan.FromMilliseconds(5) },
                },
                Emulated.Drivers, () => Host, TimeProvider.System, NullLoggerFactory.Instance).RunAsync(stop.Token);
        }

        public async Task KillAsync()
        {
            await stop.CancelAsync();
            if (run is not null) await run.ContinueWith(_ => { });
        }

        public async Task RestartAsync()
        {
            await KillAsync();
            Run();
        }

        public Task UntilAsync(string vm, Func<VmStatus, bool> holds) => Host.UntilAsync(
            () => Host.VmStatuses.TryGetValue(vm, out var s) && holds(s), $"vm {vm} is as it should be");

        public async ValueTask DisposeAsync()
        {
            if (TestContext.Current.TestState?.Result == TestResult.Failed)
                TestContext.Current.TestOutputHelper?.WriteLine(string.Join("\n", Host.VmStatuses.Values) + run?.Exception);
            await KillAsync();
            Directory.Delete(state, recursive: true);
        }
    }
}
