using System.Diagnostics;
using System.Globalization;
using Monolith.Agent.Emulated;
using Monolith.Platform;
using Monolith.Simulation.Tests.Faults;
using Monolith.Simulation.Tests.Hosts;
using Monolith.Simulation.Tests.Load;
using Monolith.Simulation.Tests.Nodes;
using Monolith.Simulation.Tests.Promises;
using Monolith.Simulation.Tests.Wire;
using Monolith.Simulation.Tests.World;
using Process = Monolith.Simulation.Tests.World.Process;

namespace Monolith.Simulation.Tests;

/// <summary>What a run was like. Immutable.</summary>
public sealed record RunReport(int Seed, ulong Hash, long Picks, int Answers, TimeSpan Simulated, TimeSpan Took)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"seed {Seed}: {Answers} answers, {Picks} picks, {Simulated:hh\\:mm\\:ss} in {Took.TotalSeconds:0.0} s, "
        + $"trace {Hash:x16}");
}

/// <summary>A cloud, its nodes and its clients under one seed, and a story of them (<c>Stories/</c>).</summary>
internal sealed class Simulation : IDisposable
{
    static readonly TimeSpan Quiet = TimeSpan.FromMinutes(20);
    static readonly TimeSpan Look = TimeSpan.FromSeconds(5);
    static readonly TimeSpan MaxReal = TimeSpan.FromMinutes(10);
    const int MaxPicksAtOnce = 50_000;

    readonly int seed;
    readonly Scheduler scheduler;
    readonly Databases databases;
    readonly Cloud cloud;
    readonly List<Node> nodes = [];
    readonly List<Client> clients = [];
    readonly Process director;
    readonly FaultPlan faults;
    readonly WireInvoker operators;
    readonly Stopwatch real = Stopwatch.StartNew();
    DateTime since;
    long picksBefore;
    bool isOver;

