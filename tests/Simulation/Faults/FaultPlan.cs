using Monolith.Agent.Vms;
using Monolith.Simulation.Tests.Hosts;
using Monolith.Simulation.Tests.Nodes;
using Monolith.Simulation.Tests.World;

namespace Monolith.Simulation.Tests.Faults;

/// <summary>Breaks one thing after another, as the dice say, and lets each be repaired after a while.</summary>
internal sealed class FaultPlan
{
    static readonly string[] Modules = ["compute", "network", "dns", "events", "compute", "network"];

    readonly Process process;
    readonly Cloud cloud;
    readonly IReadOnlyList<Node> nodes;
    readonly Random dice;
    readonly Trace trace;
    readonly TimeSpan every;
    readonly HashSet<string> refusing = new(StringComparer.Ordinal);
    // At the host, and at whichever of the agents it meets.
    Shot? hostShot, agentShot;
    bool healing;

    /// <param name="every">Between two faults, on average.</param>
    public FaultPlan(Process process, Cloud cloud, IReadOnlyList<Node> nodes, Random dice, Trace trace, TimeSpan every)
    {
        (this.process, this.cloud, this.nodes, this.dice, this.trace, this.every) =
            (process, cloud, nodes, dice, trace, every);
        cloud.Databases.AtCommit = AtCommit;
        cloud.AtMessage = AtMessage;
        foreach (var node in nodes) node.Committing = AtLedger;
    }

    public void Start() => process.Start(async () =>
    {
        while (!healing)
        {
            await Task.Delay(every * (2 * dice.NextDouble()), process.Time);
            if (!healing) Break();
        }
    });

    /// <summary>Counts from here on.</summary>
    public void HostDiesAt(Shot shot) => hostShot = shot;

    /// <summary>As above, over all agents together: it dies that comes to it.</summary>
    public void AgentDiesAt(Shot shot) => agentShot = shot;

    /// <summary>To be called after each piece of work: host or agents may have died in it.</summary>
    public void Look()
    {
        if (cloud.Host is { Process.IsAlive: false })
        {
            cloud.Kill();
            StartHostAfter(Upto(5));
        }
        foreach (var node in nodes)
            if (node.IsDead) StartAgain(node);
    }

    /// <summary>All is repaired, and nothing breaks any more.</summary>
    public void Heal()
    {
        trace.Say("healed");
        healing = true;
        (hostShot, agentShot) = (null, null);
        refusing.Clear();
        foreach (var link in cloud.Links)
        {
            link.Shape = link.Shape with { Late = 0 };
            link.Mend();
        }
        if (cloud.Host is null) cloud.Start();
        foreach (var node in nodes)
        {
            node.Failures = 0;
            node.Start();
        }
    }

    void Break()
    {
        var node = nodes[dice.Next(nodes.Count)];
        var link = cloud.Links[dice.Next(cloud.Links.Count)];
        switch (dice.Next(16))
        {
            case 0 or 1:
                cloud.Kill();
                StartHostAfter(Upto(5));
                break;
            case 2 or 3 or 4:
                var module = Modules[dice.Next(Modules.Length)];
                hostShot = new Shot(Boundary.Commit, 1 + dice.Next(12),
                    dice.Next(2) == 0 ? Crossing.DiesBefore : Crossing.DiesAfter, module);
                trace.Say($"armed {hostShot}");
                break;
            case 5:
                Refuse(Modules[dice.Next(Modules.Length)], Upto(5));
                break;
            case 6 or 7:
                node.Kill();
                Later(dice.Next(5) == 0 ? Upto(200) : Upto(15), node.Start);
                break;
            case 8:
                node.LosePower();
                Later(Upto(60), node.Start);
                break;
            case 9 or 10:
                link.Cut();
                Later(dice.Next(4) == 0 ? Upto(150) : Upto(20), link.Mend);
                break;
            case 11 or 12:
                link.Reset();
                break;
            case 13:
                trace.Say($"{node.Name} begins to fail");
                node.Failures = 0.4;
                Later(Upto(20), () => node.Failures = 0);
                break;
            case 14:
                Crash(node);
                break;
            default:
                trace.Say($"{link.Name} is slow");
                var before = link.Shape;
                link.Shape = before with { Late = 0.5, Lateness = TimeSpan.FromSeconds(8) };
                Later(Upto(20), () => link.Shape = before);
                break;
        }
    }

    Crossing AtCommit(Process host, string module)
    {
        if (!refusing.Contains(module)) return Cross(hostShot, Boundary.Commit, host.Name, module);
        trace.Say($"{module} refuses a commit of {host.Name}");
        return Crossing.Refused;
    }

    // Clients do not die.
    Crossing AtMessage(Process process, string method)
    {
        if (process == cloud.Host?.Process) return Cross(hostShot, Boundary.Message, process.Name, method);
        return nodes.Any(n => n.IsRunBy(process))
            ? Cross(agentShot, Boundary.Message, process.Name, method)
            : Crossing.Done;
    }

    void AtLedger(Node node, Action write)
    {
        var death = Cross(agentShot, Boundary.Commit, node.Name, "");
        if (death != Crossing.DiesBefore) write();
        if (death != Crossing.Done) StartAgain(node);
    }

    Crossing Cross(Shot? shot, Boundary at, string who, string what)
    {
        var death = shot?.Cross(at, what) ?? Crossing.Done;
        if (death != Crossing.Done) trace.Say($"{who} at a {at} of {what}: {death}");
        return death;
    }

    void StartAgain(Node node)
    {
        node.Kill();
        Later(Upto(15), node.Start);
    }

    void Refuse(string module, TimeSpan length)
    {
        trace.Say($"{module} begins to refuse");
        refusing.Add(module);
        Later(length, () => refusing.Remove(module));
    }

    void Crash(Node node)
    {
        var running = node.Running();
        if (running.Count == 0) return;
        var vm = running[dice.Next(running.Count)];
        trace.Say($"{node.Name}: {vm} ends");
        if (dice.Next(2) == 0) node.Vms.Crash(new VmId(vm), "QEMU was killed (simulated)");
        else node.Vms.PowerOff(new VmId(vm));
    }

    void StartHostAfter(TimeSpan pause) => Later(pause, () =>
    {
        if (cloud.Host is null) cloud.Start();
    });

    void Later(TimeSpan pause, Action repair) => process.Start(async () =>
    {
        await Task.Delay(pause, process.Time);
        if (!healing) repair();
    });

    TimeSpan Upto(double seconds) => TimeSpan.FromSeconds(seconds * dice.NextDouble());
}
