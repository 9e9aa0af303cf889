using System.Diagnostics;
using System.Globalization;
using Monolith.Simulation.Tests;

namespace Monolith.Crash.Tests;

/// <summary>
/// Promise 1 in real processes: a host, or the nodes, are killed with SIGKILL at a point of a server's life, and in the
/// end rows, machines and what its client was told agree exactly. Which points is for the seed, <c>CRASH_SEED</c>; how
/// many for the host, <c>CRASH_POINTS</c> (6), and half as many for the nodes. On PostgreSQL where
/// <c>tests/Servers/with</c> has one.
/// </summary>
public sealed class CrashTests(Lives lives, ITestOutputHelper output) : IClassFixture<Lives>
{
    static int Points { get; } = Number("CRASH_POINTS") ?? 6;

    static int Seed { get; } = Number("CRASH_SEED") ?? Random.Shared.Next(1_000_000);

    public static TheoryData<Victim, int, int> Parts
    {
        get
        {
            var parts = new TheoryData<Victim, int, int>();
            foreach (var (victim, count) in new[] { (Victim.Host, Points), (Victim.Nodes, (Points + 1) / 2) })
                for (var part = 0; part < count; part++) parts.Add(victim, part, count);
            return parts;
        }
    }

    [Theory]
    [MemberData(nameof(Parts), DisableDiscoveryEnumeration = true)]
    public async Task KillAtSomePoints_OfAServersLife_LeavesNothing(Victim victim, int part, int parts)
    {
        // One of each part of the life.
        var dice = new Random(unchecked(Seed * 1_000_003 + part));
        var length = await lives.LengthAsync(victim);
        var (from, to) = (1 + part * length / parts, 1 + (part + 1) * length / parts);
        var point = dice.NextInt64(from, Math.Max(from + 1, to));
        output.WriteLine($"CRASH_SEED={Seed} CRASH_POINTS={Points} ({lives.Database})");
        var began = Stopwatch.GetTimestamp();
        var death = await lives.LiveAsync(victim, point);
        output.WriteLine($"{victim}, point {point} of {length}: {death} ({Stopwatch.GetElapsedTime(began).TotalSeconds:0.0} s)");
        // A life is never quite as long as another.
        Assert.True(death.Length > 0 || point > length / 2, $"point {point} of {length} was not reached");
    }

    /// <summary>Of what a purged project owned nothing is left anywhere, and of another's everything.</summary>
    [Fact]
    public async Task KillAgainAndAgain_WhileProjectsArePurged_LeavesNothingOfThem_AndAllOfOthers()
    {
        output.WriteLine($"CRASH_SEED={Seed} CRASH_POINTS={Points}");
        var began = Stopwatch.GetTimestamp();
        var deaths = await lives.PurgeAsync(new Random(Seed), Points);
        foreach (var death in deaths) output.WriteLine($"killed: {death}");
        output.WriteLine($"{deaths.Count} deaths on {lives.Database} ({Stopwatch.GetElapsedTime(began).TotalSeconds:0.0} s)");
    }

    /// <summary>Each, or each <c>CRASH_EVERY</c>, takes seconds: hours for all.</summary>
    [Theory(Explicit = true)]
    [InlineData(Victim.Host)]
    [InlineData(Victim.Nodes)]
    public async Task KillAtEveryPoint_OfAServersLife_LeavesNothing(Victim victim)
    {
        var (broken, every) = (new List<string>(), Number("CRASH_EVERY") ?? 1);
        output.WriteLine($"CRASH_SEED={Seed} CRASH_EVERY={every}");
        for (long point = 1 + Seed % every; ; point += every)
            try
            {
                var death = await lives.LiveAsync(victim, point);
                output.WriteLine($"{victim}, point {point} ({lives.Database}): {death}");
                if (death.Length == 0) break;
            }
            catch (BrokenPromiseException e)
            {
                output.WriteLine(e.Message);
                broken.Add(e.Message.Split('\n')[0]);
            }
        Assert.True(broken.Count == 0, string.Join('\n', broken));
    }

    static int? Number(string name) => int.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.None,
        CultureInfo.InvariantCulture, out var number) ? number : null;
}
