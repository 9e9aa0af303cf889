using System.Diagnostics;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;
using Monolith.Platform.Calls;
using Monolith.Platform.Events;
using Monolith.Platform.Faults;
using Monolith.Platform.Quotas;

namespace Monolith.Platform.Storage;

/// <summary>Whether a module's database answers.</summary>
public interface IStoreHealth
{
    string Module { get; }

    Task ProbeAsync(CancellationToken cancel);
}

/// <summary>
/// A module's way to its database. Reads run side by side, each on its own context. Writes go through one writer that
/// puts what is waiting into one transaction, so that many callers share one flush to the disk:
/// <code>
///   caller ──▶ queue ──▶ writer: BEGIN · savepoint, work, save · savepoint, work, save · … · COMMIT (flush)
///   caller ◀── answer after the commit ───────────────────────────────────────────────────┘
/// </code>
/// A write that throws is rolled back to its savepoint and disturbs no other. Work must be database work only: it may
/// run again after a lost race, and it holds up everybody behind it.
/// </summary>
public sealed class Store<TDb> : IStoreHealth, IAsyncDisposable where TDb : ModuleDb
{
    static readonly Func<TDb, string, Task<RequestRow?>> Answered =
        Query.One((TDb db, string key) => db.Requests.FirstOrDefault(r => r.Key == key));

    readonly Database database;
    readonly Func<DbContextOptions, TDb> create;
    readonly ReadContexts<TDb> readers;
    readonly GroupWriter<TDb> writer;

    /// <param name="module">The module's name in lower case.</param>
    /// <param name="sqlite">Makes the context for SQLite.</param>
    /// <param name="postgres">Makes the context for PostgreSQL.</param>
    /// <param name="projects">Refuses resources in projects that are not open; null: nobody is asked.</param>
    /// <param name="counts">What counts towards quotas.</param>
    /// <param name="limits">How much of it there may be; null: as much as there is.</param>
    public Store(string module, DatabaseOptions options, Func<DbContextOptions, TDb> sqlite,
        Func<DbContextOptions, TDb> postgres, TimeProvider time, ILoggerFactory logs, IOpenProjects? projects = null,
        Counts<TDb>? counts = null, IQuotaLimits? limits = null)
    {
        database = new Database(options, module);
        create = database.IsPostgres ? postgres : sqlite;
        readers = new ReadContexts<TDb>(database, create);
        Feed = new EventFeed(module, async (after, count, cancel) => await readers.ReadAsync(db =>
            db.Events.Where(e => e.Sequence > after).OrderBy(e => e.Sequence).Take(count).ToListAsync(cancel)));
        writer = new GroupWriter<TDb>(database, create, Feed, time, logs.CreateLogger("Monolith.Store." + module),
            projects, counts is null || limits is null ? null : new QuotaClaims<TDb>(counts, limits));
    }

    /// <summary>The module's events as they are committed.</summary>
    public EventFeed Feed { get; }

    public string Module => database.Module;

    /// <summary>Other hosts may be at the same database.</summary>
    public bool IsShared => database.IsPostgres;

    /// <summary>Brings the schema up to date and opens the writer. Once, before anything else.</summary>
    public async Task OpenAsync(CancellationToken cancel)
    {
        await using (var db = create(database.ReadOptions)) await database.MigrateAsync(db, cancel);
        await writer.StartAsync(cancel);
        await using var read = create(database.ReadOptions);
        Feed.Start(await read.LastEventAsync());
    }

    /// <summary>Reads. Entities are not tracked.</summary>
    public Task<T> ReadAsync<T>(Func<TDb, Task<T>> read) => readers.ReadAsync(read);

    /// <summary>
    /// Reads rows and the sequence of the last event together, so that a watch can go on from there without a gap.
    /// </summary>
    public Task<(T Result, long Sequence)> SnapshotAsync<T>(Func<TDb, Task<T>> read) => readers.ReadAsync(async db =>
    {
        // The sequence is read first: an event that commits in between is seen twice, and never missed.
        var sequence = await db.LastEventAsync();
        return (await read(db), Math.Max(sequence, Feed.TrimmedThrough));
    });

    public Task ProbeAsync(CancellationToken cancel) => ReadAsync(db => db.Relays.AnyAsync(cancel));

    /// <summary>Writes for the system itself.</summary>
    public Task<T> WriteAsync<T>(Call call, Func<Unit<TDb>, Task<T>> work, CancellationToken cancel) =>
        writer.EnqueueAsync(call, "", keep: true, work, cancel);

