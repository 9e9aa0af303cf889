using Microsoft.EntityFrameworkCore;
using Monolith.Image.Images;
using Monolith.Platform.Storage;
using ImageMessage = Monolith.Image.V1.Image;

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
            e.HasIndex(i => new { i.Project, i.Family });
            // Of images that were there before there was such a word.
            e.Property(i => i.Deprecation).HasDefaultValue(ImageMessage.Types.Deprecation.None)
                .HasSentinel(ImageMessage.Types.Deprecation.Unspecified);
            e.Property(i => i.State).HasDefaultValue(ImageMessage.Types.State.Ready)
                .HasSentinel(ImageMessage.Types.State.Unspecified);
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
