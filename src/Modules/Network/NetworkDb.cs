using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Monolith.Network.AddressPools;
using Monolith.Network.Addresses;
using Monolith.Network.AddressSets;
using Monolith.Network.Fabric;
using Monolith.Network.FabricBreaches;
using Monolith.Network.FloatingAddresses;
using Monolith.Network.Networks;
using Monolith.Network.Ports;
using Monolith.Network.Reservations;
using Monolith.Network.SecurityGroups;
using Monolith.Network.Translation;
using Monolith.Platform.Storage;

namespace Monolith.Network;

internal abstract class NetworkDb(DbContextOptions options) : ModuleDb("network", options)
{
    public DbSet<AddressPoolRow> AddressPools => Set<AddressPoolRow>();
    public DbSet<PoolUsageRow> PoolUsages => Set<PoolUsageRow>();
    public DbSet<FreeRangeRow> FreeRanges => Set<FreeRangeRow>();
    public DbSet<AddressRow> Addresses => Set<AddressRow>();
    public DbSet<PastAddressRow> PastAddresses => Set<PastAddressRow>();
    public DbSet<PoolSampleRow> PoolSamples => Set<PoolSampleRow>();
    public DbSet<ReservationRow> Reservations => Set<ReservationRow>();
    public DbSet<NetworkRow> Networks => Set<NetworkRow>();
    public DbSet<SecurityGroupRow> SecurityGroups => Set<SecurityGroupRow>();
    public DbSet<GroupRemoteRow> GroupRemotes => Set<GroupRemoteRow>();
    public DbSet<AddressSetRow> AddressSets => Set<AddressSetRow>();
    public DbSet<FloatingAddressRow> FloatingAddresses => Set<FloatingAddressRow>();
    public DbSet<NatAddressRow> NatAddresses => Set<NatAddressRow>();
    public DbSet<PortRow> Ports => Set<PortRow>();
    public DbSet<PortGroupRow> PortGroups => Set<PortGroupRow>();
    public DbSet<FabricPeerRow> FabricPeers => Set<FabricPeerRow>();
    public DbSet<FabricBreachRow> FabricBreaches => Set<FabricBreachRow>();
    public DbSet<PortDefaultsRow> PortDefaults => Set<PortDefaultsRow>();

    protected override void OnModelCreating(ModelBuilder model)
    {
        model.Entity<AddressPoolRow>(e =>
        {
            e.ToTable("address_pools");
            e.Ignore(p => p.Cidrs).Ignore(p => p.Space).Ignore(p => p.Excluded);
        });
        model.Entity<PoolUsageRow>(e =>
        {
            e.ToTable("pool_usages").HasKey(u => u.PoolUid);
            e.Property(u => u.PoolUid).ValueGeneratedNever();
        });
        model.Entity<FreeRangeRow>(e =>
        {
            e.ToTable("free_ranges").HasKey(r => r.Last);
            e.HasIndex(r => new { r.PoolUid, r.Family, r.FreeAfter, r.First });
            Ordered(e.Property(r => r.Last));
            Ordered(e.Property(r => r.First));
        });
        model.Entity<AddressRow>(e =>
        {
            e.ToTable("addresses").HasKey(a => a.Address);
            e.HasIndex(a => a.HolderUid);
            e.HasIndex(a => new { a.Project, a.Address });
            Ordered(e.Property(a => a.Address));
        });
        model.Entity<PastAddressRow>(e =>
        {
            e.ToTable("past_addresses").HasKey(a => a.Id);
            e.HasIndex(a => new { a.Address, a.From });
            e.HasIndex(a => a.Owner);
        });
        model.Entity<PoolSampleRow>().ToTable("pool_samples").HasKey(s => new { s.PoolUid, s.Time });
        model.Entity<ReservationRow>(e =>
        {
            e.ToTable("reservations").Ignore(r => r.Range).Ignore(r => r.For);
            e.HasIndex(r => r.First).IsUnique();
            e.HasIndex(r => new { r.PoolUid, r.Last });
            Ordered(e.Property(r => r.First));
            Ordered(e.Property(r => r.Last));
        });
        model.Entity<NetworkRow>().ToTable("networks");
        model.Entity<SecurityGroupRow>().ToTable("security_groups").Ignore(g => g.Rules);
        model.Entity<GroupRemoteRow>(e =>
        {
            e.ToTable("group_remotes").HasKey(r => new { r.GroupUid, r.RemoteUid });
            e.HasIndex(r => r.RemoteUid);
        });
        model.Entity<AddressSetRow>().ToTable("address_sets");
        model.Entity<FloatingAddressRow>(e =>
        {
            e.ToTable("floating_addresses");
            e.HasIndex(f => f.Address).IsUnique();
            e.HasIndex(f => f.PortUid);
        });
        model.Entity<NatAddressRow>(e =>
        {
            e.ToTable("nat_addresses").HasKey(a => new { a.Hypervisor, a.PoolUid, a.Family });
            e.HasIndex(a => a.PoolUid);
        });
        model.Entity<PortRow>(e =>
        {
            e.ToTable("ports").Ignore(p => p.Conditions);
            e.HasIndex(p => p.MacAddress).IsUnique();
            e.HasIndex(p => new { p.OwnerUid, p.OwnerIndex }).IsUnique();
            e.HasIndex(p => p.Hypervisor);
            e.HasIndex(p => p.SharedWith);
            e.HasIndex(p => p.Network);
        });
        model.Entity<PortGroupRow>(e =>
        {
            e.ToTable("port_groups").HasKey(g => new { g.PortUid, g.GroupUid });
            e.HasIndex(g => g.GroupUid);
        });
        model.Entity<FabricPeerRow>(e =>
        {
            e.ToTable("fabric_peers");
            e.HasIndex(p => p.Node);
        });
        model.Entity<FabricBreachRow>(e =>
        {
            e.ToTable("fabric_breaches");
            e.HasIndex(b => b.Node);
        });
        model.Entity<PortDefaultsRow>(e =>
        {
            e.ToTable("port_defaults").HasKey(d => d.Id);
            e.Property(d => d.Id).ValueGeneratedNever();
        });
        base.OnModelCreating(model);
    }

    // Address order is text order: both databases must mean the same by that.
    void Ordered(PropertyBuilder<string> column)
    {
        if (Database.IsNpgsql()) column.UseCollation("C");
    }
}

internal sealed class SqliteNetworkDb(DbContextOptions options) : NetworkDb(options)
{
    public SqliteNetworkDb() : this(DesignTime.Sqlite()) { }
}

internal sealed class PostgresNetworkDb(DbContextOptions options) : NetworkDb(options)
{
    public PostgresNetworkDb() : this(DesignTime.Postgres("network")) { }
}
