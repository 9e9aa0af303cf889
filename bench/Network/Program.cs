using System.Diagnostics;
using System.Globalization;
using System.Net;
using Monolith.Agent.Network;
using Monolith.Agent.Tests.Lab;
using Monolith.Network.Bench;

// Packets of a guest through the agent's filters, and beside it in the same run through a kernel without any. The two take
// short turns, so that what else the machine does hits some of them and not their median. Then what a port costs. Prints
// tables in Markdown.
var turns = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 201;
var ports = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 200;
const int burst = 128, members = 1_000, warm = 20;
int[] marks = [11, 100, 200];
var row = 0;

await using var plain = await Pair.MakeAsync(filtered: false);
await using var ours = await Pair.MakeAsync(filtered: true);
Console.WriteLine($"Medians of {turns} turns of {burst} packets each, plain and filtered alternating.");
Console.WriteLine();
Console.WriteLine("| traffic | rules | plain | filtered | filtered / plain | lost |");
Console.WriteLine("|---|---|---|---|---|---|");
foreach (var (data, name) in new[] { (18, "one answered flow, 60-byte frames"), (1472, "one answered flow, 1,514-byte frames") })
{
    await RowAsync(name, "1", [new(RuleDirection.Egress)], [], data, answered: true);
}

foreach (var rules in new[] { 1, 20, 200 })
    await RowAsync("every packet a new flow", $"{rules}, the last one matches", Rules(rules), [], 18);
var set = new AddressSetPlan("many",
[
    .. Enumerable.Range(0, members - 256).Select(i => IPAddress.Parse($"10.66.{i / 250}.{(i % 250) + 1}")),
    .. Enumerable.Range(0, 256).Select(Sink),
]);
await RowAsync(
    "every packet a new flow", $"1, about a group of {members:N0}",
    [new(RuleDirection.Egress, RuleProtocol.Udp, Pair.Port, RemoteSetId: "many")], [set], 18);

var (planned, routed, before, after) = await new Ports().MeasureAsync(ports);
Console.WriteLine();
Console.WriteLine("| a port of 20 rules, with as many there | filtered and made | routed, its tap held |");
Console.WriteLine("|---|---|---|");
foreach (var at in marks.Where(a => a <= ports))
    Console.WriteLine($"| {(at == 11 ? 1 : at)} | {Ms(planned, at)} | {Ms(routed, at)} |");
Console.WriteLine();
Console.WriteLine(string.Create(
    CultureInfo.InvariantCulture,
    $"Memory of the process: {before.Rss / 1024.0:N1} MiB (Pss {before.Pss / 1024.0:N1}) with 1 port, "
    + $"{after.Rss / 1024.0:N1} MiB (Pss {after.Pss / 1024.0:N1}) with {ports}: "
    + $"{(after.Pss - before.Pss) / (double)Math.Max(1, ports - 1):N1} KiB a port."));

// A flow that was answered is known; else every packet is the first of its flow, to an address that no row before had.
async Task RowAsync(string traffic, string rules, IReadOnlyList<RuleSpec> specs, IReadOnlyCollection<AddressSetPlan> sets,
    int data, bool answered = false)
{
    await ours.RuleAsync(specs, sets);
    row++;
    var (known, frames) = (Frame(Sink(row), 5000, data), new byte[burst][]);
    foreach (var pair in new[] { plain, ours })
    {
        pair.Guest.SendWrapped(known);
        pair.Answer(new IPEndPoint(Pair.GuestAddress, 5000));
    }

    var before = plain.Arrived() + ours.Arrived();
    List<double> without = [], with = [];
    for (var turn = 0; turn < turns + warm; turn++)
    {
        for (var i = 0; i < burst; i++)
            frames[i] = answered ? known : Frame(Sink(row), 10_000 + (turn * burst) + i, data);
        var (one, other) = (Rate(plain, frames), Rate(ours, frames));
        if (turn < warm) continue;
        without.Add(one);
        with.Add(other);
    }

    var lost = 1 - ((plain.Arrived() + ours.Arrived() - before) / (2.0 * burst * (turns + warm)));
    Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"| {traffic} | {rules} | {Words(Middle(without), data)} | {Words(Middle(with), data)} "
        + $"| {Middle(with) / Middle(without):N2} | {Math.Max(0, lost):P1} |"));
}

static double Rate(Pair pair, byte[][] frames)
{
    var began = Stopwatch.GetTimestamp();
    foreach (var frame in frames) pair.Guest.SendWrapped(frame);
    return frames.Length / Stopwatch.GetElapsedTime(began).TotalSeconds;
}

static IPAddress Sink(int number) => IPAddress.Parse($"10.201.0.{number}");

static byte[] Frame(IPAddress to, int source, int length)
{
    var from = Pair.GuestAddress;
    return RawGuest.Wrap(Frames.Ethernet(
        Gateway.Mac, Pair.Mac,
        Frames.Ip(from, to, Frames.UdpProtocol, Frames.Udp(from, to, source, Pair.Port, new byte[length]))));
}

// Rules are in the order of their text: what does not match is before what does.
static List<RuleSpec> Rules(int count) =>
[
    .. Enumerable.Range(1, count - 1).Select(i => new RuleSpec(RuleDirection.Egress, RuleProtocol.Udp, 1000 + i)),
    new(RuleDirection.Egress, RuleProtocol.Udp, Pair.Port),
];

static double Middle(List<double> values) => values.Order().ElementAt(values.Count / 2);

// Ten ports, of which this is the last.
static string Ms(List<double> values, int at) =>
    string.Create(CultureInfo.InvariantCulture, $"{Middle(values[(at - 10)..at]):N1} ms");

static string Words(double rate, int data) => string.Create(
    CultureInfo.InvariantCulture,
    $"{rate / 1000:N0} k/s{(data > 1000 ? $", {rate * (data + 42) * 8 / 1e9:N2} Gbit/s" : "")}");
