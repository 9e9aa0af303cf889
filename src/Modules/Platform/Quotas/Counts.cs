using System.Linq.Expressions;
using Monolith.Platform.Storage;

namespace Monolith.Platform.Quotas;

/// <summary>Something that counts, and how much. Immutable.</summary>
/// <param name="Key">Unique among what counts towards the quota; the order of lists.</param>
/// <param name="Resource">The name of the resource.</param>
public sealed record CountedResource(string Key, string Resource, long Amount);

/// <summary>
/// What a module counts towards quotas: rows, and how much each is of what. Usage is never kept: it is the sum over the
/// rows that are there, asked in the transaction that adds to them, so that nothing can make the two differ.
/// </summary>
public sealed class Counts<TDb> where TDb : ModuleDb
{
    readonly List<ICountedRows<TDb>> tables = [];

    /// <summary>Every quota that the module counts, in the order of registration.</summary>
    public IEnumerable<string> Quotas => tables.SelectMany(t => t.Quotas);

    /// <summary>Rows of resources: they count for the project that they lie in.</summary>
    /// <param name="amounts">Quotas, and how much a row is of each. An index over project and amounts keeps a sum from
    /// reading rows.</param>
    public Counts<TDb> Of<TRow>(Expression<Func<TDb, IQueryable<TRow>>> rows,
        params (string Quota, Expression<Func<TRow, long>> Amount)[] amounts) where TRow : ResourceRow =>
        Of(rows, r => r.Project, r => r.Name, r => r.Name, amounts);

    /// <summary>As above, of rows that are no resources themselves.</summary>
    /// <param name="key">Unique; the order of lists.</param>
    /// <param name="resource">The name of the resource that has it.</param>
    public Counts<TDb> Of<TRow>(Expression<Func<TDb, IQueryable<TRow>>> rows, Expression<Func<TRow, string>> project,
        Expression<Func<TRow, string>> key, Expression<Func<TRow, string>> resource,
        params (string Quota, Expression<Func<TRow, long>> Amount)[] amounts) where TRow : class
    {
        tables.Add(new CountedRows<TDb, TRow>(rows, project, key, resource, amounts));
        return this;
    }

    internal ICountedRows<TDb>? Counting(Type row) => tables.Find(t => t.Row == row);

    /// <summary>How much of each quota the project has.</summary>
    public async Task<IReadOnlyDictionary<string, long>> UsageAsync(TDb db, string project)
    {
        var usage = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var table in tables)
        {
            var sums = await table.UsageAsync(db, project);
            for (var i = 0; i < sums.Count; i++) usage[table.Quotas[i]] = sums[i];
        }
        return usage;
    }

    /// <summary>What counts towards a quota that is among <see cref="Quotas"/>, in the order of keys.</summary>
    public Task<List<CountedResource>> ListAsync(TDb db, string project, string quota, string after, int count) =>
        tables.First(t => t.Quotas.Contains(quota)).ListAsync(db, project, quota, after, count);

    /// <summary>Those that are exceeded, or would be.</summary>
    /// <param name="asked">How much is added of what.</param>
    /// <param name="isCounted">It is among the rows already.</param>
    public async Task<List<ExceededQuota>> ExceededAsync(TDb db, IQuotaLimits limits, string project,
        IReadOnlyDictionary<string, long> asked, bool isCounted)
    {
        var exceeded = new List<ExceededQuota>();
        foreach (var table in tables)
        {
            if (!table.Quotas.Any(q => asked.GetValueOrDefault(q) > 0 && limits.Of(project, q) is not null)) continue;
            var sums = await table.UsageAsync(db, project);
            for (var i = 0; i < sums.Count; i++)
            {
                var (quota, more) = (table.Quotas[i], asked.GetValueOrDefault(table.Quotas[i]));
                var before = isCounted ? sums[i] - more : sums[i];
                if (more > 0 && limits.Of(project, quota) is { } limit && before + more > limit)
                    exceeded.Add(new(project, quota, limit, before, more));
            }
        }
        return exceeded;
    }
}
