using Microsoft.EntityFrameworkCore;
using Monolith.Compute.Flavors;
using Monolith.Platform.Storage;

namespace Monolith.Compute;

internal abstract class ComputeDb(DbContextOptions options) : ModuleDb("compute", options)
{
    public DbSet<FlavorRow> Flavors => Set<FlavorRow>();

    protected override void OnModelCreating(ModelBuilder model)
    {
        model.Entity<FlavorRow>().ToTable("flavors");
        base.OnModelCreating(model);
    }
}

internal sealed class SqliteComputeDb(DbContextOptions options) : ComputeDb(options)
{
    public SqliteComputeDb() : this(DesignTime.Sqlite()) { }
}

internal sealed class PostgresComputeDb(DbContextOptions options) : ComputeDb(options)
{
    public PostgresComputeDb() : this(DesignTime.Postgres("compute")) { }
}
