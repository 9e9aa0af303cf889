using System.Diagnostics;
using System.Globalization;
using Microsoft.EntityFrameworkCore;
using Monolith.Ipdb.Bench;
using Monolith.Network.Addresses;

// Allocations alone, on a database of their own: a million addresses, held in one of three ways, and who takes the next
// by what way. Callers share commits, as they do in a host. Prints a table in Markdown.
var size = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 1_000_000;
var allocations = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 2_000;
const int callers = 32;
var budget = TimeSpan.FromSeconds(15);
string[] databases = Environment.GetEnvironmentVariable("MONOLITH_TEST_POSTGRES") is { Length: > 0 }
    ? ["sqlite", "postgres"]
    : ["sqlite"];

Console.WriteLine($"{callers} callers at once; at most {allocations:N0} allocations or {budget.TotalSeconds:N0} s each.");
Console.WriteLine();
Console.WriteLine("| pool | way | database | allocations a second | p50 | p99 |");
Console.WriteLine("|---|---|---|---|---|---|");
foreach (var database in databases)
    foreach (var fill in Enum.GetValues<Fill>())
        foreach (var way in Enum.GetValues<Way>())
        {
            await using var pool = await BenchPool.MakeAsync(database, fill, size);
            // What is compiled and prepared is the same for all of them. A scan's round can take a minute: one is enough.
            if (way != Way.Scan) await RunAsync(pool, way, 100, TimeSpan.FromSeconds(5));
            var took = new List<double>();
            var began = Stopwatch.GetTimestamp();
            took.AddRange(await RunAsync(pool, way, allocations, budget));
            var all = Stopwatch.GetElapsedTime(began);
            took.Sort();
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"| {Words.Of(fill, size)} | {Words.Of(way)} | {database} | {took.Count / all.TotalSeconds:N0} "
                + $"| {took[took.Count / 2]:N1} ms | {took[took.Count * 99 / 100]:N1} ms |"));
        }

static async Task<List<double>> RunAsync(BenchPool pool, Way way, int most, TimeSpan budget)
{
    var left = most;
    var began = Stopwatch.GetTimestamp();
    var times = await Task.WhenAll(Enumerable.Range(0, callers).Select(_ => Task.Run(async () =>
    {
        var took = new List<double>();
        while (Interlocked.Decrement(ref left) >= 0 && Stopwatch.GetElapsedTime(began) < budget)
        {
            var at = Stopwatch.GetTimestamp();
            await pool.AllocateAsync(way);
            took.Add(Stopwatch.GetElapsedTime(at).TotalMilliseconds);
        }
        return took;
    })));
    return [.. times.SelectMany(t => t)];
}
