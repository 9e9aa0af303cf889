using System.Collections.Concurrent;
using Microsoft.EntityFrameworkCore;

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

    /// <summary>Dispose the lease when what was read is in memory.</summary>
    public async ValueTask<Lease> LeaseAsync()
    {
        if (kept.TryTake(out var db)) return new Lease(this, db);
        db = create(database.ReadOptions);
        db.ChangeTracker.QueryTrackingBehavior = QueryTrackingBehavior.NoTracking;
        db.ChangeTracker.AutoDetectChangesEnabled = false;
        if (database.IsPostgres) return new Lease(this, db);
        try
        {
            await db.Database.OpenConnectionAsync();
        }
        catch
        {
            await db.DisposeAsync();
            throw;
        }
        return new Lease(this, db);
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

    public readonly struct Lease(ReadContexts<TDb> owner, TDb db) : IAsyncDisposable
    {
        public TDb Db => db;

        public ValueTask DisposeAsync() => owner.ReturnAsync(db);
    }
}
