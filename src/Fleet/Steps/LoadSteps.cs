using System.Diagnostics;
using Monolith.Fleet.Figures;
using Monolith.Fleet.Load;

namespace Monolith.Fleet.Steps;

/// <summary>Clients that create one server after the other, each waiting until its own is READY (closed loop).</summary>
public sealed record CreateStep : Step
{
    public int Servers { get; init; } = 1000;

    public int Clients { get; init; } = 50;

    /// <summary>No server is begun after that time: a run ends on a slow machine too. Zero: no end.</summary>
    public TimeSpan Within { get; init; }

    internal override IEnumerable<string> Violations
    {
        get
        {
            if (Servers < 1) yield return $"servers must be at least 1, and is {Servers}";
            if (Clients < 1) yield return $"clients must be at least 1, and is {Clients}";
            if (Within < TimeSpan.Zero) yield return "within must not be less than 0 s";
        }
    }

    internal override async Task RunAsync(Stage stage, CancellationToken cancel)
    {
        Samples called = new(), ready = new();
        var left = Servers;
        var began = Stopwatch.GetTimestamp();
        await Clock.Of(stage, Name, ready, Servers).WhileAsync(Loop.RunAsync(Clients, async () =>
        {
            if (Within > TimeSpan.Zero && Stopwatch.GetElapsedTime(began) > Within) return false;
            if (Interlocked.Decrement(ref left) < 0) return false;
            await Loop.TryAsync(stage, () => stage.Population.CreateAsync(called, ready, cancel));
            return true;
        }));
        stage.Board.Add(Name + ".call", called);
        stage.Board.Add(Name + ".ready", ready);
        stage.Board.Add(Name + ".rate", ready.Count / Stopwatch.GetElapsedTime(began).TotalSeconds, "/s");
        stage.Board.Add(Name + ".not_begun", Math.Max(0, Volatile.Read(ref left)));
    }
}

/// <summary>Clients that each create a server and delete the oldest one, over and over.</summary>
public sealed record ChurnStep : Step
{
    public TimeSpan For { get; init; } = TimeSpan.FromSeconds(60);

    public int Clients { get; init; } = 50;

    internal override async Task RunAsync(Stage stage, CancellationToken cancel)
    {
        Samples called = new(), ready = new(), gone = new();
        var began = Stopwatch.GetTimestamp();
        await Clock.Of(stage, Name, ready, null).WhileAsync(Loop.RunAsync(Clients, async () =>
        {
            if (Stopwatch.GetElapsedTime(began) >= For) return false;
            await Loop.TryAsync(stage, () => stage.Population.CreateAsync(called, ready, cancel));
            await Loop.TryAsync(stage, () => stage.Population.DeleteAsync(gone, cancel));
            return true;
        }));
        stage.Board.Add(Name + ".ready", ready);
        stage.Board.Add(Name + ".gone", gone);
        stage.Board.Add(Name + ".rate", ready.Count / Stopwatch.GetElapsedTime(began).TotalSeconds, "/s");
    }
}

/// <summary>Deletes every server.</summary>
public sealed record DeleteStep : Step
{
    public int Clients { get; init; } = 50;

    internal override async Task RunAsync(Stage stage, CancellationToken cancel)
    {
        var gone = new Samples();
        var began = Stopwatch.GetTimestamp();
        await Clock.Of(stage, Name, gone, stage.Population.Count).WhileAsync(Loop.RunAsync(Clients, async () =>
        {
            if (stage.Population.Count == 0) return false;
            await Loop.TryAsync(stage, () => stage.Population.DeleteAsync(gone, cancel));
            return true;
        }));
        stage.Board.Add(Name + ".gone", gone);
        stage.Board.Add(Name + ".rate", gone.Count / Stopwatch.GetElapsedTime(began).TotalSeconds, "/s");
    }
}

internal static class Loop
{
    public static Task RunAsync(int clients, Func<Task<bool>> act) =>
        Task.WhenAll(Enumerable.Range(0, clients).Select(async _ =>
        {
            await Task.Yield();
            while (await act())
            {
            }
        }));

    public static async Task TryAsync(Stage stage, Func<Task> act)
    {
        try
        {
            await act();
        }
        catch (FailedServerException e)
        {
            stage.Failings.Add(e.Message);
        }
    }
}
