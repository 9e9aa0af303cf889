using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Monolith.Simulation.Tests.Faults;
using Monolith.Simulation.Tests.Hosts;
using Monolith.Simulation.Tests.Stories;

namespace Monolith.Simulation.Tests;

/// <summary>
/// The promises of a cloud under faults, seed by seed. <c>MONOLITH_SIMULATION_SEED</c> repeats one and nothing else;
/// <c>FUZZ_SECONDS</c> says for how long new ones are tried.
/// </summary>
[Collection(OneAtATime.Name)]
public sealed class SimulationTests(ITestOutputHelper output, Template template)
{
    static readonly int? Given = Number("MONOLITH_SIMULATION_SEED");

    public static TheoryData<int> Seeds => Given is { } seed ? [seed] : [1, 2];

    [Theory]
    [MemberData(nameof(Seeds), DisableDiscoveryEnumeration = true)]
    public async Task Seed_KeepsThePromises(int seed) => await RunAsync(seed);

    [Fact]
    [Trait("Kind", "fuzz")]
    public async Task AnySeed_KeepsThePromises()
    {
        if (Given is not null) return;
        var first = Number("FUZZ_SEED") ?? Random.Shared.Next();
        var (real, time) = (Stopwatch.StartNew(), TimeSpan.FromSeconds(Number("FUZZ_SECONDS") ?? 0));
        var broken = new List<string>();
        for (var seed = first; seed == first || real.Elapsed < time; seed = unchecked(seed + 1) & int.MaxValue)
            try
            {
                await RunAsync(seed);
            }
            catch (BrokenPromiseException e)
            {
                output.WriteLine(e.Message);
                broken.Add(e.Message.Split('\n')[0]);
            }
        Assert.True(broken.Count == 0, string.Join('\n', broken));
    }

    [Fact]
    public async Task Seed_RunTwice_IsTheSameRun()
    {
        var seed = Given ?? Random.Shared.Next();
        var first = await RunAsync(seed);
        var second = await RunAsync(seed);
        Assert.Equal((first.Picks, first.Hash), (second.Picks, second.Hash));
    }

    public static TheoryData<string, string, string, string> Deaths
    {
        get
        {
            var deaths = new TheoryData<string, string, string, string>();
            var given = Environment.GetEnvironmentVariable("MONOLITH_SIMULATION_LIFE");
            foreach (var life in Lives.All.Where(life => given is null || life == given))
                foreach (var who in new[] { "host", "agent" })
                    foreach (var at in new[] { nameof(Boundary.Commit), nameof(Boundary.Message) })
                        foreach (var death in new[] { nameof(Crossing.DiesBefore), nameof(Crossing.DiesAfter) })
                            deaths.Add(life, who, at, death);
            return deaths;
        }
    }

    /// <summary>A part of them, another for each seed; <see cref="KillAtEveryBoundary_OfAServersLife_LeavesNothing"/> tries all.</summary>
    [Theory]
    [MemberData(nameof(Deaths))]
    public Task KillAtSomeBoundaries_OfAServersLife_LeavesNothing(string life, string who, string at, string death) =>
        DieAsync(life, who, at, death, every: (who, at) switch
        {
            ("agent", nameof(Boundary.Commit)) => 2,
            (_, nameof(Boundary.Commit)) => 5,
            // Many are of a client that asks whether it is done.
            _ => 7,
        });

    [Theory(Explicit = true)]
    [MemberData(nameof(Deaths))]
    public Task KillAtEveryBoundary_OfAServersLife_LeavesNothing(string life, string who, string at, string death) =>
        DieAsync(life, who, at, death, every: 1);

    async Task DieAsync(string life, string who, string at, string death, int every)
    {
        var (seed, deaths) = (Given ?? 1, 0);
        var report = await Simulation.RunAsync(seed, template.Databases, calm: true, async simulation =>
            deaths = await EveryBoundary.RunAsync(simulation, life, who == "agent", Enum.Parse<Boundary>(at),
                Enum.Parse<Crossing>(death), 1 + seed % every, every));
        output.WriteLine($"{deaths} deaths; {report}");
        Assert.True(deaths > 3, $"{life} has {deaths} deaths: nothing was tried");
    }

    async Task<RunReport> RunAsync(int seed)
    {
        var report = await Simulation.RunAsync(seed, template.Databases, calm: false, UnderFaults.RunAsync);
        output.WriteLine(report.ToString());
        return report;
    }

    static int? Number(string name) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.None, CultureInfo.InvariantCulture,
            out var number) ? number : null;
}

/// <summary>A scheduler wants the pool's one thread for itself.</summary>
[CollectionDefinition(Name)]
public sealed class OneAtATime : ICollectionFixture<Template>
{
    public const string Name = "one at a time";
}

/// <summary>Databases with their tables, and an authority with its key, made once.</summary>
public sealed class Template : IDisposable
{
    internal Databases Databases { get; } = Make();

    static Databases Make()
    {
        var databases = new Databases();
        var scheduler = new World.Scheduler(0);
        var process = new World.Process(scheduler, "template");
        var host = new CloudHost(process, databases.For(process), new BusShape(), new Random(0), scheduler.Trace);
        foreach (var step in host.Services.GetServices<Monolith.Platform.Storage.IStoreOpening>())
            step.StartAsync(CancellationToken.None).GetAwaiter().GetResult();
        return databases;
    }

    public void Dispose() => Databases.Dispose();
}
