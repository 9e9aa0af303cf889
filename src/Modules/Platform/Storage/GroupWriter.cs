using System.Data.Common;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Threading.Channels;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage;
using Microsoft.Extensions.Logging;
using Monolith.Platform.Calls;
using Monolith.Platform.Events;
using Monolith.Platform.Faults;
using Monolith.Platform.Quotas;

namespace Monolith.Platform.Storage;

/// <summary>The one writer of a module's database; see <see cref="Store{TDb}"/>.</summary>
internal sealed partial class GroupWriter<TDb>(Database database, Func<DbContextOptions, TDb> create, EventFeed feed,
    TimeProvider time, ILogger log, IOpenProjects? projects, QuotaClaims<TDb>? claims) : IAsyncDisposable where TDb : ModuleDb
{
    const int MaxBatch = 128;
    const int MaxQueued = 4096;
    const int MaxRaces = 5;

    static readonly Meter Meter = new("Monolith.Platform");
    static readonly Histogram<int> BatchSize = Meter.CreateHistogram<int>("monolith.store.batch.size", "{write}",
        "Writes that shared a commit.");
    static readonly Histogram<double> CommitTime = Meter.CreateHistogram<double>("monolith.store.commit.duration", "s",
        "Time of a commit, flush included.");

    readonly Channel<Work> queue = Channel.CreateBounded<Work>(new BoundedChannelOptions(MaxQueued)
    {
        SingleReader = true,
        FullMode = BoundedChannelFullMode.Wait,
    });

    DbConnection? connection;
    DbContextOptions? options;
    TDb? context;
    Inserts? inserts;
    readonly Dictionary<string, DbCommand> commands = [];
    Task running = Task.CompletedTask;
    // Past this point a failure leaves open whether the batch was committed.
    bool committing;

    public async Task StartAsync(CancellationToken cancel)
    {
        await ConnectAsync(cancel);
        running = Background.Run(RunAsync);
    }

    /// <param name="keep">False: do everything but the commit.</param>
    public async Task<T> EnqueueAsync<T>(Call call, string requestId, bool keep, Func<Unit<TDb>, Task<T>> work,
        CancellationToken cancel)
    {
        using var activity = DatabaseSpans.Activities.StartActivity("store.write " + database.Module);
        var item = new Work<T>(call, requestId, keep, work, cancel, Activity.Current, activity);
        // Waiting callers pile up nowhere: a queue that is full for long is an overload, and is said so.
        if (!queue.Writer.TryWrite(item))
            throw Fault.Exhausted("WRITE_QUEUE_FULL",
                $"{MaxQueued} changes are waiting for the {database.Module} database. Try again a little later.",
                TimeSpan.FromSeconds(1));
        // Not cancellable past this point: the answer must tell whether the change was committed.
        return await item.Answer.Task;
    }

    async Task RunAsync()
    {
        var batch = new List<Work>(MaxBatch);
        while (await queue.Reader.WaitToReadAsync())
        {
            while (batch.Count < MaxBatch && queue.Reader.TryRead(out var item)) batch.Add(item);
            await WriteAsync(batch);
            batch.Clear();
        }
    }

    /// <summary>
    /// A connection that broke while nothing was written is found broken by the next write: that one runs again on
    /// another, unless it may have been committed.
    /// </summary>
    async Task WriteAsync(List<Work> batch)
    {
        for (var first = true; ; first = false)
        {
            try
            {
                committing = false;
                await CommitAsync(batch);
                return;
            }
            catch (Exception e)
            {
                var again = first && !committing && Conflict.IsOutage(e);
                if (!again)
                {
                    LogBatchFailed(e, database.Module, batch.Count);
                    var fault = Lost();
                    foreach (var item in batch) item.Fail(fault);
                }
                await ReconnectAsync();
                if (!again) return;
            }
        }
    }

    Fault Lost() => committing
        ? Fault.Unavailable("COMMIT_UNKNOWN", $"The {database.Module} database went away before it said whether the "
            + "change is kept. Repeat the call with the same request_id, or look whether it is there.",
            TimeSpan.FromSeconds(1))
        : Fault.Unavailable("DATABASE_UNAVAILABLE",
            $"The {database.Module} database did not take the change; nothing was changed. Try again.",
            TimeSpan.FromSeconds(1));

    async Task CommitAsync(List<Work> batch)
    {
        if (connection is null) await ConnectAsync(CancellationToken.None);
        BatchSize.Record(batch.Count, new KeyValuePair<string, object?>("module", database.Module));
        await using var transaction = await connection!.BeginTransactionAsync();
        // One committer at a time on PostgreSQL as well: the order of sequences is the order of commits.
        if (database.IsPostgres)
            await RunAsync(transaction, $"SELECT pg_advisory_xact_lock(hashtext('monolith.{database.Module}'))");
        var events = new List<EventRow>();
        foreach (var item in batch)
        {
            if (item.Failed) continue;
            if (item.Cancel.IsCancellationRequested)
            {
                item.Fail(new OperationCanceledException(item.Cancel));
                continue;
            }
            await RunOneAsync(item, transaction, events);
        }
        await InsertAsync(events, transaction);
        await CommitAsync(transaction, batch);
        if (events.Count > 0) feed.Publish(events);
        foreach (var item in batch) item.Complete();
    }

    /// <summary>The events of all writes of a batch, numbered in the order of the writes.</summary>
    async Task InsertAsync(List<EventRow> events, DbTransaction transaction)
    {
        if (events.Count == 0) return;
        var db = await ContextAsync(transaction);
        // Another process may have written the last ones.
        var last = await db.LastEventAsync();
        foreach (var e in events) e.Sequence = ++last;
        await db.InsertAsync(events);
    }

    async Task CommitAsync(DbTransaction transaction, List<Work> batch)
    {
        // The spans' clock is the system's, as is every other span's.
        var (start, started) = (TimeProvider.System.GetUtcNow(), Stopwatch.GetTimestamp());
        Exception? error = null;
        committing = true;
        try
        {
            await transaction.CommitAsync();
        }
        catch (Exception e)
        {
            error = e;
            throw;
        }
        finally
        {
            var took = Stopwatch.GetElapsedTime(started);
            if (error is null)
                CommitTime.Record(took.TotalSeconds, new KeyValuePair<string, object?>("module", database.Module));
            database.Spans.Committed(batch.Where(i => !i.Failed).Select(i => i.Span), batch.Count, start, took, error);
        }
    }

    async Task RunOneAsync(Work item, DbTransaction transaction, List<EventRow> events)
    {
        // The commands of a write belong to its caller's trace. The caller of this method keeps its own.
        Activity.Current = item.Activity;
        database.Spans.Waited(item.Span, item.Since);
        for (var attempt = 1; ; attempt++)
        {
            await RunAsync(transaction, "SAVEPOINT work");
            try
            {
                var db = await ContextAsync(transaction);
                claims?.Begin();
                var made = await item.RunAsync(db, Stored.Time(time.GetUtcNow()));
                await db.SaveChangesAsync();
                if (claims is not null) await claims.CheckAsync(db);
                if (!item.Keep) await RunAsync(transaction, "ROLLBACK TO SAVEPOINT work");
                else events.AddRange(made);
                await RunAsync(transaction, "RELEASE SAVEPOINT work");
                db.ChangeTracker.Clear();
                return;
            }
            catch (Exception e) when (connection!.State == System.Data.ConnectionState.Open)
            {
                await RunAsync(transaction, "ROLLBACK TO SAVEPOINT work");
                await RunAsync(transaction, "RELEASE SAVEPOINT work");
                await ForgetContextAsync();
                var raced = Conflict.IsRace(e) || Conflict.IsUnique(e);
                if (raced && attempt < MaxRaces) continue;
                item.Fail(raced ? Conflicted(e) : e);
                return;
            }
        }
    }

    /// <summary>
    /// One context for write after write, emptied in between: making one costs as much as a small write. After a
    /// failure it is not known what state it is in.
    /// </summary>
    async Task<TDb> ContextAsync(DbTransaction transaction)
    {
        if (context is null)
        {
            context = create(options!);
            context.Database.AutoSavepointsEnabled = false;
            context.OpenProjects = projects;
            context.Claims = claims;
            context.Inserts = inserts;
        }
        if (context.Database.CurrentTransaction?.GetDbTransaction() != transaction)
        {
            await context.Database.UseTransactionAsync(null);
            await context.Database.UseTransactionAsync(transaction);
        }
        return context;
    }

    async Task ForgetContextAsync()
    {
        if (context is not { } old) return;
        context = null;
        await old.DisposeAsync();
    }

    Fault Conflicted(Exception e) =>
        new(Grpc.Core.StatusCode.Aborted, "WRITE_CONFLICT", "Another change got in the way again and again. Read what "
            + "is there now, and try again.")
        { Private = $"{database.Module}: {e.GetBaseException().Message}" };

    // Savepoints and locks: no part of what a write costs its caller, and not worth a span.
    async Task RunAsync(DbTransaction transaction, string sql)
    {
        if (!commands.TryGetValue(sql, out var command))
        {
            commands[sql] = command = connection!.CreateCommand();
            command.CommandText = sql;
        }
        command.Transaction = transaction;
        await command.ExecuteNonQueryAsync();
    }

    async Task ConnectAsync(CancellationToken cancel)
    {
        var next = database.CreateConnection();
        try
        {
            await database.PrepareWriterAsync(next, cancel);
        }
        catch
        {
            await next.DisposeAsync();
            throw;
        }
        (connection, options) = (next, database.WriteOptions(next));
        // What was prepared on the connection before went with it.
        commands.Clear();
        inserts = new Inserts(database.Spans);
    }

    // While it fails, each batch tries again before anything else. Nothing that happens here may end the writer.
    async Task ReconnectAsync()
    {
        try
        {
            await ForgetContextAsync();
            if (connection is { } old)
            {
                connection = null;
                await old.DisposeAsync();
            }
            await ConnectAsync(CancellationToken.None);
            // A commit whose answer was lost may have made events that nobody was told of.
            await using var db = create(options!);
            feed.Nudge(await db.LastEventAsync());
        }
        catch (Exception e)
        {
            LogReconnectFailed(e, database.Module);
        }
    }

    public async ValueTask DisposeAsync()
    {
        queue.Writer.TryComplete();
        await running;
        await ForgetContextAsync();
        if (connection is not null) await connection.DisposeAsync();
    }

    abstract class Work(bool keep, CancellationToken cancel, Activity? activity, Activity? span)
    {
        public bool Keep { get; } = keep;
        public CancellationToken Cancel { get; } = cancel;
        /// <summary>The caller's, which may be none of ours.</summary>
        public Activity? Activity { get; } = activity;
        /// <summary>The write's own; null when nobody listens.</summary>
        public Activity? Span { get; } = span;
        public DateTimeOffset Since { get; } = span is null ? default : TimeProvider.System.GetUtcNow();
        public abstract bool Failed { get; }
        public abstract Task<IReadOnlyList<EventRow>> RunAsync(TDb db, DateTime now);
        public abstract void Complete();
        public abstract void Fail(Exception e);
    }

    sealed class Work<T>(Call call, string requestId, bool keep, Func<Unit<TDb>, Task<T>> work,
        CancellationToken cancel, Activity? activity, Activity? span) : Work(keep, cancel, activity, span)
    {
        T? result;
        bool tells;

        public TaskCompletionSource<T> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override async Task<IReadOnlyList<EventRow>> RunAsync(TDb db, DateTime now)
        {
            var unit = new Unit<TDb>(db, call, requestId, now);
            result = await work(unit);
            unit.TellOfCall();
            tells = Keep && unit.Events.Count > 0;
            return unit.Events;
        }

        public override bool Failed => Answer.Task.IsCompleted;

        public override void Complete()
        {
            if (tells && !Failed) call.Origin?.Told();
            Answer.TrySetResult(result!);
        }

        public override void Fail(Exception e) => Answer.TrySetException(e);
    }

    [LoggerMessage(LogLevel.Error, "A batch of {Count} writes to {Module} was not committed")]
    partial void LogBatchFailed(Exception e, string module, int count);

    [LoggerMessage(LogLevel.Error, "The writer of {Module} cannot reach its database")]
    partial void LogReconnectFailed(Exception e, string module);
}
