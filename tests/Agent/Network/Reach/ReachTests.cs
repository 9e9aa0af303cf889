using System.Diagnostics;
using System.Globalization;
using Monolith.Agent.Network;
using Monolith.Agent.Tests.Lab;

namespace Monolith.Agent.Tests.Network.Reach;

/// <summary>
/// Random guests, groups and rules on two hypervisors, and packets from each machine to each other: what arrives is what the
/// model says, answers pass and what looks like one does not, and again after each change.
/// <para>
/// FUZZ_WORLDS says how many worlds (default 2), FUZZ_SECONDS after how long no further one begins; FUZZ_SEED repeats a run.
/// </para>
/// </summary>
[Trait("Needs", "root")]
[Trait("Kind", "fuzz")]
public sealed class ReachTests(ITestOutputHelper output)
{
    private const int Worlds = 2, Changes = 2, PortsAtOnce = 8, Told = 10;
    private int serials;

    [Fact]
    public async Task WhatArrives_IsWhatTheGroupsSay()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "namespaces need root");
        var seed = Number("FUZZ_SEED") ?? Random.Shared.Next();
        var worlds = Number("FUZZ_WORLDS") ?? Worlds;
        var limit = TimeSpan.FromSeconds(Number("FUZZ_SECONDS") ?? 600);
        var began = Stopwatch.GetTimestamp();
        for (var i = 0; i < worlds && Stopwatch.GetElapsedTime(began) < limit; i++)
            await WalkAsync(seed + i);
    }

    private async Task WalkAsync(int seed)
    {
        output.WriteLine($"FUZZ_SEED={seed}");
        var world = new World(seed);
        await using var lab = new FabricLab(World.Hypervisors);
        await lab.PrepareAsync();
        await PlanAsync(lab, world);
        var machines = new List<RawGuest>();
        for (var guest = 0; guest < World.Guests; guest++)
            machines.Add(await lab.StartGuestAsync(world.HypervisorOf[guest], world.Plan(guest)));
        var exchange = new Exchange([.. machines, lab.Outside]);
        await MeetAsync(exchange);
        await CompareAsync(exchange, world, seed, "at first");
        for (var change = 1; change <= Changes; change++)
        {
            world.Change();
            await PlanAsync(lab, world);
            await CompareAsync(exchange, world, seed, $"after change {change}");
        }
    }

    private static async Task PlanAsync(FabricLab lab, World world)
    {
        var stop = TestContext.Current.CancellationToken;
        foreach (var plane in lab.Planes)
            await plane.EnsureSetsAsync(world.Sets(), stop);
        for (var guest = 0; guest < World.Guests; guest++)
            await lab.Planes[world.HypervisorOf[guest]].EnsurePortAsync(world.Plan(guest), stop);
    }

    /// <summary>Neighbours are asked for once before packets are counted: who waits for an answer waits in a short queue.</summary>
    private async Task MeetAsync(Exchange exchange)
    {
        var sentinels = Probes([]);
        await exchange.RunAsync(
            [.. sentinels.Select(p => (p.From, p.Question()))], [.. sentinels.Select(p => (p.To, p.Serial, Turn.Asked))]);
    }

    private async Task CompareAsync(Exchange exchange, World world, int seed, string when)
    {
        var probes = Probes(world.Services(PortsAtOnce));
        var asked = probes.ToDictionary(
            p => p, p => Model.Arrives(world, p.From, p.To, p.V6, p.Service));
        await TurnAsync(Turn.Asked, asked, p => (p.From, p.Question()), p => p.To);

        // Whoever got a question answers, and the answer arrives whatever the rules of its direction are.
        await TurnAsync(
            Turn.Answered, asked.Where(p => p.Value).ToDictionary(), p => (p.To, p.Answer()), p => p.From);

        // Who got none sends to where it came from as if it had.
        await TurnAsync(
            Turn.Unasked,
            probes.Where(p => !asked[p] && !p.Service.IsIcmp).ToDictionary(
                p => p, p => Model.UnaskedArrives(world, p.From, p.To, p.V6, p.Service, p.Back)),
            p => (p.To, p.Unasked()),
            p => p.From);

        async Task TurnAsync(
            Turn turn, Dictionary<Probe, bool> expected, Func<Probe, (int, byte[])> packet, Func<Probe, int> receiver)
        {
            var began = Stopwatch.GetTimestamp();
            (int, int, Turn) Arrival(Probe p) => (receiver(p), p.Serial, turn);
            await exchange.RunAsync(
                [.. expected.Keys.Select(packet)], [.. expected.Where(p => p.Value).Select(p => Arrival(p.Key))]);
            var wrong = expected.Where(p => exchange.Arrived.Contains(Arrival(p.Key)) != p.Value).ToList();
            var strays = exchange.Arrived.Where(a => a.Turn == turn && a.Serial >= probes[0].Serial)
                .Except(expected.Keys.Select(Arrival)).ToList();
            output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{when}, {turn}: {expected.Count} packets, {expected.Count(p => p.Value)} arrived, "
                + $"{Stopwatch.GetElapsedTime(began).TotalMilliseconds:N0} ms"));
            Assert.True(
                wrong.Count == 0 && strays.Count == 0,
                $"FUZZ_SEED={seed} FUZZ_WORLDS=1, {when}, {turn}: {wrong.Count} of {expected.Count} are wrong, "
                + $"{strays.Count} arrived at somebody else\n"
                + string.Join('\n', wrong.Take(Told).Select(p => $"{p.Key}: {(p.Value ? "is lost" : "arrives")}"))
                + $"\n{world}");
        }
    }

    /// <summary>
    /// Every machine to every other one. Each pair's last ones pass whatever the rules are: who has them has all before.
    /// </summary>
    private List<Probe> Probes(IReadOnlyList<(bool V6, Service Service)> services) =>
    [
        .. from one in Enumerable.Range(0, World.Guests + 1)
           from other in Enumerable.Range(0, World.Guests + 1)
           where one != other
           from what in services.Append((false, Service.Sentinel)).Append((true, Service.Sentinel))
           select new Probe(serials++, one, other, what.Item1, what.Item2),
    ];

    private static int? Number(string variable) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out var number)
            ? number
            : null;
}
