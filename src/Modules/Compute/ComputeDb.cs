using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Monolith.Compute.Flavors;
using Monolith.Compute.Hypervisors;
using Monolith.Compute.KeyPairs;
using Monolith.Compute.LiveMigration;
using Monolith.Compute.Logins;
using Monolith.Compute.Prewarms;
using Monolith.Compute.ServerGroups;
using Monolith.Compute.Servers;
using Monolith.Compute.Servers.Snapshots;
using Monolith.Compute.Steps;
using Monolith.Compute.Vms;
using Monolith.Platform.Storage;

namespace Monolith.Compute;

internal abstract class ComputeDb(DbContextOptions options) : ModuleDb("compute", options)
{
    public DbSet<FlavorRow> Flavors => Set<FlavorRow>();
    public DbSet<KeyPairRow> KeyPairs => Set<KeyPairRow>();
    public DbSet<ServerGroupRow> ServerGroups => Set<ServerGroupRow>();
    public DbSet<ServerRow> Servers => Set<ServerRow>();
    public DbSet<OperationRow> Operations => Set<OperationRow>();
    public DbSet<VmRow> Vms => Set<VmRow>();
    public DbSet<SnapshotRow> Snapshots => Set<SnapshotRow>();
    public DbSet<ImagePrewarmRow> ImagePrewarms => Set<ImagePrewarmRow>();
    public DbSet<ImageReportRow> ImageReports => Set<ImageReportRow>();
    public DbSet<LoginCertificateRow> LoginCertificates => Set<LoginCertificateRow>();
    public DbSet<HypervisorRow> Hypervisors => Set<HypervisorRow>();

    protected override void OnModelCreating(ModelBuilder model)
    {
        model.Entity<FlavorRow>().ToTable("flavors");
        model.Entity<KeyPairRow>().ToTable("key_pairs");
        model.Entity<ServerGroupRow>().ToTable("server_groups");
        model.Entity<HypervisorRow>(e =>
        {
            e.ToTable("hypervisors");
            e.Ignore(h => h.Id);
            e.Ignore(h => h.IsOpen);
        });
        model.Entity<ServerRow>(e =>
        {
            e.ToTable("servers");
            e.Property(s => s.Steps).HasConversion(StepList.Converter, StepList.Comparer);
            e.Property(s => s.Detail).HasConversion(
                detail => JsonSerializer.Serialize(detail, JsonSerializerOptions.Web),
                text => JsonSerializer.Deserialize<ServerDetail>(text, JsonSerializerOptions.Web)!);
            e.Property(s => s.Migration).HasConversion(
                migration => JsonSerializer.Serialize(migration, JsonSerializerOptions.Web),
                text => JsonSerializer.Deserialize<ServerMigration>(text, JsonSerializerOptions.Web),
                ServerMigration.Comparer);
            e.Ignore(s => s.Demand);
            e.Ignore(s => s.IsMigrating);
            e.Ignore(s => s.IsChangingAside);
            e.HasIndex(s => s.Unsettled);
            e.HasIndex(s => s.Hypervisor);
            e.HasIndex(s => s.ExpireTime).HasFilter("\"ExpireTime\" IS NOT NULL");
            // Most are in none, and cost nothing here.
            e.HasIndex(s => s.ServerGroup).HasFilter("\"ServerGroup\" IS NOT NULL");
            // Holds all that a quota asks for.
            e.HasIndex(s => new { s.Project, s.Vcpus, s.MemoryMib, s.DiskGib });
        });
        model.Entity<OperationRow>(e =>
        {
            e.ToTable("operations").HasKey(o => new { o.ServerUid, o.Number });
            e.Property(o => o.Steps).HasConversion(StepList.Converter, StepList.Comparer);
            e.HasIndex(o => o.ServerName);
            e.HasIndex(o => o.Start);
        });
        model.Entity<VmRow>(e =>
        {
            e.ToTable("vms").HasKey(v => v.Uid);
            e.Property(v => v.Uid).ValueGeneratedNever();
            e.Property(v => v.Steps).HasConversion(StepList.Converter, StepList.Comparer);
            e.Ignore(v => v.IsCurrent);
            e.Ignore(v => v.LastPowerGeneration);
            // One incarnation at a time, and one more that it comes from or goes to, whoever decides it.
            // Of what was given up there may be any number.
            e.HasIndex(v => new { v.ServerUid, v.Role }).IsUnique().HasFilter("\"Role\" <> 3");
            e.HasIndex(v => v.Hypervisor);
            e.HasIndex(v => v.ImageSha256);
        });
        model.Entity<SnapshotRow>(e =>
        {
            e.ToTable("snapshots").HasKey(s => s.Uid);
            e.Property(s => s.Uid).ValueGeneratedNever();
            // One at a time, whoever asks.
            e.HasIndex(s => s.ServerUid).IsUnique();
        });
        model.Entity<LoginCertificateRow>(e =>
        {
            e.ToTable("login_certificates");
            e.Ignore(c => c.Principals);
            e.HasIndex(c => new { c.ServerUid, c.Serial }).IsUnique();
        });
        model.Entity<ImagePrewarmRow>(e =>
        {
            e.ToTable("image_prewarms");
            e.Ignore(p => p.Wanted);
            e.Ignore(p => p.Tally);
            e.HasIndex(p => p.Sha256);
        });
        model.Entity<ImageReportRow>(e =>
        {
            e.ToTable("image_reports").HasKey(r => new { r.Hypervisor, r.Sha256 });
            e.HasIndex(r => r.Sha256);
        });
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
