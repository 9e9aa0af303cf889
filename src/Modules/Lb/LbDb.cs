using Microsoft.EntityFrameworkCore;
using Monolith.Lb.LoadBalancers;
using Monolith.Lb.Nodes;
using Monolith.Platform.Storage;

namespace Monolith.Lb;

internal abstract class LbDb(DbContextOptions options) : ModuleDb("lb", options)
{
    public DbSet<LoadBalancerRow> LoadBalancers => Set<LoadBalancerRow>();
    public DbSet<StatusRow> Statuses => Set<StatusRow>();
    public DbSet<HeldAddressRow> HeldAddresses => Set<HeldAddressRow>();
    public DbSet<NodeRow> Nodes => Set<NodeRow>();

    protected override void OnModelCreating(ModelBuilder model)
    {
        model.Entity<LoadBalancerRow>(b =>
        {
            b.ToTable("load_balancers");
            b.HasIndex(x => x.Unsettled);
            b.Ignore(x => x.Conditions);
        });
        model.Entity<StatusRow>(s =>
        {
            s.ToTable("statuses").HasKey(x => new { x.LoadBalancerUid, x.Node });
            s.HasIndex(x => x.Node);
            s.Ignore(x => x.Status);
        });
        model.Entity<HeldAddressRow>(h =>
        {
            h.ToTable("held_addresses").HasKey(x => x.LoadBalancerUid);
            h.Property(x => x.LoadBalancerUid).ValueGeneratedNever();
        });
        model.Entity<NodeRow>().ToTable("nodes").HasKey(n => n.Id);
        base.OnModelCreating(model);
    }
}

internal sealed class SqliteLbDb(DbContextOptions options) : LbDb(options)
{
    public SqliteLbDb() : this(DesignTime.Sqlite()) { }
}

internal sealed class PostgresLbDb(DbContextOptions options) : LbDb(options)
{
    public PostgresLbDb() : this(DesignTime.Postgres("lb")) { }
}
