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
    // How many commits, of the module or of any, until the host dies at one.
    (string Module, int Commits, CommitFate Fate)? armed;
    // As above, of what agents write.
    (int Commits, CommitFate Fate)? agentArmed;
    bool healing;

    /// <param name="every">Between two faults, on average.</param>
    public FaultPlan(Process process, Cloud cloud, IReadOnlyList<Node> nodes, Random dice, Trace trace, TimeSpan every)
    {
        (this.process, this.cloud, this.nodes, this.dice, this.trace, this.every) =
            (process, cloud, nodes, dice, trace, every);
        cloud.Databases.Fate = Fate;
        foreach (var node in nodes) node.Committing = Commit;
    }

    public void Start() => process.Start(async () =>
    {
        while (!healing)
        {
            await Task.Delay(every * (2 * dice.NextDouble()), process.Time);
            if (!healing) Break();
        }
    });

    /// <summary>Since it was last told when.</summary>
    public bool HasDied => armed is null;

    /// <summary>Has the host die at a commit of any module, counted from here on from 1.</summary>
    public void DieAt(int commit, CommitFate fate) => armed = ("", commit, fate);

    /// <summary>As <see cref="HasDied"/>.</summary>
    public bool HasAgentDied => agentArmed is null;

    /// <summary>Has an agent die at something that any of them writes to its disk, counted from here on from 1.</summary>
    public void AgentDiesAt(int commit, CommitFate fate) => agentArmed = (commit, fate);

    /// <summary>To be called after each piece of work: a host may have died in it.</summary>
    public void Look()
    {
        if (cloud.Host is not { Process.IsAlive: false }) return;
        cloud.Kill();
        StartHostAfter(Upto(5));
    }

    /// <summary>All is repaired, and nothing breaks any more.</summary>
    public void Heal()
    {
        trace.Say("healed");
        healing = true;
        (armed, agentArmed) = (null, null);
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
                armed = (Modules[dice.Next(Modules.Length)], 1 + dice.Next(12),
                    dice.Next(2) == 0 ? CommitFate.DiesBefore : CommitFate.DiesAfter);
                trace.Say($"armed {armed}");
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

    CommitFate Fate(Process host, string module)
    {
        if (refusing.Contains(module))
        {
            trace.Say($"{module} refuses a commit of {host.Name}");
            return CommitFate.Refused;
        }
        if (armed is not { } shot || shot.Module.Length > 0 && shot.Module != module) return CommitFate.Done;
        armed = shot with { Commits = shot.Commits - 1 };
        if (shot.Commits > 1) return CommitFate.Done;
        armed = null;
        trace.Say($"{host.Name} at a commit of {module}: {shot.Fate}");
        return shot.Fate;
    }

    void Commit(Node node, Action write)
    {
        if (agentArmed is not { } shot || shot.Commits > 1)
        {
            if (agentArmed is { } next) agentArmed = next with { Commits = next.Commits - 1 };
            write();
            return;
        }
        agentArmed = null;
        trace.Say($"{node.Name}'s agent at a commit: {shot.Fate}");
        if (shot.Fate == CommitFate.DiesAfter) write();
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
