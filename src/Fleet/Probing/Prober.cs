using System.Diagnostics;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Monolith.Api.V1;
using Monolith.Compute.V1;
using Monolith.Fleet.Figures;

namespace Monolith.Fleet.Load;

/// <summary>Calls that go on beside every step, to see what the step does to them. Immutable.</summary>
public sealed record ProbeShape
{
    /// <summary>GetServer, a second.</summary>
    public double Gets { get; init; }

    /// <summary>ListServers of all projects, a page of 100, a second.</summary>
    public double Lists { get; init; }

    /// <summary>Watches of one project, in which a server is changed once a second.</summary>
    public int Watchers { get; init; }
}

/// <summary>Measures them, for each step anew.</summary>
internal sealed class Probes : IAsyncDisposable
{
    sealed record Round(Samples Gets, Samples Lists, Samples Watches)
    {
        public int Refused;
    }

    static readonly TimeSpan Deadline = TimeSpan.FromSeconds(10);
    readonly Cloud cloud;
    readonly Population population;
    readonly CancellationTokenSource stop = new();
    readonly List<Task> running = [];
    volatile Round round = NewRound();
    volatile string changed = "";
    volatile bool asking;
    long changedAt;

    public Probes(ProbeShape shape, Cloud cloud, Population population)
    {
        (this.cloud, this.population) = (cloud, population);
        if (shape.Gets > 0) running.Add(RepeatAsync(shape.Gets, GetAsync));
        if (shape.Lists > 0) running.Add(RepeatAsync(shape.Lists, ListAsync));
        if (shape.Watchers == 0) return;
        for (var i = 0; i < shape.Watchers; i++) running.Add(WatchAsync());
        running.Add(RepeatAsync(1, ChangeAsync));
    }

    /// <param name="asking">False: nobody asks until the next one; the watches stay open.</param>
    public void Begin(bool asking)
    {
        this.asking = asking;
        round = NewRound();
    }

    public void End(string step, Board board)
    {
        board.Add(step + ".get", round.Gets);
        board.Add(step + ".list", round.Lists);
        board.Add(step + ".watch", round.Watches);
        if (round.Gets.Count + round.Lists.Count + round.Refused > 0) board.Add(step + ".probes_refused", round.Refused);
    }

    static Round NewRound() => new(new(), new(), new());

    // Open loop: a slow answer does not make the next question later.
    async Task RepeatAsync(double perSecond, Func<Round, Task> act)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1 / perSecond));
        var acts = new List<Task>();
        try
        {
            while (await timer.WaitForNextTickAsync(stop.Token))
            {
                if (!asking) continue;
                acts.RemoveAll(a => a.IsCompleted);
                acts.Add(OneAsync(act, round));
            }
        }
        catch (OperationCanceledException)
        {
            await Task.WhenAll(acts);
        }
    }

    // What was not answered within the deadline took that long at least: a slow host does not look quick because its
    // slowest answers were not waited for.
    static async Task TimedAsync(Samples samples, Func<Task> call)
    {
        var began = Stopwatch.GetTimestamp();
        try
        {
            await call();
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.DeadlineExceeded)
        {
            samples.Add(Deadline);
            throw;
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.NotFound)
        {
            // It was deleted meanwhile; that is an answer.
        }
        samples.Add(Stopwatch.GetElapsedTime(began));
    }

    async Task OneAsync(Func<Round, Task> act, Round round)
    {
        await Task.Yield();
        try
        {
            await act(round);
        }
        catch (Exception e) when (e is RpcException or OperationCanceledException)
        {
            if (!stop.IsCancellationRequested) Interlocked.Increment(ref round.Refused);
        }
    }

    async Task GetAsync(Round round)
    {
        if (population.Names.Any(Random.Shared) is not { } name) return;
        var request = new GetServerRequest { Name = name };
        await TimedAsync(round.Gets,
            async () => await cloud.Servers.GetServerAsync(request, cloud.OptionsWithin(Deadline, stop.Token)));
    }

    async Task ListAsync(Round round)
    {
        var request = new ListServersRequest { Parent = "projects/-", PageSize = 100 };
        await TimedAsync(round.Lists,
            async () => await cloud.Servers.ListServersAsync(request, cloud.OptionsWithin(Deadline, stop.Token)));
    }

    async Task ChangeAsync(Round round)
    {
        if (population.Names.FirstOf(InWatched) is not { } name) return;
        var mark = Guid.NewGuid().ToString("N");
        Volatile.Write(ref changedAt, Stopwatch.GetTimestamp());
        changed = mark;
        await cloud.Servers.UpdateServerAsync(new UpdateServerRequest
        {
            Server = new Server { Name = name, DisplayName = mark },
            UpdateMask = new FieldMask { Paths = { "display_name" } },
        }, cloud.OptionsWithin(Deadline, stop.Token));
    }

    static bool InWatched(string name) => name.StartsWith(Cloud.ProjectOf(0) + "/", StringComparison.Ordinal);

    async Task WatchAsync()
    {
        var seen = "";
        while (!stop.IsCancellationRequested)
        {
            try
            {
                using var call = cloud.Servers.WatchServers(
                    new WatchServersRequest { Parent = Cloud.ProjectOf(0) }, cloud.Options(stop.Token));
                await foreach (var message in call.ResponseStream.ReadAllAsync(stop.Token))
                {
                    if (message.Change != ChangeType.Modified || message.Server.DisplayName != changed) continue;
                    if (seen == changed) continue;
                    seen = changed;
                    round.Watches.Add(Stopwatch.GetElapsedTime(Volatile.Read(ref changedAt)));
                }
            }
            catch (Exception e) when (e is RpcException or OperationCanceledException)
            {
                if (!stop.IsCancellationRequested) await Task.Delay(TimeSpan.FromMilliseconds(200));
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await Task.WhenAll(running);
        stop.Dispose();
    }
}
