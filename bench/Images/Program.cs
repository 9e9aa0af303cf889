using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using Grpc.Net.Client;
using Microsoft.Extensions.Logging.Abstractions;
using Monolith.Agent;
using Monolith.Agent.Images;
using Monolith.Agent.Images.Peers;
using Monolith.Agent.Reconcile;
using Monolith.Agent.V1;
using Monolith.Images.Bench;

// Nodes that all want the same image at the same moment: the agent's own cache, reading, giving, TLS and tickets, and the
// host's own choice of sources; every machine's way out is as fast as --link says. With peers, then from the host alone.
// Prints a table in Markdown: figure, both ways, goal, verdict.
var (nodes, mib, link) = (200, 8, 20);
for (var i = 0; i + 1 < args.Length; i += 2)
{
    var value = int.Parse(args[i + 1], CultureInfo.InvariantCulture);
    switch (args[i])
    {
        case "--nodes": nodes = value; break;
        case "--image": mib = value; break;
        case "--link": link = value; break;
        default: throw new ArgumentException($"{args[i]} is not known: --nodes N, --image MIB, --link MIB-A-SECOND");
    }
}
ThreadPool.SetMinThreads(64, 64);
var blob = RandomNumberGenerator.GetBytes(mib << 20);
blob[0] = 0;
var image = new VmImage { Sha256 = Convert.ToHexStringLower(SHA256.HashData(blob)), SizeBytes = blob.Length, Format = "raw" };
using var authority = new Authority();

Console.Error.WriteLine($"{nodes} nodes, an image of {mib} MiB, links of {link} MiB a second");
var with = await RunAsync(peers: true);
var alone = await RunAsync(peers: false);

Console.WriteLine("| figure | with peers | host alone | goal | verdict |");
Console.WriteLine("|---|---|---|---|---|");
Tell("the host sent", with.HostBytes / 1048576.0, alone.HostBytes / 1048576.0, "MiB", 0.25);
Tell("nodes sent each other", with.PeerBytes / 1048576.0, alone.PeerBytes / 1048576.0, "MiB", null);
Tell("half of the nodes hold it after", with.Half.TotalSeconds, alone.Half.TotalSeconds, "s", null);
Tell("all nodes hold it after", with.All.TotalSeconds, alone.All.TotalSeconds, "s", 0.5);
Console.WriteLine();
Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
    $"{nodes} nodes, {mib} MiB, {link} MiB/s a link, {Environment.ProcessorCount} cores; with peers {with.Cpu.TotalSeconds:0.0} s of processor, alone {alone.Cpu.TotalSeconds:0.0} s."));
return with.HostBytes <= alone.HostBytes * 0.25 && with.All <= alone.All * 0.5 ? 0 : 1;

static void Tell(string what, double peers, double host, string unit, double? goal) => Console.WriteLine(string.Create(
    CultureInfo.InvariantCulture,
    $"| {what} | {peers:N1} {unit} | {host:N1} {unit} | {(goal is { } g ? $"<= {host * g:N1} {unit}" : "")} | {(goal is { } most ? peers <= host * most ? "met" : "MISSED" : "")} |"));

async Task<Outcome> RunAsync(bool peers)
{
    var scratch = Directory.CreateTempSubdirectory("monolith-images-bench-");
    using var counted = new Counted();
    var fleet = new List<Node>();
    try
    {
        var way = new Link(link << 20);
        await using var host = await Host.StartAsync(blob, authority, way, peers);
        for (var i = 0; i < nodes; i++)
        {
            var node = new Node($"hv{i:0000}", Path.Combine(scratch.FullName, i.ToString(CultureInfo.InvariantCulture)), host, authority,
                new Link(link << 20));
            fleet.Add(node);
            host.Sources.Connected(node.Name, node.Address);
        }
        var (began, cpu) = (Stopwatch.GetTimestamp(), Environment.CpuUsage.TotalTime);
        var took = new List<TimeSpan>();
        await Task.WhenAll(fleet.Select(async node =>
        {
            await Task.Yield();
            await node.FetchAsync(image);
            lock (took) took.Add(Stopwatch.GetElapsedTime(began));
        }));
        took.Sort();
        // Both ends count: what the host's wire saw, and what the agents say that they got.
        if (way.Sent != counted.Host) throw new InvalidOperationException($"the host sent {way.Sent} bytes, and agents count {counted.Host}");
        return new(way.Sent, counted.Peers, took[took.Count / 2], took[^1], Environment.CpuUsage.TotalTime - cpu);
    }
    finally
    {
        foreach (var node in fleet) await node.DisposeAsync();
        scratch.Delete(recursive: true);
    }
}

sealed record Outcome(long HostBytes, long PeerBytes, TimeSpan Half, TimeSpan All, TimeSpan Cpu);

/// <summary>Bytes of images by where they came from, as agents count them.</summary>
sealed class Counted : IDisposable
{
    readonly MeterListener listener = new();
    long host, peers;

    public Counted()
    {
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Meter.Name == AgentTelemetry.Name && instrument.Name == AgentTelemetry.ImageBytesName)
                self.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>((_, value, tags, _) =>
        {
            if ((string?)tags[0].Value == "host") Interlocked.Add(ref host, value);
            else Interlocked.Add(ref peers, value);
        });
        listener.Start();
    }

    public long Host => Interlocked.Read(ref host);

    public long Peers => Interlocked.Read(ref peers);

    public void Dispose() => listener.Dispose();
}

/// <summary>A hypervisor, as far as images are concerned.</summary>
sealed class Node : IAsyncDisposable
{
    readonly GrpcChannel channel;
    readonly PeerServer server;
    readonly Door door;
    readonly BlobImages images;

    public Node(string name, string directory, Host host, Authority authority, Link link)
    {
        Name = name;
        var identity = authority.Node(name);
        var cache = ImageCache.Open(directory, NullLogger.Instance);
        server = PeerServer.Start(cache, () => identity, new IPEndPoint(IPAddress.Loopback, 0), TimeProvider.System, NullLogger.Instance)!;
        door = new Door(server.Port, link);
        channel = host.Connect();
        var invoker = Host.As(channel, name);
        images = new BlobImages(cache, () => invoker, TimeProvider.System, () => identity);
    }

    public string Name { get; }

    public string Address => door.Address;

    public Task FetchAsync(VmImage image)
    {
        images.Keep([image]);
        return images.FetchAheadAsync(image, () => new HashSet<ImageDigest>(), null, default);
    }

    public async ValueTask DisposeAsync()
    {
        await server.DisposeAsync();
        await door.DisposeAsync();
        channel.Dispose();
    }
}
