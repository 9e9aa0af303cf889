using Microsoft.EntityFrameworkCore;
using Monolith.Agent.V1;
using Monolith.Network.Addresses;
using Monolith.Network.Ports;
using Monolith.Network.V1;
using Monolith.Platform.Faults;
using Monolith.Platform.Storage;
using State = Monolith.Network.V1.FloatingAddress.Types.State;

namespace Monolith.Network.FloatingAddresses;

/// <summary>
/// Which port a floating address stands for. The port's row has the addresses as well, since its hypervisor is told of them with
/// it; both change in one unit.
/// </summary>
internal static class Attachments
{
    public const int Most = 8;

    /// <summary>The port that is named, by its own name or by its owner's; null, with a violation, when there is none.</summary>
    public static async Task<PortRow?> FindAsync(NetworkDb db, string project, string named, Ip address, Violations violations)
    {
        const string field = "floating_address.port";
        var port = await db.Ports.Where(p => p.Project == project && (p.Name == named || p.Owner == named))
            .OrderBy(p => p.OwnerIndex).FirstOrDefaultAsync();
        if (port is null)
        {
            violations.Add(field, named.Contains("/servers/", StringComparison.Ordinal)
                ? $"{named} is no server of projects/{project} with a port"
                : $"{named} does not exist in projects/{project}");
            return null;
        }
        violations.Require(InternalOf(port, address) is not null, field,
            $"{port.Name} has no IPv{address.Family} address that {address} could stand for");
        violations.Require(Words.Load(port.FloatingAddresses).Except([address.ToString()]).Count() < Most, field,
            $"{port.Name} has {Most} floating addresses already, and cannot have more");
        return port;
    }

    /// <summary>The port's own address that an external one stands for: its first of the family.</summary>
    public static string? InternalOf(PortRow port, Ip external) => Array.Find(Words.Load(port.Addresses),
        a => Ip.TryParse(a, out var ip) && ip.Family == external.Family);

    /// <summary>Attaches it to a port, in place of the one before; null: to none.</summary>
    public static async Task MoveAsync(Unit<NetworkDb> unit, FloatingAddressRow row, PortRow? port, Wakes wakes)
    {
        if (row.PortUid == port?.Uid) return;
        if (row.PortUid is { } before)
            Change(unit, await unit.Db.Ports.FirstAsync(p => p.Uid == before), wakes, its => its.Except([row.Address]));
        (row.PortUid, row.Port, row.Owner) = (port?.Uid, port?.Name ?? "", port?.Owner ?? "");
        row.State = port is null ? State.Unattached : State.Pending;
        if (port is not null) Change(unit, port, wakes, its => its.Append(row.Address));
    }

    /// <summary>The ports go: what stood for them stands for nobody.</summary>
    public static async Task ReleaseAsync(Unit<NetworkDb> unit, IReadOnlyList<PortRow> ports)
    {
        var uids = ports.Where(p => p.FloatingAddresses.Length > 0).Select(p => (Guid?)p.Uid).ToList();
        if (uids.Count == 0) return;
        foreach (var row in await unit.Db.FloatingAddresses.Where(f => uids.Contains(f.PortUid)).ToListAsync())
        {
            (row.PortUid, row.Port, row.Owner, row.State) = (null, "", "", State.Unattached);
            Changed(unit, row);
        }
    }

    /// <summary>The port's hypervisor says how it is with them; null: the port went to another, or to none.</summary>
    public static async Task FollowAsync(Unit<NetworkDb> unit, PortRow port, PortStatus? status)
    {
        if (port.FloatingAddresses.Length == 0) return;
        foreach (var row in await unit.Db.FloatingAddresses.Where(f => f.PortUid == port.Uid).ToListAsync())
        {
            var state = StateOf(row.Address, status);
            if (state == row.State) continue;
            row.State = state;
            Changed(unit, row);
        }
    }

    /// <summary>Pure.</summary>
    public static State StateOf(string address, PortStatus? status) => status switch
    {
        { State: PortStatus.Types.State.Failed } => State.Failed,
        not null when status.AnnouncedExternals.Contains(address) => State.Active,
        _ => State.Pending,
    };

    public static FloatingAddress Emit(Unit<NetworkDb> unit, Change change, FloatingAddressRow row)
    {
        var address = row.ToProto();
        unit.Emit("floatingAddress", change, row.Name, row.Project, address);
        return address;
    }

    static void Changed(Unit<NetworkDb> unit, FloatingAddressRow row)
    {
        row.Touch("", unit.Now);
        Emit(unit, Platform.Storage.Change.Updated, row);
    }

    static void Change(Unit<NetworkDb> unit, PortRow port, Wakes wakes, Func<IEnumerable<string>, IEnumerable<string>> change)
    {
        port.FloatingAddresses = Words.Store(change(Words.Load(port.FloatingAddresses)).Distinct());
        port.SpecGeneration++;
        port.Touch("", unit.Now);
        wakes.Port(port);
        PortMaking.Emit(unit, Platform.Storage.Change.Updated, port);
    }
}
