using Microsoft.EntityFrameworkCore;
using Monolith.Identity.Access;
using Monolith.Identity.Nodes;
using Monolith.Identity.Projects;
using Monolith.Identity.Providers;
using Monolith.Identity.Quotas;
using Monolith.Identity.RoleBindings;
using Monolith.Identity.Secrets;
using Monolith.Identity.Tokens;
using Monolith.Identity.Users;
using Monolith.Platform.Storage;

namespace Monolith.Identity;

internal abstract class IdentityDb(DbContextOptions options) : ModuleDb("identity", options)
{
    public DbSet<ProjectRow> Projects => Set<ProjectRow>();
    public DbSet<UserRow> Users => Set<UserRow>();
    public DbSet<TokenRow> Tokens => Set<TokenRow>();
    public DbSet<RoleRow> Roles => Set<RoleRow>();
    public DbSet<RoleBindingRow> RoleBindings => Set<RoleBindingRow>();
    public DbSet<QuotaRow> Quotas => Set<QuotaRow>();
    public DbSet<NodeRow> Nodes => Set<NodeRow>();
    public DbSet<DataKeyRow> DataKeys => Set<DataKeyRow>();
    public DbSet<JoinTokenRow> JoinTokens => Set<JoinTokenRow>();
    public DbSet<ProviderRow> IdentityProviders => Set<ProviderRow>();
    public DbSet<UsedIdTokenRow> UsedIdTokens => Set<UsedIdTokenRow>();

    protected override void OnModelCreating(ModelBuilder model)
    {
        model.Entity<ProjectRow>().ToTable("projects");
        model.Entity<UserRow>(u =>
        {
            u.ToTable("users");
            u.HasIndex(x => new { x.IdentityProvider, x.Subject }).IsUnique();
        });
        model.Entity<TokenRow>(t =>
        {
            t.ToTable("tokens");
            t.HasIndex(x => x.Digest).IsUnique();
            t.HasIndex(x => x.User);
            t.HasIndex(x => x.IdentityProvider);
        });
        model.Entity<RoleRow>().ToTable("roles");
        model.Entity<RoleBindingRow>(b =>
        {
            b.ToTable("role_bindings");
            b.HasIndex(x => new { x.Member, x.Scope, x.Role }).IsUnique();
            b.HasIndex(x => x.Scope);
            b.HasIndex(x => x.Role);
        });
        model.Entity<QuotaRow>().ToTable("quotas");
        model.Entity<NodeRow>().ToTable("nodes");
        model.Entity<DataKeyRow>(k =>
        {
            k.ToTable("data_keys").HasKey(x => x.Id);
            k.Property(x => x.Id).ValueGeneratedNever();
        });
        model.Entity<JoinTokenRow>(t =>
        {
            t.ToTable("join_tokens").HasKey(x => x.Id);
            t.Property(x => x.Id).ValueGeneratedNever();
            t.HasIndex(x => x.Digest).IsUnique();
            t.HasIndex(x => x.ExpireTime);
        });
        model.Entity<ProviderRow>().ToTable("identity_providers");
        model.Entity<UsedIdTokenRow>(t =>
        {
            t.ToTable("used_id_tokens").HasKey(x => x.Digest);
            t.HasIndex(x => x.ExpireTime);
        });
        base.OnModelCreating(model);
    }
}

internal sealed class SqliteIdentityDb(DbContextOptions options) : IdentityDb(options)
{
    public SqliteIdentityDb() : this(DesignTime.Sqlite()) { }
}

internal sealed class PostgresIdentityDb(DbContextOptions options) : IdentityDb(options)
{
    public PostgresIdentityDb() : this(DesignTime.Postgres("identity")) { }
}
