using System.Diagnostics;
using System.Globalization;
using Monolith.Compute.Placement;
using Monolith.Compute.V1;

// Decisions alone, in memory, on one thread: what a placement costs before the database is asked. A fleet of as many
// hypervisors as each argument says, with room and servers by a fixed seed. Prints a table in Markdown.
var sizes = args.Length > 0 ? Array.ConvertAll(args, a => int.Parse(a, CultureInfo.InvariantCulture)) : [1_000, 10_000];
var small = new Demand(2, 2048, 20, "");
Size[] flavors = [new("flavors/small", 1, 1024, 10), new("flavors/large", 32, 262_144, 1000)];

Console.WriteLine("| decision | hypervisors | decisions a second | p50 | p99 |");
Console.WriteLine("|---|---|---|---|---|");
foreach (var size in sizes)
{
    var fleet = Fleet(size);
    var look = new Look(default, [.. fleet], flavors);
    Tell("spread, as hosts do it", size, i => look.Place(small, FleetView.Attempts, Name(i)));
    Tell("spread, every hypervisor looked at", size, i => Placer.Place(fleet, small, Lots.Of(Name(i)), FleetView.Attempts));
    var full = new Look(default, [.. fleet], flavors);
    Tell("pack", size, i => full.Place(small with { Packs = true }, FleetView.Attempts, Name(i)));
    var company = new Company("g", 0, ServerGroup.Types.Policy.AntiAffinity, "",
        fleet.Take(20).ToDictionary(c => c.Id, _ => 1));
    var apart = new Look(default, [.. fleet], flavors);
    Tell("apart from 20 others", size, i => apart.Place(small with { Company = company }, FleetView.Attempts, Name(i)));
    // Of another size each time, so that it is found out anew.
    var barren = new Look(default, [.. fleet], flavors);
    Tell("nowhere, with the nearest change", size,
        i => barren.Place(small with { MemoryMib = 600_000 + i }, FleetView.Attempts, Name(i)));
    Tell("nowhere, as the one before", size,
        i => barren.Place(small with { MemoryMib = 600_000 }, FleetView.Attempts, Name(i)));
}

static string Name(int i) => "projects/p/servers/s" + i.ToString(CultureInfo.InvariantCulture);

static Candidate[] Fleet(int size)
{
    var dice = new Random(1);
    return [.. Enumerable.Range(0, size).Select(i =>
    {
        var servers = dice.Next(0, 40);
        var uid = new byte[16];
        dice.NextBytes(uid);
        return new Candidate(new Guid(uid), $"hv{i}", true, dice.Next(50) > 0, i % 2 == 0 ? "a" : "b", 512 - 2 * servers,
            524_288 - 2048L * servers, 20_000 - 20 * servers, 512, 524_288, 20_000) { Servers = servers };
    })];
}

static void Tell(string what, int hypervisors, Func<int, PlacementResult> decide)
{
    const int most = 20_000;
    var budget = TimeSpan.FromSeconds(3);
    // The runtime compiles what it has seen often a second time.
    var warm = Stopwatch.GetTimestamp();
    for (var i = 0; Stopwatch.GetElapsedTime(warm) < TimeSpan.FromSeconds(1) && i < most; i++) decide(-1 - i);
    var took = new List<double>(most);
    var began = Stopwatch.GetTimestamp();
    for (var i = 0; i < most && Stopwatch.GetElapsedTime(began) < budget; i++)
    {
        var at = Stopwatch.GetTimestamp();
        decide(i);
        took.Add(Stopwatch.GetElapsedTime(at).TotalMicroseconds);
    }
    var all = Stopwatch.GetElapsedTime(began);
    took.Sort();
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
        $"| {what} | {hypervisors:N0} | {took.Count / all.TotalSeconds:N0} | {took[took.Count / 2]:N1} µs | {took[took.Count * 99 / 100]:N1} µs |"));
}
