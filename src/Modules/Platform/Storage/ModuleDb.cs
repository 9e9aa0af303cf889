using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage;
using Microsoft.EntityFrameworkCore.Storage.ValueConversion;
using Monolith.Platform.Faults;
using Monolith.Platform.Quotas;

namespace Monolith.Platform.Storage;

/// <summary>
/// A module's database: its own tables, its events, and its answered requests. Derive once for the tables and twice
/// more, trivially, for SQLite and PostgreSQL, since a set of migrations belongs to one context type.
/// </summary>
/// <param name="schema">The module's name in lower case; the schema on PostgreSQL.</param>
public abstract class ModuleDb(string schema, DbContextOptions options) : DbContext(options)
{
    public string Schema { get; } = schema;

    static readonly Func<ModuleDb, Task<long?>> Newest = Query.One((ModuleDb db) => db.Events.Max(e => (long?)e.Sequence));

    public DbSet<EventRow> Events => Set<EventRow>();
    public DbSet<RequestRow> Requests => Set<RequestRow>();
    public DbSet<RelayRow> Relays => Set<RelayRow>();

    /// <summary>Whether rows that are read are tracked: by writes, and not by reads.</summary>
    internal bool Tracks => ChangeTracker.QueryTrackingBehavior == QueryTrackingBehavior.TrackAll;

    /// <summary>Set by the writer.</summary>
    internal IOpenProjects? OpenProjects { get; set; }

    /// <summary>Set by the writer; null where nothing is counted.</summary>
    internal IQuotaClaims? Claims { get; set; }

    /// <summary>Set by the writer.</summary>
    internal Inserts? Inserts { get; set; }

    /// <summary>
    /// Inserts rows as they are, at once and untracked, many with a command. Inside a write only; for tables that are
    /// only added to.
    /// </summary>
    public Task InsertAsync<TRow>(IReadOnlyList<TRow> rows) where TRow : class =>
        (Inserts ?? throw new InvalidOperationException("Rows are inserted inside a write only."))
        .RunAsync(this, Database.CurrentTransaction!.GetDbTransaction(), rows);

    /// <exception cref="Fault">When a resource is being made in a project that is not open.</exception>
    public override Task<int> SaveChangesAsync(bool acceptAllChangesOnSuccess, CancellationToken cancel = default)
    {
        if (OpenProjects is not null) RefuseInClosed(OpenProjects);
        Claims?.Note(ChangeTracker);
        return base.SaveChangesAsync(acceptAllChangesOnSuccess, cancel);
    }

    /// <summary>The sequence of the newest event; 0 when there is none.</summary>
    public async Task<long> LastEventAsync() => await Newest(this) ?? 0;

    protected override void OnModelCreating(ModelBuilder model)
    {
        if (Database.IsNpgsql()) model.HasDefaultSchema(Schema);
        model.Entity<EventRow>(e =>
        {
            e.ToTable("events").HasKey(x => x.Sequence);
            e.Property(x => x.Sequence).ValueGeneratedOnAdd();
            e.HasIndex(x => x.Uid).IsUnique();
        });
        model.Entity<RequestRow>(e =>
        {
            e.ToTable("requests").HasKey(x => x.Key);
            e.HasIndex(x => x.Time);
        });
        model.Entity<RelayRow>(e =>
        {
            e.ToTable("relays").HasKey(x => x.Id);
            e.Property(x => x.Id).ValueGeneratedNever();
        });
        foreach (var entity in model.Model.GetEntityTypes().Where(t => t.ClrType.IsAssignableTo(typeof(ResourceRow))))
        {
            var builder = model.Entity(entity.ClrType);
            builder.HasKey(nameof(ResourceRow.Uid));
            builder.Property(nameof(ResourceRow.Uid)).ValueGeneratedNever();
            builder.Property(nameof(ResourceRow.Generation)).IsConcurrencyToken();
            builder.Ignore(nameof(ResourceRow.Etag));
            builder.HasIndex(nameof(ResourceRow.Name)).IsUnique();
            builder.HasIndex(nameof(ResourceRow.Project), nameof(ResourceRow.Name));
        }
        // Lists are ordered by text, and filters compare it; every database must mean the same by that: bytes.
        if (Database.IsNpgsql())
            foreach (var text in model.Model.GetEntityTypes().SelectMany(t => t.GetProperties())
                .Where(p => (p.GetValueConverter()?.ProviderClrType ?? p.ClrType) == typeof(string)))
                text.SetCollation("C");
    }

    void RefuseInClosed(IOpenProjects projects)
    {
        // Rows that are added say so themselves; looking for changes of the others is the save's work.
        ChangeTracker.AutoDetectChangesEnabled = false;
        foreach (var entry in ChangeTracker.Entries<ResourceRow>())
            if (entry is { State: EntityState.Added, Entity.Project: { Length: > 0 } project }
                && projects.RefusalOf(project) is { } refusal) throw refusal;
        ChangeTracker.AutoDetectChangesEnabled = true;
    }

    protected override void ConfigureConventions(ModelConfigurationBuilder configuration)
    {
        configuration.Properties<DateTime>().HaveConversion<Utc>();
    }

    sealed class Utc() : ValueConverter<DateTime, DateTime>(
        time => Stored.Time(time),
        time => DateTime.SpecifyKind(time, DateTimeKind.Utc));
}
