using System.Diagnostics;
using Microsoft.Data.Sqlite;
using Monolith.Fleet.Figures;

namespace Monolith.Fleet.Steps;

/// <summary>
/// Somebody else holds the write lock of a module's database again and again, as a slow disk or a backup does, while
/// clients create servers.
/// </summary>
public sealed record SlowDatabaseStep : Step
{
    /// <summary>Whose: <c>compute</c>, <c>network</c>, <c>identity</c>, ….</summary>
    public string Module { get; init; } = "compute";

    /// <summary>How long it is held.</summary>
    public TimeSpan Hold { get; init; } = TimeSpan.FromMilliseconds(150);

    /// <summary>From one taking to the next.</summary>
    public TimeSpan Every { get; init; } = TimeSpan.FromMilliseconds(300);

    public TimeSpan For { get; init; } = TimeSpan.FromSeconds(20);

    public int Clients { get; init; } = 10;

    internal override IEnumerable<string> Violations
    {
        get
        {
            if (Module.Length == 0 || !Module.All(char.IsAsciiLetterLower))
                yield return $"module '{Module}' is no name";
            if (Hold <= TimeSpan.Zero) yield return "hold must be more than 0 s";
            if (Every <= Hold) yield return "every must be more than hold, or nothing is ever written";
            if (For <= TimeSpan.Zero) yield return "for must be more than 0 s";
            if (Clients < 1) yield return $"clients must be at least 1, and is {Clients}";
        }
    }

    internal override async Task RunAsync(Stage stage, CancellationToken cancel)
    {
        var path = Path.Combine(stage.Host.Data, Module + ".db");
        if (!File.Exists(path)) throw new InvalidOperationException(
            $"{Name}: there is no SQLite database of a module '{Module}' in the host's data directory.");
        Samples called = new(), ready = new(), held = new();
        var began = Stopwatch.GetTimestamp();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        // On a thread of its own: SQLite waits for the lock by sleeping.
        var holding = Task.Run(() => HoldAsync(path, held, stop.Token), cancel);
        await Clock.Of(stage, Name, ready).WhileAsync(Loop.RunAsync(Clients, async () =>
        {
            if (Stopwatch.GetElapsedTime(began) >= For) return false;
            await Loop.TryAsync(stage, () => stage.Population.CreateAsync(called, ready, cancel));
            return true;
        }));
        await stop.CancelAsync();
        await holding;
        stage.Board.Add(Name + ".held", held);
        stage.Board.Add(Name + ".call", called);
        stage.Board.Add(Name + ".ready", ready);
        stage.Board.Add(Name + ".rate", ready.Count / Stopwatch.GetElapsedTime(began).TotalSeconds, "/s");
    }

    async Task HoldAsync(string path, Samples held, CancellationToken stop)
    {
        await using var connection = new SqliteConnection(
            new SqliteConnectionStringBuilder { DataSource = path, Mode = SqliteOpenMode.ReadWrite, Pooling = false }
                .ToString());
        connection.Open();
        while (!stop.IsCancellationRequested)
        {
            Execute(connection, "BEGIN IMMEDIATE");
            var taken = Stopwatch.GetTimestamp();
            await Task.Delay(Hold, CancellationToken.None);
            Execute(connection, "ROLLBACK");
            held.Add(Stopwatch.GetElapsedTime(taken));
            await Task.Delay(Every - Hold, stop).ContinueWith(_ => { }, TaskScheduler.Default);
        }
    }

    static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
