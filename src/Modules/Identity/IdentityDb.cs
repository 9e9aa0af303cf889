using Microsoft.EntityFrameworkCore;
using Monolith.Identity.Access;
using Monolith.Identity.AccessTokens;
using Monolith.Identity.Authority;
using Monolith.Identity.Domains;
using Monolith.Identity.Groups;
using Monolith.Identity.Nodes;
using Monolith.Identity.Projects;
using Monolith.Identity.Providers;
using Monolith.Identity.Quotas;
using Monolith.Identity.RoleBindings;
using Monolith.Identity.Secrets;
using Monolith.Identity.ServiceAccounts;
using Monolith.Identity.Tokens;
using Monolith.Identity.Users;
using Monolith.Platform.Storage;

namespace Monolith.Identity;

internal abstract class IdentityDb(DbContextOptions options) : ModuleDb("identity", options)
{
    public DbSet<DomainRow> Domains => Set<DomainRow>();
    public DbSet<ProjectRow> Projects => Set<ProjectRow>();
    public DbSet<UserRow> Users => Set<UserRow>();
    public DbSet<ServiceAccountRow> ServiceAccounts => Set<ServiceAccountRow>();
    public DbSet<GroupRow> Groups => Set<GroupRow>();
    public DbSet<TokenRow> Tokens => Set<TokenRow>();
    public DbSet<RoleRow> Roles => Set<RoleRow>();
    public DbSet<RoleBindingRow> RoleBindings => Set<RoleBindingRow>();
    public DbSet<QuotaRow> Quotas => Set<QuotaRow>();
    public DbSet<NodeRow> Nodes => Set<NodeRow>();
    public DbSet<SigningKeyRow> SigningKeys => Set<SigningKeyRow>();
    public DbSet<DataKeyRow> DataKeys => Set<DataKeyRow>();
    public DbSet<JoinTokenRow> JoinTokens => Set<JoinTokenRow>();
    public DbSet<AuthorityRow> Authorities => Set<AuthorityRow>();
    public DbSet<ProviderRow> IdentityProviders => Set<ProviderRow>();
    public DbSet<UsedIdTokenRow> UsedIdTokens => Set<UsedIdTokenRow>();

    protected override void OnModelCreating(ModelBuilder model)
    {
        model.Entity<ProjectRow>(p =>
        {
            p.ToTable("projects");
            p.HasIndex(x => x.DeleteTime).HasFilter("\"DeleteTime\" IS NOT NULL");
        });
        model.Entity<DomainRow>().ToTable("domains");
        model.Entity<UserRow>(u =>
        {
            u.ToTable("users");
            u.HasIndex(x => new { x.IdentityProvider, x.Subject }).IsUnique();
        });
        model.Entity<ServiceAccountRow>().ToTable("service_accounts");
        model.Entity<GroupRow>().ToTable("groups");
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
            b.HasIndex(x => new { x.Member, x.Scope, x.Role, x.ScopeUid, x.ResourceLabels }).IsUnique();
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
        model.Entity<SigningKeyRow>(k =>
        {
            k.ToTable("signing_keys").HasKey(x => x.Period);
            k.Property(x => x.Period).ValueGeneratedNever();
        });
        model.Entity<AuthorityRow>(a =>
        {
            a.ToTable("authorities");
            // One of each use signs, and one is the next, whichever host was first.
            a.HasIndex(x => new { x.Use, x.State }).IsUnique().HasFilter("\"State\" <> 3");
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
