using System.Collections.Concurrent;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Monolith.Api.V1;
using Monolith.Compute.V1;
using Monolith.Fleet.Figures;
using Monolith.Fleet.Load;

namespace Monolith.Fleet.Probing;

/// <summary>
/// <c>monolith-fleet probe</c>: asks the host as any client would, and measures each answer, for one round after the
/// other (<see cref="ProbeLines"/>). It is not warmed up: its first answers are left out (<see cref="Timekeeper"/>).
/// It ends when its input does, so that it never outlives its run, and at once with what nobody expects.
/// </summary>
internal sealed class Prober : IAsyncDisposable
{
    public const string Command = "probe";

    /// <summary>Of a question. What was not answered by then counts as having taken that long.</summary>
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(10);

    static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    sealed record Round(bool Asking)
    {
        public readonly Samples Gets = new(), Lists = new(), Watches = new();
        public int Refused;
    }

    // The watches have a connection of their own: nobody's call waits behind the changes that a hundred others are told.
    readonly Cloud cloud, watched;
    readonly Alive names = new();
    readonly Timekeeper times = new(TimeProvider.System);
    readonly CancellationTokenSource stop = new();
    readonly TaskCompletionSource failed = new();
    readonly CountdownEvent opening;
    readonly ConcurrentDictionary<string, Change> changes = new();
    readonly List<Task> running = [];
    readonly Lock gate = new();
    readonly HashSet<Task> calls = [];
    readonly ProbeShape shape;
    Round round = new(Asking: false);

    Prober(ProbeOrder order)
    {
        shape = order.Shape;
        (cloud, watched) = (new Cloud(order.Endpoint, order.Token), new Cloud(order.Endpoint, order.Token));
        opening = new CountdownEvent(shape.Watchers);
    }

    /// <summary>Serves one run.</summary>
    /// <exception cref="Exception">Whatever went wrong, but for calls that the host refused.</exception>
    public static async Task RunAsync(TextReader input, TextWriter output)
    {
        await using var prober = new Prober(ProbeLines.Read<ProbeOrder>(input.ReadLine()));
        // On a thread of its own, which waits for lines: reading them holds it up.
        var serving = Task.Factory.StartNew(() => prober.Serve(input, output), CancellationToken.None,
            TaskCreationOptions.LongRunning, TaskScheduler.Default);
        await await Task.WhenAny(serving, prober.failed.Task);
    }

    void Serve(TextReader input, TextWriter output)
    {
        Start();
        Say(ProbeLines.Ready);
        while (input.ReadLine() is { } line)
        {
            if (ProbeLines.NameIn(line) is { } name) names.Add(name);
            else if (line == ProbeLines.Went) names.TakeOldest();
            else if (line == ProbeLines.End) Say(ProbeLines.Write(EndAsync().GetAwaiter().GetResult()));
            else Turn(new Round(Asking: line == ProbeLines.Ask));
        }

        void Say(string line)
        {
            output.WriteLine(line);
            output.Flush();
        }
    }

    // A host that does not let watchers in holds nobody up for longer than a call.
    void Start()
    {
        for (var i = 0; i < shape.Watchers; i++)
        {
            var watcher = i;
            running.Add(GuardAsync(() => WatchAsync(watcher)));
        }
        opening.Wait(Deadline);
        if (shape.Watchers > 0) running.Add(GuardAsync(() => RepeatAsync(1, ChangeAsync)));
        if (shape.Gets > 0) running.Add(GuardAsync(() => RepeatAsync(shape.Gets, GetAnyAsync)));
        if (shape.Lists > 0) running.Add(GuardAsync(() => RepeatAsync(shape.Lists, ListAsync)));
    }

    /// <returns>The round that is over, and its calls that are not: no more will come.</returns>
    (Round Ended, Task[] Open) Turn(Round next)
    {
        lock (gate)
        {
            var ended = round;
            round = next;
            return (ended, [.. calls]);
        }
    }

