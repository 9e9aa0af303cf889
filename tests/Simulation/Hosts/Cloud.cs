using Monolith.Platform.Calls;
using Monolith.Platform.Storage;
using Monolith.Simulation.Tests.Faults;
using Monolith.Simulation.Tests.Wire;
using Monolith.Simulation.Tests.World;

namespace Monolith.Simulation.Tests.Hosts;

/// <summary>A host with its files and its links: the process may die and come again, the rest stays.</summary>
internal sealed class Cloud(Scheduler scheduler, Process net, Random dice, Databases databases, BusShape bus)
{
    static readonly PermissionSet Everything = new([], [""]);

    readonly List<Link> links = [];
    int starts;

    /// <summary>Null while none is there.</summary>
    public CloudHost? Host { get; private set; }

    public Databases Databases { get; } = databases;

    /// <summary>Asked for each message that a process is about to send or to take, with its method.</summary>
    public Func<Process, string, Crossing> AtMessage { get; set; } = (_, _) => Crossing.Done;

    public IReadOnlyList<Link> Links => links;

    public Link Admin(string name, LinkShape shape) =>
        Add(name, shape, new Caller("users/" + name, [new CallerGrant("", "roles/admin", Everything)]));

    public Link Node(string name, LinkShape shape) => Add(name, shape, new Caller("nodes/" + name, []));

    public void Start()
    {
        var process = new Process(scheduler, $"host{++starts}");
        scheduler.Trace.Say($"start {process.Name}");
        Host = new CloudHost(process, Databases.For(process), bus, dice, scheduler.Trace);
        process.Start(() => StartAsync(Host));
    }

    // What cannot start says so and ends; whoever watches over it starts another.
    async Task StartAsync(CloudHost host)
    {
        try
        {
            await host.StartAsync();
        }
        catch (Exception e) when (host.Process.IsAlive)
        {
            scheduler.Trace.Say($"{host.Process.Name} cannot start: {e.GetType().Name}");
            scheduler.Trace.Whisper(e.ToString());
            host.Process.Kill();
        }
    }

    /// <summary>kill -9, or what is left to do when it has died at a boundary.</summary>
    public void Kill()
    {
        if (Host is not { } host) return;
        scheduler.Trace.Say($"kill {host.Process.Name}");
        Host = null;
        host.Process.Kill();
        Databases.Close(host.Process);
        links.ForEach(l => l.HostDied());
    }

    Link Add(string name, LinkShape shape, Caller caller)
    {
        var link = new Link(net, scheduler.Trace, dice, shape, name, caller);
        links.Add(link);
        return link;
    }
}
