using Grpc.Core;
using Microsoft.Extensions.Logging;
using Monolith.Agent.Consoles;
using Monolith.Agent.Ledger;
using Monolith.Agent.Reconcile;
using Monolith.Agent.Sync;
using Monolith.Agent.V1;

namespace Monolith.Agent;

/// <summary>How an agent is, for people. Immutable.</summary>
/// <param name="Streams">One for each concern.</param>
/// <param name="Items">Count of what is reported, by <c>concern/STATE</c>.</param>
public sealed record AgentHealth(IReadOnlyList<SyncState> Streams, IReadOnlyDictionary<string, int> Items)
{
    /// <summary>Every stream is open and complete.</summary>
    public bool InSync => Streams.Count > 0 && Streams.All(s => s.InSync);
}

/// <summary>
/// One agent: the streams of its role, their reconcilers, and their ledgers. The daemon runs one; a host that emulates
/// a fleet runs thousands, which then share what <c>connect</c> gives them.
/// <code>
///   host ⇄ SyncClient ─▶ DesiredSet (ledger) ─▶ reconciler ─▶ drivers
///              ▲                                    │
///              └───────────── StatusBoard ◀─────────┘            once for each concern
/// </code>
/// </summary>
/// <param name="options">How it runs.</param>
/// <param name="drivers">Of a hypervisor; not disposed by the agent.</param>
/// <param name="connect">Called for every connection of a stream; carries the node's identity.</param>
/// <param name="time">Clock of everything that waits.</param>
/// <param name="loggers">Categories are <c>Monolith.Agent.*</c>.</param>
public sealed class AgentProcess(
    AgentOptions options,
    HypervisorDrivers drivers,
    Func<CallInvoker> connect,
    TimeProvider time,
    ILoggerFactory loggers) : IAgent
{
    private volatile Parts? parts;

    private sealed record Parts(SyncClient Vms, SyncClient Ports, StatusBoard VmBoard, StatusBoard PortBoard);

    public bool InSync => parts is { } open && open.Vms.State.InSync && open.Ports.State.InSync;

    public AgentHealth Health => this.parts is not { } parts
        ? new AgentHealth([], new Dictionary<string, int>())
        : new AgentHealth(
            [parts.Vms.State, parts.Ports.State],
            parts.VmBoard.Snapshot().Cast<VmStatus>().Select(s => $"vms/{s.State.ToString().ToUpperInvariant()}")
                .Concat(parts.PortBoard.Snapshot().Cast<PortStatus>()
                    .Select(s => $"ports/{s.State.ToString().ToUpperInvariant()}"))
                .CountBy(s => s)
                .ToDictionary(c => c.Key, c => c.Value, StringComparer.Ordinal));

    /// <summary>Runs until cancelled; VMs and ports stay as they are then.</summary>
    /// <exception cref="IOException">The state directory or the data plane is unusable; the message says what to
    /// do.</exception>
    public async Task RunAsync(CancellationToken cancellation)
    {
        using var vmLedger = options.OpenLedger("vms");
        using var portLedger = options.OpenLedger("ports");
        using var factLedger = options.OpenLedger("facts");
        var log = loggers.CreateLogger("Monolith.Agent.Reconcile");
        var vms = new DesiredSet(VmConcern.Instance, vmLedger);
        var ports = new DesiredSet(PortConcern.Instance, portLedger);
        var vmBoard = new StatusBoard(VmConcern.Instance);
        var portBoard = new StatusBoard(PortConcern.Instance);
        var facts = new VmFacts(factLedger);

        await using var portReconciler = new PortReconciler(ports, portBoard, new PortReconcilerParts(
            drivers.DataPlane, drivers.Routes, options.Policy, options.TapPrefix,
            new TapOwner(options.TapUid, options.TapGid), time, options.Dice, log)
        {
            MayBeElsewhere = port => vms.Snapshot().Select(item => (Vm)item.Body)
                .Any(vm => IsElsewhere(vm, facts.Of(vm.Id)) && vm.Ports.Any(p => p.Id == port)),
        });
        await using var snapshots = new SnapshotReconciler(
            vms, drivers.Vms, connect, options.Policy, time, options.Dice, log);
        using var starts = new SemaphoreSlim(options.Policy.StartsAtOnce);
        await using var vmReconciler = new VmReconciler(vms, vmBoard, facts, new VmReconcilerParts(
            drivers.Vms, drivers.Images, portReconciler, drivers.Probe, options.Policy, options.TapPrefix,
            options.BootId, starts, time, options.Dice, log, options.ListenAddress))
        {
            Happened = snapshots.Wake,
            CopyTroubleOf = snapshots.TroubleOf,
        };
        snapshots.Troubled = vmReconciler.Wake;
        drivers.Metadata?.Use(vmReconciler, connect);

        var vmSync = Stream(VmConcern.Instance, vms, vmBoard, Hello);
        vmSync.Changed += vmReconciler.OnChanged;
        vmSync.Changed += snapshots.OnChanged;
        vmSync.BecameInSync += vmReconciler.OnInSync;
        var sessions = drivers.Consoles is { } consoles
            ? new ConsoleSessions(consoles, connect, time, loggers.CreateLogger("Monolith.Agent.Consoles"))
            : null;
        await using var prewarming = new ImagePrewarming(
            drivers.Images, vmReconciler.ImagesInUse, vmBoard.Note, options.Policy, time, options.Dice, log);
        vmSync.Asked += said =>
        {
            if (said is OpenSession session) sessions?.Open(session, cancellation);
            else if (said is WantedImages images) prewarming.OnWanted(images);
        };

        var portSync = Stream(
            PortConcern.Instance, ports, portBoard, () => new Hello { AgentVersion = options.Version });
        portSync.Changed += portReconciler.OnChanged;
        portSync.BecameInSync += portReconciler.OnInSync;
        var looks = new PortLooks(portReconciler, drivers, connect, time, log);
        portSync.Asked += said =>
        {
            if (said is PortLook look) looks.Look(look, cancellation);
        };
        parts = new Parts(vmSync, portSync, vmBoard, portBoard);

        // Ports first: a vm of the ledger waits for them.
        await portReconciler.StartAsync(cancellation);
        await vmReconciler.StartAsync(cancellation);
        await snapshots.StartAsync(cancellation);
        await Task.WhenAll(vmSync.RunAsync(cancellation), portSync.RunAsync(cancellation));
        drivers.Metadata?.Use(null);
    }

    // So long as nobody has looked at the vm itself.
    private static bool IsElsewhere(Vm vm, VmFact fact) => fact.Departed || (vm.Incoming is not null && !fact.Arrived);

    private Hello Hello()
    {
        var hello = new Hello { AgentVersion = options.Version, Inventory = options.Inventory.Clone() };
        hello.Inventory.Capabilities["prewarm"] = "1";
        if (options.BlobAddress() is { Length: > 0 } blobs) hello.Inventory.Capabilities["blobs"] = blobs;
        return hello;
    }

    private SyncClient Stream(IConcern concern, DesiredSet desired, StatusBoard board, Func<Hello> hello) => new(
        concern, desired, board, connect, hello, options.Sync, time, options.Dice,
        loggers.CreateLogger("Monolith.Agent.Sync"));
}

/// <summary>An agent of either role.</summary>
public interface IAgent
{
    AgentHealth Health { get; }

    /// <summary>Every stream is open and complete; costs nothing to ask.</summary>
    bool InSync { get; }

    Task RunAsync(CancellationToken cancellation);
}
