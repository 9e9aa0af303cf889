using System.Diagnostics;
using Monolith.Fleet.Figures;
using Monolith.Fleet.Nodes;

namespace Monolith.Fleet.Hosts;

/// <summary>All that has been used until a moment, to tell what a step used. Immutable.</summary>
/// <param name="Host">Null while it is not running.</param>
/// <param name="Fleet">The emulated nodes and all clients, the prober too.</param>
/// <param name="Counters">Null when the host does not tell.</param>
/// <param name="Messages">Between all agents and the host.</param>
/// <param name="Busy">Processor time of the whole machine, such as of a database server.</param>
internal sealed record Spent(
    long At, ProcessUse? Host, ProcessUse Fleet, HostMetrics? Counters, long Messages, TimeSpan Busy)
{
    /// <summary>Bytes of images that nodes fetched, from the host and from each other.</summary>
    public (long Host, long Peers) Images { get; init; }

    /// <param name="prober">Null: nobody probes.</param>
    public static async Task<Spent> NowAsync(HostProcess host, int? prober, MessageCount messages, ImageCount images,
        CancellationToken cancel)
    {
        var counters = await HostMetrics.OfAsync(host.Metrics, cancel);
        return new Spent(
            Stopwatch.GetTimestamp(), ProcessUse.Find(host.Pid),
            ProcessUse.Of(Environment.ProcessId).With(ProcessUse.Find(prober)), counters, messages.Value, Machine.Busy())
        {
            Images = images.Value,
        };
    }

    /// <summary>Adds what was used since <paramref name="before"/>, and what each server took of it.</summary>
    /// <param name="servers">That became READY meanwhile; 0 for steps that make none.</param>
    public void Add(Board board, string step, Spent before, double servers)
    {
        var seconds = Stopwatch.GetElapsedTime(before.At, At).TotalSeconds;
        board.Add(step + ".took", seconds * 1000, "ms");
        board.Add(step + ".fleet_cores", (Fleet.Processor - before.Fleet.Processor).TotalSeconds / seconds);
        board.Add(step + ".fleet_memory", Fleet.Bytes / 1048576.0, "MiB");
        if (Images != before.Images)
        {
            board.Add(step + ".images_from_host", (Images.Host - before.Images.Host) / 1048576.0, "MiB");
            board.Add(step + ".images_from_peers", (Images.Peers - before.Images.Peers) / 1048576.0, "MiB");
        }
        if (servers > 0)
        {
            board.Add(step + ".messages_per_server", (Messages - before.Messages) / servers);
            board.Add(step + ".fleet_cpu_per_server", Milliseconds(Fleet.Processor - before.Fleet.Processor), "ms");
            board.Add(step + ".machine_cpu_per_server", Milliseconds(Busy - before.Busy), "ms");
        }
        // A host that was started anew counts from nothing: then there is nothing to compare.
        if (servers > 0 && Counters is not null && before.Counters is not null
            && Counters.Since(before.Counters) is { Transactions: >= 0, RoundTrips: >= 0 } spent)
        {
            board.Add(step + ".round_trips_per_server", spent.RoundTrips / servers);
            board.Add(step + ".transactions_per_server", spent.Transactions / servers);
            board.Add(step + ".writes_per_server", spent.Writes / servers);
        }
        if (before.Host is null || Host is null || Host.Processor < before.Host.Processor) return;
        var used = Host.Processor - before.Host.Processor;
        board.Add(step + ".cores", used.TotalSeconds / seconds);
        if (servers > 0) board.Add(step + ".cpu_per_server", Milliseconds(used), "ms");
        board.Add(step + ".memory", Host.Bytes / 1048576.0, "MiB");

        double Milliseconds(TimeSpan time) => time.TotalMilliseconds / servers;
    }
}
