using System.Collections.Concurrent;
using System.Linq.Expressions;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata;

namespace Monolith.Platform.Storage;

/// <summary>
/// Queries that are translated once, for those that run again and again: to look a query up by its expression costs
/// more than to run it. One is kept for each provider, and for reads and writes, which track.
/// <code>
///   static readonly Func&lt;ComputeDb, string, Task&lt;ServerRow?&gt;&gt; ByName =
///       Query.One((ComputeDb db, string name) =&gt; db.Servers.FirstOrDefault(s =&gt; s.Name == name));
/// </code>
/// Not cancelled by their callers: each is short, and the database's own timeout is above it.
/// </summary>
public static class Query
{
    public static Func<TDb, Task<T>> One<TDb, T>(Expression<Func<TDb, T>> query) where TDb : ModuleDb
    {
        var compiled = new Compiled<Func<TDb, Task<T>>>(() => EF.CompileAsyncQuery(query));
        return db => compiled.For(db)(db);
    }

    public static Func<TDb, TA, Task<T>> One<TDb, TA, T>(Expression<Func<TDb, TA, T>> query) where TDb : ModuleDb
    {
        var compiled = new Compiled<Func<TDb, TA, Task<T>>>(() => EF.CompileAsyncQuery(query));
        return (db, a) => compiled.For(db)(db, a);
    }

    public static Func<TDb, TA, TB, Task<T>> One<TDb, TA, TB, T>(Expression<Func<TDb, TA, TB, T>> query)
        where TDb : ModuleDb
    {
        var compiled = new Compiled<Func<TDb, TA, TB, Task<T>>>(() => EF.CompileAsyncQuery(query));
        return (db, a, b) => compiled.For(db)(db, a, b);
    }

    public static Func<TDb, Task<List<T>>> Many<TDb, T>(Expression<Func<TDb, IQueryable<T>>> query)
        where TDb : ModuleDb
    {
        var compiled = new Compiled<Func<TDb, IAsyncEnumerable<T>>>(() => EF.CompileAsyncQuery(query));
        return db => ListAsync(compiled.For(db)(db));
    }

    public static Func<TDb, TA, Task<List<T>>> Many<TDb, TA, T>(Expression<Func<TDb, TA, IQueryable<T>>> query)
        where TDb : ModuleDb
    {
        var compiled = new Compiled<Func<TDb, TA, IAsyncEnumerable<T>>>(() => EF.CompileAsyncQuery(query));
        return (db, a) => ListAsync(compiled.For(db)(db, a));
    }

    public static Func<TDb, TA, TB, Task<List<T>>> Many<TDb, TA, TB, T>(
        Expression<Func<TDb, TA, TB, IQueryable<T>>> query) where TDb : ModuleDb
    {
        var compiled = new Compiled<Func<TDb, TA, TB, IAsyncEnumerable<T>>>(() => EF.CompileAsyncQuery(query));
        return (db, a, b) => ListAsync(compiled.For(db)(db, a, b));
    }

    public static Func<TDb, TA, TB, TC, Task<List<T>>> Many<TDb, TA, TB, TC, T>(
        Expression<Func<TDb, TA, TB, TC, IQueryable<T>>> query) where TDb : ModuleDb
    {
        var compiled = new Compiled<Func<TDb, TA, TB, TC, IAsyncEnumerable<T>>>(() => EF.CompileAsyncQuery(query));
        return (db, a, b, c) => ListAsync(compiled.For(db)(db, a, b, c));
    }

    static async Task<List<T>> ListAsync<T>(IAsyncEnumerable<T> rows)
    {
        var list = new List<T>();
        await foreach (var row in rows) list.Add(row);
        return list;
    }

    // EF keeps one model in a compiled query, and whether its rows are tracked.
    sealed class Compiled<TQuery>(Func<TQuery> compile)
    {
        readonly ConcurrentDictionary<(IModel, bool), TQuery> made = new();

        public TQuery For(ModuleDb db) => made.GetOrAdd((db.Model, db.Tracks), static (_, c) => c(), compile);
    }
}
