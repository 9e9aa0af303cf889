using System.Diagnostics;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Monolith.Api.V1;
using Monolith.Compute.V1;
using Monolith.Fleet.Figures;
using Monolith.Fleet.Load;

namespace Monolith.Fleet.Probing;

/// <summary>
/// <c>monolith-fleet probe</c>: asks the host as any client would, and measures each answer, for one round after the other
/// (<see cref="ProbeLines"/>). It ends when its input does, so that it never outlives its run.
/// </summary>
internal sealed class Prober : IAsyncDisposable
{
    public const string Command = "probe";

    /// <summary>Of a call. What was not answered by then counts as having taken that long.</summary>
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(10);

    // Until a call's way through this process is compiled.
    const int WarmCalls = 60;

    sealed record Round(bool Asking)
    {
        public readonly Samples Gets = new(), Lists = new(), Watches = new();
        public int Refused;
    }

    // The watches have a connection of their own: nobody's call waits behind the changes that a hundred others are told.
    readonly Cloud cloud, watched;
    readonly Alive names = new();
    readonly CancellationTokenSource stop = new();
    readonly List<Task> running = [];
    readonly Lock gate = new();
    readonly HashSet<Task> calls = [];
    readonly ProbeShape shape;
    volatile Round round = new(Asking: false);
    volatile string changed = "";
    long changedAt;

    Prober(ProbeOrder order)
    {
        shape = order.Shape;
        (cloud, watched) = (new Cloud(order.Endpoint, order.Token), new Cloud(order.Endpoint, order.Token));
    }

    /// <summary>Serves one run. On a thread of its own, which waits for lines: reading them holds it up.</summary>
    public static Task RunAsync(TextReader input, TextWriter output) => Task.Factory.StartNew(
        () => Serve(input, output), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    static void Serve(TextReader input, TextWriter output)
    {
        var prober = new Prober(ProbeLines.Read<ProbeOrder>(input.ReadLine()));
        prober.StartAsync().GetAwaiter().GetResult();
        Say(ProbeLines.Ready);
        while (input.ReadLine() is { } line)
        {
            if (ProbeLines.NameIn(line) is { } name) prober.names.Add(name);
            else if (line == ProbeLines.Went) prober.names.TakeOldest();
            else if (line == ProbeLines.End) Say(ProbeLines.Write(prober.EndAsync().GetAwaiter().GetResult()));
            else prober.round = new Round(Asking: line == ProbeLines.Ask);
        }
        prober.DisposeAsync().AsTask().GetAwaiter().GetResult();

        void Say(string line)
        {
            output.WriteLine(line);
            output.Flush();
        }
    }

    async Task StartAsync()
    {
        if (shape is { Gets: <= 0, Lists: <= 0, Watchers: <= 0 }) return;
        var dropped = new Round(Asking: true);
        for (var i = 0; i < WarmCalls; i++)
        {
            await OneAsync(r => GetAsync(Cloud.ProjectOf(0) + "/servers/none", r), dropped);
            await OneAsync(ListAsync, dropped);
        }
        for (var i = 0; i < shape.Watchers; i++) running.Add(WatchAsync());
        if (shape.Watchers > 0) running.Add(RepeatAsync(1, ChangeAsync));
        if (shape.Gets > 0) running.Add(RepeatAsync(shape.Gets, GetAnyAsync));
        if (shape.Lists > 0) running.Add(RepeatAsync(shape.Lists, ListAsync));
    }

    /// <summary>What the round found; it waits for the round's calls, and no more are made.</summary>
    async Task<ProbeAnswers> EndAsync()
    {
        var ended = round;
        round = new Round(Asking: false);
        Task[] open;
        lock (gate) open = [.. calls];
        await Task.WhenAll(open);
        return new ProbeAnswers(
            ended.Gets.Milliseconds, ended.Lists.Milliseconds, ended.Watches.Milliseconds, Volatile.Read(ref ended.Refused));
    }

    // Open loop: a slow answer does not make the next question later.
    async Task RepeatAsync(double perSecond, Func<Round, Task> act)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1 / perSecond));
        try
        {
            while (await timer.WaitForNextTickAsync(stop.Token))
            {
                var now = round;
                if (!now.Asking) continue;
                lock (gate)
                {
                    calls.RemoveWhere(c => c.IsCompleted);
                    calls.Add(OneAsync(act, now));
                }
            }
        }
        catch (OperationCanceledException)
        {
            // It ends.
        }
    }

    // What was not answered within the deadline took that long at least: a slow host does not look quick because its
    // slowest answers were not waited for.
    static async Task TimedAsync(Samples samples, Task call, long began)
    {
        try
        {
            await call;
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

    async Task OneAsync(Func<Round, Task> act, Round asked)
    {
        await Task.Yield();
        try
        {
            await act(asked);
        }
        catch (Exception e) when (e is RpcException or OperationCanceledException)
        {
            if (!stop.IsCancellationRequested) Interlocked.Increment(ref asked.Refused);
        }
    }

    Task GetAnyAsync(Round asked) =>
        names.Any(Random.Shared) is { } name ? GetAsync(name, asked) : Task.CompletedTask;

    async Task GetAsync(string name, Round asked)
    {
        var began = Stopwatch.GetTimestamp();
        var call = cloud.Servers.GetServerAsync(new() { Name = name }, cloud.OptionsWithin(Deadline, stop.Token));
        await TimedAsync(asked.Gets, call.ResponseAsync, began);
    }

    async Task ListAsync(Round asked)
    {
        var began = Stopwatch.GetTimestamp();
        var request = new ListServersRequest { Parent = "projects/-", PageSize = 100 };
        var call = cloud.Servers.ListServersAsync(request, cloud.OptionsWithin(Deadline, stop.Token));
        await TimedAsync(asked.Lists, call.ResponseAsync, began);
    }

    async Task ChangeAsync(Round asked)
    {
        if (names.FirstOf(InWatched) is not { } name) return;
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
                using var call = watched.Servers.WatchServers(
                    new WatchServersRequest { Parent = Cloud.ProjectOf(0) }, watched.Options(stop.Token));
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
        cloud.Dispose();
        watched.Dispose();
        stop.Dispose();
    }
}
