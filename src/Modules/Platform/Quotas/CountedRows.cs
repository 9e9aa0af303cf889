using System.Linq.Expressions;
using Microsoft.EntityFrameworkCore;
using Monolith.Platform.Storage;

namespace Monolith.Platform.Quotas;

/// <summary>One table of what a module counts.</summary>
internal interface ICountedRows<TDb>
{
    Type Row { get; }

    IReadOnlyList<string> Quotas { get; }

    string ProjectOf(object row);

    /// <summary>How much the row is of each of <see cref="Quotas"/>.</summary>
    IEnumerable<long> AmountsOf(object row);

    /// <summary>The sums over the project's rows, one for each of <see cref="Quotas"/>, by one query.</summary>
    Task<IReadOnlyList<long>> UsageAsync(TDb db, string project);

    Task<List<CountedResource>> ListAsync(TDb db, string project, string quota, string after, int count);
}

internal sealed class CountedRows<TDb, TRow>(Expression<Func<TDb, IQueryable<TRow>>> rows,
    Expression<Func<TRow, string>> owner, Expression<Func<TRow, string>> key, Expression<Func<TRow, string>> resource,
    (string Quota, Expression<Func<TRow, long>> Amount)[] amounts) : ICountedRows<TDb>
    where TDb : ModuleDb where TRow : class
{
    readonly Func<TRow, string> projectOf = owner.Compile();
    readonly Func<TRow, long>[] amountsOf = [.. amounts.Select(a => a.Amount.Compile())];
    readonly Func<TDb, IQueryable<TRow>> rowsOf = rows.Compile();
    readonly Func<TDb, string, Task<long[]?>> sums = Query.One(Sums(rows, owner, amounts));

    public Type Row => typeof(TRow);

    public IReadOnlyList<string> Quotas { get; } = [.. amounts.Select(a => a.Quota)];

    public string ProjectOf(object row) => projectOf((TRow)row);

    public IEnumerable<long> AmountsOf(object row) => amountsOf.Select(amount => amount((TRow)row));

    public async Task<IReadOnlyList<long>> UsageAsync(TDb db, string project) =>
        // Without rows there is no group.
        await sums(db, project) ?? new long[amounts.Length];

    public Task<List<CountedResource>> ListAsync(TDb db, string project, string quota, string after, int count)
    {
        // Captured, so that they are parameters of one statement and not parts of another one each time.
        Expression<Func<string>> begin = () => after, id = () => project;
        var row = Expression.Parameter(typeof(TRow), "r");
        var later = Expression.GreaterThan(
            Expression.Call(typeof(string), nameof(string.Compare), null, Put(key, row), begin.Body),
            Expression.Constant(0));
        var counted = Expression.New(typeof(CountedResource).GetConstructors()[0], Put(key, row), Put(resource, row),
            Put(amounts.First(a => a.Quota == quota).Amount, row));
        return rowsOf(db)
            .Where(Expression.Lambda<Func<TRow, bool>>(
                Expression.AndAlso(Expression.Equal(Put(owner, row), id.Body), later), row))
            .OrderBy(key).Take(count)
            .Select(Expression.Lambda<Func<TRow, CountedResource>>(counted, row)).ToListAsync();
    }

    /// <summary>rows.Where(project == …).GroupBy(_ => 1).Select(g => new[] { g.Sum(…), … }).FirstOrDefault()</summary>
    static Expression<Func<TDb, string, long[]?>> Sums(Expression<Func<TDb, IQueryable<TRow>>> rows,
        Expression<Func<TRow, string>> owner, (string Quota, Expression<Func<TRow, long>> Amount)[] amounts)
    {
        var (db, id, row) = (rows.Parameters[0], Expression.Parameter(typeof(string), "project"),
            Expression.Parameter(typeof(TRow), "r"));
        var all = Expression.Parameter(typeof(IGrouping<int, TRow>), "g");
        var owned = Expression.Call(typeof(Queryable), nameof(Queryable.Where), [typeof(TRow)], rows.Body,
            Expression.Lambda<Func<TRow, bool>>(Expression.Equal(Put(owner, row), id), row));
        var grouped = Expression.Call(typeof(Queryable), nameof(Queryable.GroupBy), [typeof(TRow), typeof(int)], owned,
            Expression.Lambda<Func<TRow, int>>(Expression.Constant(1), row));
        var sums = amounts.Select(a =>
            Expression.Call(typeof(Enumerable), nameof(Enumerable.Sum), [typeof(TRow)], all, a.Amount));
        var selected = Expression.Call(typeof(Queryable), nameof(Queryable.Select),
            [typeof(IGrouping<int, TRow>), typeof(long[])], grouped,
            Expression.Lambda<Func<IGrouping<int, TRow>, long[]>>(Expression.NewArrayInit(typeof(long), sums), all));
        return Expression.Lambda<Func<TDb, string, long[]?>>(
            Expression.Call(typeof(Queryable), nameof(Queryable.FirstOrDefault), [typeof(long[])], selected), db, id);
    }

    static Expression Put(LambdaExpression of, Expression row) => new Put(of.Parameters[0], row).Visit(of.Body);
}

/// <summary>An expression with another in the place of a parameter.</summary>
sealed file class Put(ParameterExpression parameter, Expression instead) : ExpressionVisitor
{
    protected override Expression VisitParameter(ParameterExpression node) => node == parameter ? instead : node;
}
