using System.Globalization;
using Microsoft.Extensions.Logging;
using Monolith.Agent;
using Monolith.Agent.Emulated;
using Monolith.Agent.Ledger;
using Monolith.Agent.Network;
using Monolith.Agent.Reconcile;
using Monolith.Agent.V1;
using Monolith.Agent.Vms;
using Monolith.Simulation.Tests.Hosts;
using Monolith.Simulation.Tests.Promises;
using Monolith.Simulation.Tests.Wire;
using Monolith.Simulation.Tests.World;

namespace Monolith.Simulation.Tests.Nodes;

/// <summary>
/// A hypervisor: its hardware, kernel and VMs, which stay while its agents come and go; the agents' ledgers, which are
/// its disk; and its way to the host.
/// </summary>
internal sealed class Node
{
    readonly Scheduler scheduler;
    readonly Random dice;
    readonly Cloud cloud;
    readonly EmulatedNode emulated;
    readonly Process machine;
    readonly EmulatedDisk disk = new();
    Process? agent;
    NodeDrivers? drivers;
    int starts;
    int boots = 1;

    public Node(Scheduler scheduler, Cloud cloud, Link link, Emulation emulation, Random dice)
    {
        (this.scheduler, this.cloud, Link, this.dice) = (scheduler, cloud, link, dice);
        machine = new Process(scheduler, link.Name);
        emulated = new EmulatedNode(emulation, machine.Time);
        machine.Start(PumpAsync);
    }

    public Link Link { get; }

    public string Name => Link.Name;

    /// <summary>Its agent has died by itself, and nobody has looked yet.</summary>
    public bool IsDead => agent is { IsAlive: false };

    public EmulatedVms Vms => emulated.Vms;

    public EmulatedDataPlane DataPlane => emulated.DataPlane;

    /// <summary>Drivers and disk of the node fail now and then.</summary>
    public double Failures { get; set; }

    public AgentProcess? Agent { get; private set; }

    /// <summary>What its next agent reports of it.</summary>
    public Inventory Inventory { get; } = EmulatedNode.Inventory(2, 2048, 40, "zone1");

    /// <summary>What of it fails, every time.</summary>
    public NodeFaults Faults { get; } = new();

    /// <summary>Does a write of the agent's to its disk, or not.</summary>
    public Action<Node, Action> Committing { get; set; } = (_, write) => write();

    public void Start()
    {
        if (agent is not null) return;
        var name = string.Create(CultureInfo.InvariantCulture, $"{Name}.agent{++starts}");
        var process = agent = new Process(scheduler, name);
        scheduler.Trace.Say($"start {process.Name}");
        emulated.DataPlane.ForgetPlans();
        drivers = new NodeDrivers(emulated.Drivers, machine, process, dice, () => Fails(), Faults);
        var options = new AgentOptions
        {
            Node = Name,
            Inventory = Inventory,
            Dice = dice,
            BootId = string.Create(CultureInfo.InvariantCulture, $"boot{boots}"),
            Policy = new VmPolicy { Grace = TimeSpan.FromMinutes(2) },
            InMemory = ledger => new FailingLedger(disk.Open(ledger), process, Fails,
                write => Committing(this, write)),
        };
        Agent = new AgentProcess(options, drivers.All, () => new WireInvoker(cloud, Link, process), process.Time,
            new LoggerFactory([new TraceLogs(process.Name, scheduler.Trace)]));
        process.Start(() => Agent.RunAsync(CancellationToken.None));
    }

    public bool IsRunBy(Process process) => agent == process;

    /// <summary>kill -9 of the agent; what the machine has begun it may end.</summary>
    public void Kill()
    {
        if (agent is not { } process) return;
        scheduler.Trace.Say($"kill {process.Name}");
        (agent, drivers, Agent) = (null, null, null);
        process.Kill();
        Link.CallerDied();
    }

    /// <summary>Everything stops; disks stay.</summary>
    public void LosePower()
    {
        scheduler.Trace.Say($"{Name} loses power");
        Kill();
        boots++;
        emulated.Vms.LosePower();
    }

    /// <summary>What the machine has now, whoever knows of it.</summary>
    public IReadOnlyList<VmObservation> Machines() => emulated.Vms.ObserveAsync(CancellationToken.None).Result;

    /// <summary>All of it.</summary>
    public NodeFacts Facts() => NodeFacts.Of(Name, emulated, ledger => NodeFacts.Keys(disk, ledger));

    public IReadOnlyList<PortObservation> Taps() => emulated.DataPlane.ObserveAsync(CancellationToken.None).Result;

    public IReadOnlyList<string> Running() =>
        [.. Machines().Where(m => m.Phase == VmPhase.Running).Select(m => m.Id.Value)];

    bool Fails() => Failures > 0 && dice.NextDouble() < Failures;

    // Events of QEMU go to the agent that is there.
    async Task PumpAsync()
    {
        await foreach (var happened in emulated.Vms.Events.ReadAllAsync()) drivers?.Tell(happened);
    }
}
