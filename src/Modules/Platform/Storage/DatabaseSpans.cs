using System.Data.Common;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.EntityFrameworkCore.Diagnostics;

namespace Monolith.Platform.Storage;

/// <summary>
/// A span and a duration for what a module asks of its database, the same on either provider, as OpenTelemetry's
/// conventions for database clients have them (https://opentelemetry.io/docs/specs/semconv/db/). Neither has the text
/// of a command or its parameters. A span is made once its command has ended, and only inside a trace that is listened
/// to: one that has no request above it tells nothing.
/// <code>
///   request ─▶ store.write ─┬▶ store.wait   until the writer has come to it
///                           ├▶ INSERT …     its own commands
///                           └▶ COMMIT       shared; each links to that of the first write in the transaction
/// </code>
/// The time of a query is until its first row is there.
/// </summary>
internal sealed class DatabaseSpans(string module, bool isPostgres) : DbCommandInterceptor
{
    public static readonly ActivitySource Activities = new("Monolith.Platform");

    static readonly Meter Meter = new("Monolith.Platform");
    static readonly Histogram<double> Durations = Meter.CreateHistogram<double>("db.client.operation.duration", "s",
        "Duration of database client operations.", advice: new InstrumentAdvice<double>
        {
            HistogramBucketBoundaries = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10],
        });

    readonly string system = isPostgres ? "postgresql" : "sqlite";

    /// <summary>From when a write was put into the queue until now, when its turn has come.</summary>
    public void Waited(Activity? write, DateTimeOffset since)
    {
        if (write is null || !Activities.HasListeners()) return;
        using var span = Activities.StartActivity(ActivityKind.Internal, write.Context, null, null, since,
            "store.wait " + module);
    }

    /// <summary>A commit has ended that these writes shared.</summary>
    public void Committed(IEnumerable<Activity?> writes, int count, DateTimeOffset start, TimeSpan took, Exception? error)
    {
        Record(new("COMMIT", null), took, error);
        if (!Activities.HasListeners()) return;
        ActivityLink[]? first = null;
        foreach (var write in writes)
        {
            if (write is null) continue;
            using var span = Start(write.Context, new("COMMIT", null), start, first);
            if (span is null) continue;
            span.SetTag("monolith.store.batch.size", count);
            End(span, start + took, error);
            first ??= [new ActivityLink(span.Context)];
        }
    }

    /// <summary>Runs a command that is not EF's.</summary>
    public async Task RunAsync(DbCommand command, DbTransaction transaction)
    {
        command.Transaction = transaction;
        var (start, started) = (TimeProvider.System.GetUtcNow(), Stopwatch.GetTimestamp());
        Exception? error = null;
        try
        {
            await command.ExecuteNonQueryAsync();
        }
        catch (Exception e)
        {
            error = e;
            throw;
        }
        finally
        {
            Ended(command, start, Stopwatch.GetElapsedTime(started), error);
        }
    }

    public override ValueTask<DbDataReader> ReaderExecutedAsync(DbCommand command, CommandExecutedEventData data,
        DbDataReader result, CancellationToken cancel = default)
    {
        Ended(command, data.StartTime, data.Duration, null);
        return new(result);
    }

    public override ValueTask<object?> ScalarExecutedAsync(DbCommand command, CommandExecutedEventData data,
        object? result, CancellationToken cancel = default)
    {
        Ended(command, data.StartTime, data.Duration, null);
        return new(result);
    }

    public override ValueTask<int> NonQueryExecutedAsync(DbCommand command, CommandExecutedEventData data, int result,
        CancellationToken cancel = default)
    {
        Ended(command, data.StartTime, data.Duration, null);
        return new(result);
    }

    public override Task CommandFailedAsync(DbCommand command, CommandErrorEventData data,
        CancellationToken cancel = default)
    {
        Ended(command, data.StartTime, data.Duration, data.Exception);
        return Task.CompletedTask;
    }

    void Ended(DbCommand command, DateTimeOffset start, TimeSpan took, Exception? error)
    {
        var parent = Activities.HasListeners() ? Activity.Current : null;
        if (parent is null && !Durations.Enabled) return;
        var statement = Statement.Of(command.CommandText);
        Record(statement, took, error);
        if (parent is null) return;
        using var span = Start(parent.Context, statement, start, null);
        if (span is not null) End(span, start + took, error);
    }

    Activity? Start(ActivityContext parent, Statement statement, DateTimeOffset start, ActivityLink[]? links)
    {
        return Activities.StartActivity(ActivityKind.Client, parent, Tags(statement), links, start,
            $"{statement.Operation} {statement.Table ?? module}");
    }

    static void End(Activity span, DateTimeOffset end, Exception? error)
    {
        if (error is not null)
        {
            span.SetTag("error.type", TypeOf(error));
            if (error is DbException { SqlState: { } state }) span.SetTag("db.response.status_code", state);
            span.SetStatus(ActivityStatusCode.Error);
        }
        span.SetEndTime(end.UtcDateTime);
    }

    void Record(Statement statement, TimeSpan took, Exception? error)
    {
        if (!Durations.Enabled) return;
        var tags = Tags(statement);
        if (error is not null) tags.Add("error.type", TypeOf(error));
        Durations.Record(took.TotalSeconds, tags);
    }

    TagList Tags(Statement statement)
    {
        var tags = new TagList
        {
            { "db.system.name", system },
            { "db.namespace", module },
            { "db.operation.name", statement.Operation },
        };
        if (statement.Table is { } table) tags.Add("db.collection.name", table);
        return tags;
    }

    static string TypeOf(Exception error) =>
        error is DbException { SqlState: { } state } ? state : error.GetType().FullName!;
}

/// <summary>What a command does and to which table, of the words in which EF writes SQL. Pure.</summary>
internal readonly record struct Statement(string Operation, string? Table)
{
    public static Statement Of(string sql)
    {
        var text = sql.AsSpan().TrimStart();
        // A tag or a setting before the statement itself.
        while (text.StartsWith("--") && text.IndexOf('\n') is > 0 and var line) text = text[(line + 1)..].TrimStart();
        if (text.StartsWith("SELECT")) return new("SELECT", TableAfter(text, "\nFROM "));
        // Several changes of one save go together, and are of no one table.
        if (text.IndexOf(";\n") is >= 0 and var end && !text[(end + 2)..].Trim().IsEmpty) return new("BATCH", null);
        if (text.StartsWith("INSERT")) return new("INSERT", TableAfter(text, "INTO "));
        if (text.StartsWith("UPDATE")) return new("UPDATE", TableAfter(text, "UPDATE "));
        if (text.StartsWith("DELETE")) return new("DELETE", TableAfter(text, "FROM "));
        return new("OTHER", null);
    }

    /// <summary>The last part of <c>"servers"</c> or <c>compute.servers</c>; null for a subquery.</summary>
    static string? TableAfter(ReadOnlySpan<char> text, string word)
    {
        var at = text.IndexOf(word);
        if (at < 0) return null;
        var rest = text[(at + word.Length)..];
        var end = rest.IndexOfAny(" \r\n(;");
        if (end >= 0) rest = rest[..end];
        rest = rest[(rest.LastIndexOf('.') + 1)..].Trim('"');
        return rest.IsEmpty ? null : rest.ToString();
    }
}