    /// <summary>What the round found; its calls are waited for, and no more are made.</summary>
    async Task<ProbeAnswers> EndAsync()
    {
        var (ended, open) = Turn(new Round(Asking: false));
        await Task.WhenAll(open);
        if (failed.Task.IsFaulted) await failed.Task;
        return new ProbeAnswers(ended.Gets.Milliseconds, ended.Lists.Milliseconds, ended.Watches.Milliseconds,
            Volatile.Read(ref ended.Refused));
    }

    // Open loop: a slow answer does not make the next question later.
    async Task RepeatAsync(double perSecond, Func<Round, Task> act)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1 / perSecond));
        while (await timer.WaitForNextTickAsync(stop.Token))
            lock (gate)
            {
                var now = round;
                if (!now.Asking) continue;
                calls.RemoveWhere(c => c.IsCompleted);
                calls.Add(GuardAsync(() => OneAsync(act, now)));
            }
    }

    // What nobody expects ends the process, and with it the run, which says the cause.
    async Task GuardAsync(Func<Task> act)
    {
        await Task.Yield();
        try
        {
            await act();
        }
        catch (Exception e) when (!stop.IsCancellationRequested)
        {
            failed.TrySetException(e);
        }
        catch (Exception e) when (e is RpcException or OperationCanceledException)
        {
            // It ends.
        }
    }

    static async Task OneAsync(Func<Round, Task> act, Round asked)
    {
        try
        {
            await act(asked);
        }
        catch (RpcException)
        {
            Interlocked.Increment(ref asked.Refused);
        }
    }

    // What was not answered within the deadline took that long at least: a slow host does not look quick because its
    // slowest answers were not waited for.
    async Task TimedAsync<T>(Samples samples, AsyncUnaryCall<T> call, long asked, Func<T, string> sort)
    {
        try
        {
            times.Answered(samples, sort(await call), asked);
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.DeadlineExceeded)
        {
            samples.Add(Deadline);
            throw;
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.NotFound)
        {
            // It was deleted meanwhile; that is an answer.
            times.Answered(samples, "none", asked);
        }
    }

    async Task GetAnyAsync(Round asked)
    {
        if (names.Any(Random.Shared) is not { } name) return;
        var began = times.Clock.GetTimestamp();
        var call = cloud.Servers.GetServerAsync(new() { Name = name }, cloud.OptionsWithin(Deadline, stop.Token));
        await TimedAsync(asked.Gets, call, began, _ => "server");
    }

    async Task ListAsync(Round asked)
    {
        var began = times.Clock.GetTimestamp();
        var request = new ListServersRequest { Parent = "projects/-", PageSize = 100 };
        var call = cloud.Servers.ListServersAsync(request, cloud.OptionsWithin(Deadline, stop.Token));
        await TimedAsync(asked.Lists, call, began, page => page.Servers.Count > 0 ? "list" : "empty list");
    }

    async Task ChangeAsync(Round asked)
    {
        if (names.FirstOf(InWatched) is not { } name) return;
        var change = new Change(times, asked.Watches, shape.Watchers);
        changes[change.Mark] = change;
        try
        {
            await cloud.Servers.UpdateServerAsync(new UpdateServerRequest
            {
                Server = new Server { Name = name, DisplayName = change.Mark },
                UpdateMask = new FieldMask { Paths = { "display_name" } },
            }, cloud.OptionsWithin(Deadline, stop.Token));
            await change.EndAsync(Deadline);
        }
        finally
        {
            changes.TryRemove(change.Mark, out _);
        }
    }

    static bool InWatched(string name) => name.StartsWith(Cloud.ProjectOf(0) + "/", StringComparison.Ordinal);

    Task WatchAsync(int watcher)
    {
        var open = false;
        return watched.FollowServersAsync(Cloud.ProjectOf(0), On, Pause, stop.Token);

        void On(WatchServersResponse message)
        {
            if (message.Change == ChangeType.InSync && !open)
            {
                open = true;
                opening.Signal();
            }
            if (message.Server is { } server && changes.TryGetValue(server.DisplayName, out var change))
                change.Tell(watcher);
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
