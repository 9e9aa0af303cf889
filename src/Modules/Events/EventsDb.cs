using Microsoft.EntityFrameworkCore;
using Monolith.Events.Audit;
using Monolith.Events.Log;
using Monolith.Platform.Storage;

namespace Monolith.Events;

internal abstract class EventsDb(DbContextOptions options) : ModuleDb("events", options)
{
    public DbSet<LogRow> Log => Set<LogRow>();
    public DbSet<SourceRow> Sources => Set<SourceRow>();
    public DbSet<EndsRow> Ends => Set<EndsRow>();
    public DbSet<AuditRow> AuditEntries => Set<AuditRow>();
    public DbSet<AuditEndsRow> AuditEnds => Set<AuditEndsRow>();

    protected override void OnModelCreating(ModelBuilder model)
    {
        model.Entity<LogRow>(l =>
        {
            l.ToTable("log").HasKey(x => x.Sequence);
            l.Property(x => x.Sequence).ValueGeneratedNever();
            l.HasIndex(x => x.Uid).IsUnique();
            l.HasIndex(x => new { x.Project, x.Sequence });
            l.HasIndex(x => x.Time);
        });
        model.Entity<SourceRow>(s =>
        {
            s.ToTable("sources").HasKey(x => x.Module);
            s.Property(x => x.Through).IsConcurrencyToken();
        });
        model.Entity<EndsRow>(e =>
        {
            e.ToTable("ends").HasKey(x => x.Id);
            e.Property(x => x.Id).ValueGeneratedNever();
            e.Property(x => x.Last).IsConcurrencyToken();
        });
        model.Entity<AuditRow>(a =>
        {
            a.ToTable("audit").HasKey(x => x.Sequence);
            a.Property(x => x.Sequence).ValueGeneratedNever();
            a.HasIndex(x => new { x.Project, x.Sequence });
            a.HasIndex(x => new { x.Caller, x.Sequence });
            a.HasIndex(x => new { x.Resource, x.Sequence });
            a.HasIndex(x => x.Time);
        });
        model.Entity<AuditEndsRow>(e =>
        {
            e.ToTable("audit_ends").HasKey(x => x.Id);
            e.Property(x => x.Id).ValueGeneratedNever();
            e.Property(x => x.Last).IsConcurrencyToken();
        });
        base.OnModelCreating(model);
    }
}

internal sealed class SqliteEventsDb(DbContextOptions options) : EventsDb(options)
{
    public SqliteEventsDb() : this(DesignTime.Sqlite()) { }
}

internal sealed class PostgresEventsDb(DbContextOptions options) : EventsDb(options)
{
    public PostgresEventsDb() : this(DesignTime.Postgres("events")) { }
}