    /// <inheritdoc cref="WriteAsync{T}"/>
    public Task WriteAsync(Call call, Func<Unit<TDb>, Task> work, CancellationToken cancel) =>
        writer.EnqueueAsync(call, "", keep: true, async unit => { await work(unit); return true; }, cancel);

    /// <summary>
    /// Serves a mutating method: once for each <c>request_id</c> (AIP-155), and without a trace for
    /// <c>validate_only</c> (AIP-163).
    /// </summary>
    /// <param name="remember">What a repeat gets; default: the response itself. For responses that hold a secret.</param>
    /// <exception cref="Fault">INVALID_ARGUMENT when the request id was used for something else.</exception>
    public Task<TResponse> MutateAsync<TResponse>(Call call, IMessage request,
        Func<Unit<TDb>, Task<TResponse>> work, CancellationToken cancel, Func<TResponse, TResponse>? remember = null)
        where TResponse : class, IMessage<TResponse>, new()
    {
        var mutation = Mutation.Of(request);
        if (mutation.Refusal is { } refusal) return RefuseAsync(call, work, refusal, cancel);
        if (mutation.RequestId.Length == 0)
            return writer.EnqueueAsync(call, "", keep: mutation.Acts, work, cancel);
        var key = mutation.Key(call);
        return writer.EnqueueAsync(call, mutation.RequestId, keep: mutation.Acts, async unit =>
        {
            if (await Answered(unit.Db, key) is { } before) return mutation.Repeat<TResponse>(before);
            var response = await work(unit);
            unit.Db.Requests.Add(new RequestRow
            {
                Key = key,
                Payload = mutation.Payload,
                Response = (remember is null ? response : remember(response)).ToByteArray(),
                Time = unit.Now,
            });
            return response;
        }, cancel);
    }

    /// <summary>
    /// As above, for a method that has something to look up or to do before its write, outside of the database. That is
    /// no part of a repeat: the world has moved on since the request was answered, not least by the request itself.
    /// </summary>
    /// <param name="prepare">Its result goes to the work. Runs only for a request that has no answer yet; is told whether
    /// it may act: not for who only tries, nor for what will be refused.</param>
    /// <exception cref="Fault">What <paramref name="prepare"/> throws, unless the request was answered meanwhile.</exception>
    public async Task<TResponse> MutateAsync<TPrepared, TResponse>(Call call, IMessage request,
        Func<bool, Task<TPrepared>> prepare, Func<Unit<TDb>, TPrepared, Task<TResponse>> work, CancellationToken cancel,
        Func<TResponse, TResponse>? remember = null)
        where TResponse : class, IMessage<TResponse>, new()
    {
        var mutation = Mutation.Of(request);
        if (await AnswerAsync<TResponse>(call, mutation) is { } before) return before;
        TPrepared prepared;
        try
        {
            prepared = await prepare(mutation.Acts);
        }
        catch (Fault) when (mutation.RequestId.Length > 0)
        {
            // Two of the same were under way, and this one met what the other had made.
            if (await AnswerAsync<TResponse>(call, mutation) is { } meanwhile) return meanwhile;
            throw;
        }
        return await MutateAsync(call, request, unit => work(unit, prepared), cancel, remember);
    }

    /// <summary>Looks for what else is wrong before it refuses.</summary>
    async Task<TResponse> RefuseAsync<TResponse>(Call call, Func<Unit<TDb>, Task<TResponse>> work, Fault refusal,
        CancellationToken cancel)
    {
        try
        {
            await writer.EnqueueAsync(call, "", keep: false, work, cancel);
        }
        catch (Fault fault) when (fault.Code != StatusCode.InvalidArgument)
        {
        }
        throw refusal;
    }

    /// <summary>What the request was answered with; null when it was not, or has no id.</summary>
    async Task<TResponse?> AnswerAsync<TResponse>(Call call, Mutation mutation)
        where TResponse : class, IMessage<TResponse>, new()
    {
        if (mutation.RequestId.Length == 0) return null;
        var key = mutation.Key(call);
        return await ReadAsync(db => Answered(db, key)) is { } before ? mutation.Repeat<TResponse>(before) : null;
    }

    public async ValueTask DisposeAsync()
    {
        await writer.DisposeAsync();
        await readers.DisposeAsync();
        await database.DisposeAsync();
    }
}
