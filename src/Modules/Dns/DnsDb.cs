using Microsoft.EntityFrameworkCore;
using Monolith.Dns.RecordSets;
using Monolith.Dns.Zones;
using Monolith.Platform.Storage;

namespace Monolith.Dns;

internal abstract class DnsDb(DbContextOptions options) : ModuleDb("dns", options)
{
    public DbSet<ZoneRow> Zones => Set<ZoneRow>();
    public DbSet<RecordSetRow> RecordSets => Set<RecordSetRow>();

    protected override void OnModelCreating(ModelBuilder model)
    {
        model.Entity<ZoneRow>(z =>
        {
            z.ToTable("zones");
            z.HasIndex(x => x.Domain).IsUnique();
        });
        model.Entity<RecordSetRow>(r =>
        {
            r.ToTable("record_sets");
            r.HasIndex(x => new { x.ZoneUid, x.Domain, x.Type }).IsUnique();
            r.HasIndex(x => x.OwnerUid);
            r.HasOne<ZoneRow>().WithMany().HasForeignKey(x => x.ZoneUid).OnDelete(DeleteBehavior.Restrict);
        });
        base.OnModelCreating(model);
    }
}

internal sealed class SqliteDnsDb(DbContextOptions options) : DnsDb(options)
{
    public SqliteDnsDb() : this(DesignTime.Sqlite()) { }
}

internal sealed class PostgresDnsDb(DbContextOptions options) : DnsDb(options)
{
    public PostgresDnsDb() : this(DesignTime.Postgres("dns")) { }
}
