using Microsoft.EntityFrameworkCore;
using Monolith.Compute;
using Monolith.Compute.Hypervisors;
using Monolith.Compute.Servers;
using Monolith.Compute.Servers.Snapshots;
using Monolith.Compute.Vms;
using Monolith.Dns;
using Monolith.Dns.RecordSets;
using Monolith.Events;
using Monolith.Events.V1;
using Monolith.Identity;
using Monolith.Image;
using Monolith.Image.Images;
using Monolith.Lb;
using Monolith.Network;
using Monolith.Network.Addresses;
using Monolith.Network.Ports;
using Monolith.Platform.Storage;

namespace Monolith.Simulation.Tests.Promises;

/// <summary>All rows as they are committed, read past the host.</summary>
internal sealed record Facts(
    IReadOnlyList<ServerRow> Servers, IReadOnlyList<VmRow> Vms, IReadOnlyList<HypervisorRow> Hypervisors,
    IReadOnlyList<PortRow> Ports, IReadOnlyList<AddressRow> Addresses, IReadOnlyList<PoolUsageRow> Usages,
    IReadOnlyList<RecordSetRow> Records, IReadOnlyList<ImageRow> Images, IReadOnlyList<SnapshotRow> Snapshots,
    IReadOnlyDictionary<string, IReadOnlyDictionary<string, long>> QuotaUsage)
{
    public static Facts Read(DatabaseOptions at)
    {
        using var compute = Compute(at);
        using var network = Network(at);
        using var dns = Dns(at);
        using var image = Image(at);
        return new(
            [.. compute.Servers.AsNoTracking().OrderBy(s => s.Name)],
            [.. compute.Vms.AsNoTracking().OrderBy(v => v.Uid)],
            [.. compute.Hypervisors.AsNoTracking().OrderBy(h => h.Name)],
            [.. network.Ports.AsNoTracking().OrderBy(p => p.Name)],
            [.. network.Addresses.AsNoTracking().OrderBy(a => a.Address)], [.. network.PoolUsages.AsNoTracking()],
            [.. dns.RecordSets.AsNoTracking().Where(r => r.OwnerUid != null).OrderBy(r => r.Name)],
            [.. image.Images.AsNoTracking().OrderBy(i => i.Name)], [.. compute.Snapshots.AsNoTracking()],
            Usage(at, compute, network, image));
    }

    /// <summary>What each project uses of what is limited, as quotas ask for it.</summary>
    static Dictionary<string, IReadOnlyDictionary<string, long>> Usage(DatabaseOptions at, ComputeDb compute,
        NetworkDb network, ImageDb image)
    {
        using var identity = Identity(at);
        return identity.Projects.AsNoTracking().Select(p => p.Name).ToList()
            .Select(name => name["projects/".Length..])
            .ToDictionary(project => project, project => (IReadOnlyDictionary<string, long>)new[]
            {
                ComputeModule.Counts.UsageAsync(compute, project).GetAwaiter().GetResult(),
                Monolith.Network.Quotas.Counts.UsageAsync(network, project).GetAwaiter().GetResult(),
                ImageModule.Counts.UsageAsync(image, project).GetAwaiter().GetResult(),
            }.SelectMany(usage => usage).ToDictionary(StringComparer.Ordinal), StringComparer.Ordinal);
    }

    /// <summary>Each module's events, in order, by their uids.</summary>
    public static IReadOnlyDictionary<string, IReadOnlyList<Guid>> Events(DatabaseOptions at)
    {
        var events = new Dictionary<string, IReadOnlyList<Guid>>(StringComparer.Ordinal);
        foreach (var module in Modules(at))
            using (module) events[module.Schema] = [.. module.Events.OrderBy(e => e.Sequence).Select(e => e.Uid)];
        return events;
    }

    /// <summary>The databases of all that own something.</summary>
    public static ModuleDb[] Modules(DatabaseOptions at) => [Identity(at), Image(at), Network(at), Dns(at), Compute(at), Lb(at)];

    public static IReadOnlyList<(long Sequence, string Type, Guid Uid)> Log(DatabaseOptions at)
    {
        using EventsDb db = at.Postgres is null ? new SqliteEventsDb(Sqlite(at, "events")) : new PostgresEventsDb(Postgres(at));
        return [.. db.Log.OrderBy(l => l.Sequence).Select(l => new { l.Sequence, l.Type, l.Uid }).AsEnumerable()
            .Select(l => (l.Sequence, l.Type, l.Uid))];
    }

    /// <summary>Changes that calls made, by their modules: what the audit log must have.</summary>
    public static IReadOnlyList<Guid> Deeds(DatabaseOptions at)
    {
        var deeds = new List<Guid>();
        foreach (var module in Modules(at))
            using (module) deeds.AddRange(module.Events.Where(e => e.Method != "").Select(e => e.Uid));
        return deeds;
    }

    public static IReadOnlyList<AuditEntry> Audit(DatabaseOptions at)
    {
        using EventsDb db = at.Postgres is null ? new SqliteEventsDb(Sqlite(at, "events")) : new PostgresEventsDb(Postgres(at));
        return [.. db.AuditEntries.OrderBy(a => a.Sequence).AsEnumerable().Select(a => a.ToProto())];
    }

    static ComputeDb Compute(DatabaseOptions at) =>
        at.Postgres is null ? new SqliteComputeDb(Sqlite(at, "compute")) : new PostgresComputeDb(Postgres(at));

    static NetworkDb Network(DatabaseOptions at) =>
        at.Postgres is null ? new SqliteNetworkDb(Sqlite(at, "network")) : new PostgresNetworkDb(Postgres(at));

    static DnsDb Dns(DatabaseOptions at) =>
        at.Postgres is null ? new SqliteDnsDb(Sqlite(at, "dns")) : new PostgresDnsDb(Postgres(at));

    static ImageDb Image(DatabaseOptions at) =>
        at.Postgres is null ? new SqliteImageDb(Sqlite(at, "image")) : new PostgresImageDb(Postgres(at));

    static IdentityDb Identity(DatabaseOptions at) =>
        at.Postgres is null ? new SqliteIdentityDb(Sqlite(at, "identity")) : new PostgresIdentityDb(Postgres(at));

    static LbDb Lb(DatabaseOptions at) =>
        at.Postgres is null ? new SqliteLbDb(Sqlite(at, "lb")) : new PostgresLbDb(Postgres(at));

    static DbContextOptions Sqlite(DatabaseOptions at, string module) => new DbContextOptionsBuilder()
        .UseSqlite($"Data Source={Path.Combine(at.Directory, module + ".db")};Mode=ReadWrite").Options;

    static DbContextOptions Postgres(DatabaseOptions at) => new DbContextOptionsBuilder().UseNpgsql(at.Postgres).Options;
}
