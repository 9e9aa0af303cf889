using Microsoft.EntityFrameworkCore;
using Monolith.Compute;
using Monolith.Compute.Hypervisors;
using Monolith.Compute.Servers;
using Monolith.Compute.Vms;
using Monolith.Dns;
using Monolith.Dns.RecordSets;
using Monolith.Events;
using Monolith.Identity;
using Monolith.Image;
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
    IReadOnlyList<RecordSetRow> Records)
{
    public static Facts Read(string directory)
    {
        using var compute = new SqliteComputeDb(Options(directory, "compute"));
        using var network = new SqliteNetworkDb(Options(directory, "network"));
        using var dns = new SqliteDnsDb(Options(directory, "dns"));
        return new(
            [.. compute.Servers.AsNoTracking().OrderBy(s => s.Name)],
            [.. compute.Vms.AsNoTracking().OrderBy(v => v.Uid)],
            [.. compute.Hypervisors.AsNoTracking().OrderBy(h => h.Name)],
            [.. network.Ports.AsNoTracking().OrderBy(p => p.Name)],
            [.. network.Addresses.AsNoTracking().OrderBy(a => a.Address)], [.. network.PoolUsages.AsNoTracking()],
            [.. dns.RecordSets.AsNoTracking().Where(r => r.OwnerUid != null).OrderBy(r => r.Name)]);
    }

    /// <summary>Each module's events, in order, by their uids.</summary>
    public static IReadOnlyDictionary<string, IReadOnlyList<Guid>> Events(string directory)
    {
        ModuleDb[] modules =
        [
            new SqliteIdentityDb(Options(directory, "identity")), new SqliteImageDb(Options(directory, "image")),
            new SqliteNetworkDb(Options(directory, "network")), new SqliteDnsDb(Options(directory, "dns")),
            new SqliteComputeDb(Options(directory, "compute")), new SqliteLbDb(Options(directory, "lb")),
        ];
        var events = new Dictionary<string, IReadOnlyList<Guid>>(StringComparer.Ordinal);
        foreach (var module in modules)
            using (module) events[module.Schema] = [.. module.Events.OrderBy(e => e.Sequence).Select(e => e.Uid)];
        return events;
    }

    public static IReadOnlyList<(long Sequence, string Type, Guid Uid)> Log(string directory)
    {
        using var db = new SqliteEventsDb(Options(directory, "events"));
        return [.. db.Log.OrderBy(l => l.Sequence).Select(l => new { l.Sequence, l.Type, l.Uid }).AsEnumerable()
            .Select(l => (l.Sequence, l.Type, l.Uid))];
    }

    static DbContextOptions Options(string directory, string module) => new DbContextOptionsBuilder()
        .UseSqlite($"Data Source={Path.Combine(directory, module + ".db")};Mode=ReadWrite").Options;
}
