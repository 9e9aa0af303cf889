using Microsoft.EntityFrameworkCore;
using Monolith.Image.Images;
using Monolith.Platform.Storage;

namespace Monolith.Image;

internal abstract class ImageDb(DbContextOptions options) : ModuleDb("image", options)
{
    public DbSet<ImageRow> Images => Set<ImageRow>();

    protected override void OnModelCreating(ModelBuilder model)
    {
        model.Entity<ImageRow>(e =>
        {
            e.ToTable("images");
            e.HasIndex(i => i.Sha256);
        });
        base.OnModelCreating(model);
    }
}

internal sealed class SqliteImageDb(DbContextOptions options) : ImageDb(options)
{
    public SqliteImageDb() : this(DesignTime.Sqlite()) { }
}

internal sealed class PostgresImageDb(DbContextOptions options) : ImageDb(options)
{
    public PostgresImageDb() : this(DesignTime.Postgres("image")) { }
}
