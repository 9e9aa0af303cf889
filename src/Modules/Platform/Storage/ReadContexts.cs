using System.Collections.Concurrent;
using Microsoft.EntityFrameworkCore;
using Monolith.Platform.Faults;

namespace Monolith.Platform.Storage;

/// <summary>
/// Contexts that read, kept for the next reader: making one, and opening its connection, costs more than most of what
/// is read. On SQLite a kept context keeps its connection open; on PostgreSQL connections are the driver's to keep.
/// </summary>
internal sealed class ReadContexts<TDb>(Database database, Func<DbContextOptions, TDb> create) : IAsyncDisposable
    where TDb : ModuleDb
{
    // SQLite reads on the caller's thread: more at a time than that there are hardly ever.
    static readonly int MaxKept = 4 * Environment.ProcessorCount;

    readonly ConcurrentBag<TDb> kept = [];
    volatile bool disposed;

    /// <summary>
    /// What was read must be in memory when it returns. A connection that broke while it was idle is found broken by the
    /// next read: that one runs again on another, and the others that are idle are given up.
    /// </summary>
    public async Task<T> ReadAsync<T>(Func<TDb, Task<T>> read)
    {
        try
        {
            return await ReadOnceAsync(read);
        }
        catch (Exception e) when (Conflict.IsOutage(e))
        {
            database.ForgetIdleConnections();
        }
        return await ReadOnceAsync(read);
    }

    async Task<T> ReadOnceAsync<T>(Func<TDb, Task<T>> read)
    {
        var db = await TakeAsync();
        // What a read that failed was in the middle of is not for the next reader to find.
        var sound = false;
        try
        {
            var result = await read(db);
            sound = true;
            return result;
        }
        catch (Fault)
        {
            sound = true;
            throw;
        }
        finally
        {
            await (sound ? ReturnAsync(db) : db.DisposeAsync());
        }
    }

    async ValueTask<TDb> TakeAsync()
    {
        if (kept.TryTake(out var db)) return db;
        db = create(database.ReadOptions);
        db.ChangeTracker.QueryTrackingBehavior = QueryTrackingBehavior.NoTracking;
        db.ChangeTracker.AutoDetectChangesEnabled = false;
        if (database.IsPostgres) return db;
        try
        {
            await db.Database.OpenConnectionAsync();
            await database.PrepareReaderAsync(db.Database.GetDbConnection(), CancellationToken.None);
        }
        catch
        {
            await db.DisposeAsync();
            throw;
        }
        return db;
    }

    ValueTask ReturnAsync(TDb db)
    {
        if (disposed || kept.Count >= MaxKept) return db.DisposeAsync();
        // A query that asked for tracking leaves nothing to the next.
        db.ChangeTracker.Clear();
        kept.Add(db);
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        disposed = true;
        while (kept.TryTake(out var db)) await db.DisposeAsync();
    }
}