    Simulation(int seed, Databases template, bool calm)
    {
        this.seed = seed;
        scheduler = new Scheduler(seed);
        var lot = new Random(seed ^ 0x5eed);
        Random Dice() => new(lot.Next());
        Chance.Dice = Dice();
        Chance.Uids = new Uids(scheduler, Dice()).Next;
        databases = new Databases(template);
        director = new Process(scheduler, "director");
        var net = new Process(scheduler, "net");
        cloud = new Cloud(scheduler, net, Dice(), databases, new BusShape());
        operators = new WireInvoker(cloud, cloud.Admin("operator", new LinkShape { Late = 0 }), director);
        var failures = calm ? 0 : lot.Next(3) * 0.05;
        var shape = calm ? new LinkShape { Late = 0 } : new LinkShape();
        for (var i = 1; i <= 3; i++)
        {
            var link = cloud.Node(string.Create(CultureInfo.InvariantCulture, $"hv{i}"), shape);
            nodes.Add(new Node(scheduler, cloud, link, new Emulation
            {
                Seed = lot.Next(),
                StartFailures = failures,
                ImageFailures = failures,
                SilentGuests = failures / 4,
            }, Dice()));
        }
        for (var i = 1; i <= 3; i++)
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"client{i}");
            var process = new Process(scheduler, name);
            var invoker = new WireInvoker(cloud, cloud.Admin(name, shape), process);
            clients.Add(new Client(process, invoker, scheduler.Trace, Dice(),
                string.Create(CultureInfo.InvariantCulture, $"p{i}")));
        }
        faults = new FaultPlan(director, cloud, nodes, Dice(), scheduler.Trace,
            TimeSpan.FromSeconds(1 + lot.NextDouble() * 6));
    }

    public IReadOnlyList<Client> Clients => clients;

    public FaultPlan Faults => faults;

    public IReadOnlyList<Node> Nodes => nodes;

    public TimeProvider Time => director.Time;

    /// <param name="calm">Nothing fails or is late by itself.</param>
    /// <param name="story">From a cloud that stands, with nothing in it, to its end.</param>
    public static async Task<RunReport> RunAsync(int seed, Databases template, bool calm, Func<Simulation, Task> story)
    {
        using var simulation = new Simulation(seed, template, calm);
        return await simulation.RunAsync(story);
    }

    async Task<RunReport> RunAsync(Func<Simulation, Task> story)
    {
        scheduler.Picked += OnPicked;
        scheduler.Moving += () => Addresses.Check(nodes);
        director.Start(async () =>
        {
            await PrepareAsync();
            await story(this);
            isOver = true;
        });
        try
        {
            await scheduler.RunAsync(() => isOver);
            if (!isOver) throw new BrokenPromiseException("Nothing is left to do, and it is not done.");
        }
        catch (Exception e)
        {
            throw new BrokenPromiseException(string.Join('\n', [
                $"seed {seed} ({scheduler}); MONOLITH_SIMULATION_SEED={seed} repeats it: {e.Message}", e.ToString(),
                "--- where it is", .. Agreement.Picture(Facts.Read(databases.Options)),
                "--- what happened last", .. scheduler.Trace.Last]));
        }
        return new RunReport(seed, scheduler.Trace.Hash, scheduler.Picks, clients.Sum(c => c.Answers),
            scheduler.Now - new DateTime(2026, 1, 1), real.Elapsed);
    }

    async Task PrepareAsync()
    {
        cloud.Start();
        await UntilAsync("the host to start", () => cloud.Host is { IsServing: true } ? [] : ["it does not serve"]);
        nodes.ForEach(n => n.Start());
        await Tenants.PrepareAsync(operators, clients.Select(c => c.Project));
    }

    /// <summary>What does not agree, of a cloud that is left alone.</summary>
    public List<string> Differences() =>
        Agreement.Differences(Facts.Read(databases.Options), [.. nodes.Select(n => n.Facts())],
            clients.SelectMany(c => c.Servers).ToDictionary(StringComparer.Ordinal)) is { Count: > 0 } found
            ? found
            : EventAgreement.Differences(databases.Options);

    /// <summary>And what there is at all.</summary>
    public List<string> Leftovers()
    {
        var found = new List<string>();
        var facts = Facts.Read(databases.Options);
        if (facts is not { Servers: [], Vms: [], Ports: [], Addresses: [], Records: [], Snapshots: [] })
            found.Add($"{facts.Servers.Count} servers, {facts.Vms.Count} vms, {facts.Ports.Count} ports, "
                + $"{facts.Addresses.Count} addresses, {facts.Records.Count} records, {facts.Snapshots.Count} copies "
                + "of disks are left");
        // Each project was prepared with one.
        if (facts.Images.Count > clients.Count) found.Add($"of {facts.Images.Count} images some are left");
        foreach (var node in nodes)
            if (node.Machines().Count + node.Taps().Count > 0) found.Add($"{node.Name} is not empty");
        return found.Count > 0 ? found : Differences();
    }

    /// <summary>As above, of an image.</summary>
    public async Task UntilReadyAsync(string name, Func<Task<Image.V1.Image?>> get)
    {
        var deadline = scheduler.Now + Quiet;
        while (true)
        {
            var image = await get();
            if (image?.State == Image.V1.Image.Types.State.Ready) return;
            if (scheduler.Now > deadline || image?.State == Image.V1.Image.Types.State.Failed)
                throw new BrokenPromiseException($"{name} is not READY: {image}");
            await Task.Delay(Look, director.Time);
        }
    }

    /// <summary>Promise 4: within bounded time.</summary>
    public async Task UntilAsync(string what, Func<List<string>> differences)
    {
        scheduler.Trace.Say("waiting for " + what);
        var deadline = scheduler.Now + Quiet;
        while (true)
        {
            var found = differences();
            if (found.Count == 0) return;
            if (scheduler.Now > deadline)
                throw new BrokenPromiseException($"Waited {Quiet} for {what}:\n  {string.Join("\n  ", found)}");
            await Task.Delay(Look, director.Time);
        }
    }

    void OnPicked()
    {
        faults.Look();
        if (scheduler.Now != since) (since, picksBefore) = (scheduler.Now, scheduler.Picks);
        if (scheduler.Picks - picksBefore > MaxPicksAtOnce)
            throw new BrokenPromiseException($"{MaxPicksAtOnce} pieces of work, and the clock stands still.");
        if (scheduler.Picks % 1024 == 0 && real.Elapsed > MaxReal)
            throw new BrokenPromiseException($"It takes longer than {MaxReal}.");
    }

    public void Dispose()
    {
        Chance.Dice = Random.Shared;
        Chance.Uids = Guid.CreateVersion7;
        scheduler.Trace.Dispose();
        databases.Dispose();
    }
}
