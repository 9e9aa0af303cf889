using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.ChangeTracking;
using Monolith.Platform.Storage;

namespace Monolith.Platform.Quotas;

/// <summary>What the write that runs adds to quotas.</summary>
internal interface IQuotaClaims
{
    /// <summary>Before a save: what it is about to add, to take away, and to make larger or smaller.</summary>
    void Note(ChangeTracker changes);

    /// <summary>What other modules would refuse, to be said together with this one's.</summary>
    void Add(IReadOnlyList<ExceededQuota> elsewhere);
}

/// <summary>
/// Holds every write of a module against the quotas of the projects that it adds to:
/// <code>
///   work ──▶ save (noted: rows added, removed, changed) ──▶ sum over the rows as they are now ──▶ above the limit?
///                                                                        refused: back to the savepoint
/// </code>
/// It is asked of what was written and not of what was meant, so that no way of making a row can go around it; and in
/// the transaction that made it, whose module has one writer at a time, in this process by its queue and among
/// processes by the database's lock, so that no two can pass for the last place. A write that takes away, or changes
/// nothing that counts, is never refused: of a limit below the usage nothing is taken, and nothing more is given.
/// </summary>
internal sealed class QuotaClaims<TDb>(Counts<TDb> counts, IQuotaLimits limits) : IQuotaClaims where TDb : ModuleDb
{
    readonly Dictionary<string, Dictionary<string, long>> asked = new(StringComparer.Ordinal);
    readonly List<ExceededQuota> exceeded = [];

    /// <summary>A write begins, or runs again.</summary>
    public void Begin()
    {
        asked.Clear();
        exceeded.Clear();
    }

    public void Add(IReadOnlyList<ExceededQuota> elsewhere) => exceeded.AddRange(elsewhere);

    public void Note(ChangeTracker changes)
    {
        var detects = changes.AutoDetectChangesEnabled;
        changes.AutoDetectChangesEnabled = false;
        // Only a row that was there can have changed without saying so.
        if (changes.Entries().Any(e => e.State == EntityState.Unchanged && IsLimited(e))) changes.DetectChanges();
        foreach (var entry in changes.Entries().Where(IsLimited))
            switch (entry.State)
            {
                case EntityState.Added:
                    Ask(entry.Entity, 1);
                    break;
                case EntityState.Deleted:
                    Ask(entry.OriginalValues.ToObject(), -1);
                    break;
                case EntityState.Modified:
                    Ask(entry.OriginalValues.ToObject(), -1);
                    Ask(entry.Entity, 1);
                    break;
            }
        changes.AutoDetectChangesEnabled = detects;
    }

    /// <summary>After the last save.</summary>
    /// <exception cref="Faults.Fault">RESOURCE_EXHAUSTED with every quota that is exceeded.</exception>
    public async Task CheckAsync(TDb db)
    {
        foreach (var (project, more) in asked)
            if (more.Values.Any(m => m > 0))
                exceeded.AddRange(await counts.ExceededAsync(db, limits, project, more, isCounted: true));
        if (exceeded.Count > 0) throw ExceededQuota.Fault([.. exceeded]);
    }

    bool IsLimited(EntityEntry entry) => counts.Counting(entry.Metadata.ClrType) is { } table
        && table.ProjectOf(entry.Entity) is { Length: > 0 } project && limits.Any(project);

    void Ask(object row, int sign)
    {
        var table = counts.Counting(row.GetType())!;
        var project = table.ProjectOf(row);
        if (!asked.TryGetValue(project, out var more)) asked[project] = more = new(StringComparer.Ordinal);
        foreach (var (quota, amount) in table.Quotas.Zip(table.AmountsOf(row)))
            more[quota] = more.GetValueOrDefault(quota) + sign * amount;
    }
}
