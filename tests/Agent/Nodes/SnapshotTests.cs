using Grpc.Core;
using Microsoft.Extensions.Logging.Abstractions;
using Monolith.Agent.Emulated;
using Monolith.Agent.Reconcile;
using Monolith.Agent.Sync;
using Monolith.Agent.Tests.Lab;
using Monolith.Agent.V1;
using Monolith.Agent.Vms;
using Power = Monolith.Agent.V1.Vm.Types.Power;
using State = Monolith.Agent.V1.VmStatus.Types.State;

namespace Monolith.Agent.Tests.Nodes;

/// <summary>A whole agent over emulated drivers copies disks and sends the copies to a host in memory.</summary>
public sealed class SnapshotTests : IAsyncDisposable
{
    private readonly MemoryHost host = new();
    private readonly EmulatedDisk disk = new();
    private readonly EmulatedNode node = new(Emulation.Instant, TimeProvider.System);
    private CancellationTokenSource stop = new();
    private Task? run;

    private static string Id => Wishes.VmId(1);

    private void Run(EmulatedNode? node = null, MetadataRelay? relay = null)
    {
        node ??= this.node;
        node.DataPlane.ForgetPlans();
        stop = new CancellationTokenSource();
        run = new AgentProcess(
            new AgentOptions
            {
                Node = "hv1", BootId = "boot-1", InMemory = disk.Open,
                Sync = new SyncOptions { ReconnectFirst = TimeSpan.FromMilliseconds(20) },
                Policy = new VmPolicy { RetryFirst = TimeSpan.FromMilliseconds(5), RetryCap = TimeSpan.FromMilliseconds(20) },
            },
            node.Drivers with { Metadata = relay }, () => host, TimeProvider.System, NullLoggerFactory.Instance)
            .RunAsync(stop.Token);
    }

    private async Task KillAsync()
    {
        await stop.CancelAsync();
        if (run is not null) await run.ContinueWith(_ => { });
    }

    public async ValueTask DisposeAsync() => await KillAsync();

    private static Vm Wish(ulong generation, string snapshot = "", Power power = Power.Running)
    {
        var vm = Wishes.Vm(1, generation, power);
        vm.PowerGeneration = 1;
        if (snapshot.Length > 0) vm.Snapshot = new V1.VmSnapshot { Id = snapshot };
        return vm;
    }

    private Task Until(Func<VmStatus, bool> holds, string what) =>
        host.UntilAsync(() => host.VmStatuses.TryGetValue(Id, out var s) && holds(s), what);

    private async Task RunningAsync(EmulatedNode? node = null)
    {
        Run(node);
        host.Want(Wishes.Port(1));
        host.Want(Wish(1));
        await Until(s => s is { State: State.Running, Answers: true }, "it runs");
    }

    [Fact]
    public async Task Wanted_ItIsCopiedAndSent_Once_AndGoneWhenItIsNotWantedAnyMore()
    {
        await RunningAsync();
        var since = host.VmStatuses[Id].Since;
        host.Want(Wish(2, "s-1"));
        await Eventually.HoldsAsync(() => host.Uploads.TryGetValue("s-1", out var sent) && sent.Count == 1, "it is sent");
        using var copy = new MemoryStream();
        await using (var whole = node.Vms.OpenSnapshot(new VmId(Id), "s-1")) await whole!.CopyToAsync(copy);
        Assert.Equal(copy.ToArray(), host.Uploads["s-1"].Single());
        await Until(s => s is { Generation: 2, Snapshot.Phase: VmSnapshotStatus.Types.Phase.Copied }, "it says so");
        Assert.Equal((State.Running, since), (host.VmStatuses[Id].State, host.VmStatuses[Id].Since));
        host.Want(Wish(3));
        await Until(s => s is { Generation: 3, Snapshot: null }, "nothing is left");
        Assert.Null(Assert.Single(await node.Vms.ObserveAsync(default)).Snapshot);
        Assert.Single(host.Uploads["s-1"]);
    }

    [Fact]
    public async Task AHostThatIsAway_GetsItLater_AlsoFromTheNextAgent()
    {
        await RunningAsync();
        host.RefusesUploads = StatusCode.Unavailable;
        host.Want(Wish(2, "s-1"));
        await Eventually.HoldsAsync(() => host.RefusedUploads > 2, "it is tried again");
        await KillAsync();
        host.RefusesUploads = null;
        Run();
        await Eventually.HoldsAsync(() => host.Uploads.ContainsKey("s-1"), "it is sent");
    }

    /// <summary>A snapshot is no reason to start what its guest shut down.</summary>
    [Fact]
    public async Task OfAServerThatShutItselfDown_TheGuestStaysDown()
    {
        await RunningAsync();
        node.Vms.PowerOff(new VmId(Id));
        await Until(s => s is { State: State.Stopped, Reason: "GUEST_POWERED_OFF" }, "it is off");
        host.Want(Wish(2, "s-1"));
        await Eventually.HoldsAsync(() => host.Uploads.ContainsKey("s-1"), "it is sent");
        await Until(s => s is { State: State.Stopped, Generation: 2 }, "it stays off");
        Assert.Equal(VmPhase.Stopped, Assert.Single(await node.Vms.ObserveAsync(default)).Phase);
    }

    /// <summary>Told anew, and nothing of it is started, stopped or restarted.</summary>
    [Fact]
    public async Task Metadata_IsTheGuestsAtOnce_AndTheServerRunsOn()
    {
        var relay = new MetadataRelay();
        Run(relay: relay);
        host.Want(Wishes.Port(1));
        host.Want(Wish(1));
        await Until(s => s is { State: State.Running, Answers: true }, "it runs");
        var before = Assert.Single(await node.Vms.ObserveAsync(default));
        Assert.Empty(relay.Find(Wishes.PortId(1))!.Meta!);
        var told = Wish(2);
        told.Metadata.Meta["role"] = "db";
        host.Want(told);
        await Until(s => s is { Generation: 2, State: State.Running }, "it is told");
        Assert.Equal("db", relay.Find(Wishes.PortId(1))!.Meta!["role"]);
        Assert.Equal(before with { Generation = 2 }, Assert.Single(await node.Vms.ObserveAsync(default)) with { Generation = 2 });
    }

    [Fact]
    public async Task StoppedMeanwhile_AndWithAFailure_TheStatusSaysBoth()
    {
        var node = new EmulatedNode(Emulation.Instant with { SnapshotFailures = 1 }, TimeProvider.System);
        await RunningAsync(node);
        host.Want(Wish(2, "s-1"));
        await Until(s => s.Snapshot is { Phase: VmSnapshotStatus.Types.Phase.Failed, Reason: "COPY_FAILED" }, "it failed");
        var stopped = Wish(3, "s-1", Power.Stopped);
        stopped.PowerGeneration = 3;
        host.Want(stopped);
        await Until(
            s => s is { State: State.Stopped, Snapshot.Phase: VmSnapshotStatus.Types.Phase.Failed }, "it is stopped");
        Assert.Empty(host.Uploads);
    }
}
