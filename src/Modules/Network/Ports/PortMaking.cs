using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Monolith.Network.AddressPools;
using Monolith.Network.Addresses;
using Monolith.Network.FloatingAddresses;
using Monolith.Network.SecurityGroups;
using Monolith.Network.Translation;
using Monolith.Network.V1;
using Monolith.Platform;
using Monolith.Platform.Faults;
using Monolith.Platform.Names;
using Monolith.Platform.Storage;

namespace Monolith.Network.Ports;

/// <summary>Makes and unmakes ports, with their addresses and memberships, inside a unit.</summary>
internal static class PortMaking
{
    /// <exception cref="Fault">FAILED_PRECONDITION when a chosen address is not free; RESOURCE_EXHAUSTED when the
    /// pools have none.</exception>
    public static async Task<PortRow> MakeAsync(Unit<NetworkDb> unit, PortPlan plan, Wakes wakes,
        string hypervisor = "")
    {
        var wish = plan.Wish;
        var uid = Chance.NewUid();
        var name = wish.Name ?? MadeName(wish, uid);
        var addresses = await ClaimAsync(unit, plan, uid, wish.Owner.Length > 0 ? wish.Owner : name, AnyOf(plan));
        var row = new PortRow
        {
            Uid = uid,
            Name = name,
            Project = wish.Project,
            Labels = wish.Labels,
            Network = wish.Network,
            Addresses = Words.Store(addresses.Select(a => a.ToString())),
            MacAddress = RandomMac(),
            Mtu = plan.Network.Mtu,
            Hostname = wish.Hostname.Length > 0 ? wish.Hostname : ResourceName.LastId(name),
            AllowedPrefixes = Words.Store(wish.AllowedPrefixes),
            EgressRate = wish.EgressRate,
            IngressRate = wish.IngressRate,
            NatPool = plan.Network.NatAddressPool,
            SecurityGroups = Words.Store(plan.Groups.Select(g => g.Name).Order(StringComparer.Ordinal)),
            Owner = wish.Owner,
            OwnerUid = wish.OwnerUid,
            OwnerIndex = wish.OwnerIndex,
            CreateTime = unit.Now,
            UpdateTime = unit.Now,
        };
        await BindAsync(unit, row, hypervisor, wakes);
        unit.Db.Ports.Add(row);
        unit.Db.PortGroups.AddRange(plan.Groups.Select(g => new PortGroupRow { PortUid = uid, GroupUid = g.Uid }));
        await MembersChangedAsync(unit.Db, [.. plan.Groups.Select(g => g.Uid)], wakes);
        Emit(unit, Change.Created, row);
        return row;
    }

    /// <summary>Says which hypervisor is to have the port; empty: none, and its addresses stay claimed.</summary>
    /// <returns>Whether that is another than before.</returns>
    public static async Task<bool> BindAsync(Unit<NetworkDb> unit, PortRow port, string hypervisor, Wakes wakes)
    {
        if (port.Hypervisor == hypervisor) return false;
        wakes.Left(port);
        port.Hypervisor = hypervisor;
        port.SharedWith = "";
        await NatGateways.AssignAsync(unit, port);
        await Attachments.FollowAsync(unit, port, null);
        if (hypervisor.Length == 0)
        {
            PortStates.Unbind(port);
            return true;
        }
        port.BoundGeneration = ++port.SpecGeneration;
        PortStates.Await(port, unit.Now);
        wakes.Port(port);
        return true;
    }

    /// <summary>Says which hypervisor makes the port beside the one that has it; empty: none.</summary>
    /// <returns>Whether that is another than before.</returns>
    public static async Task<bool> ShareAsync(Unit<NetworkDb> unit, PortRow port, string hypervisor, Wakes wakes)
    {
        if (hypervisor == port.Hypervisor) hypervisor = "";
        if (port.SharedWith == hypervisor) return false;
        wakes.Left(port);
        port.SharedWith = hypervisor;
        await NatGateways.AssignAsync(unit, port);
        wakes.Port(port);
        return true;
    }

    public static async Task UnmakeAsync(Unit<NetworkDb> unit, IReadOnlyList<PortRow> ports, TimeSpan quarantine,
        Wakes wakes)
    {
        if (ports.Count == 0) return;
        var uids = ports.Select(p => p.Uid).ToList();
        var groups = await PortQueries.GroupsOf(unit.Db, uids);
        unit.Db.PortGroups.RemoveRange(groups);
        unit.Db.Ports.RemoveRange(ports);
        foreach (var port in ports)
        {
            wakes.Left(port);
            Emit(unit, Change.Deleted, port);
        }
        await Attachments.ReleaseAsync(unit, ports);
        await AddressBook.ReleaseAsync(unit, uids, quarantine);
        await MembersChangedAsync(unit.Db, [.. groups.Select(g => g.GroupUid).Distinct()], wakes);
    }

    /// <summary>Ports joined or left the groups.</summary>
    public static async Task MembersChangedAsync(NetworkDb db, IReadOnlyList<Guid> groups, Wakes wakes)
    {
        if (groups.Count == 0) return;
        await db.SecurityGroups.Where(g => groups.Contains(g.Uid))
            .ExecuteUpdateAsync(s => s.SetProperty(g => g.SetGeneration, g => g.SetGeneration + 1));
        wakes.Sets(groups);
    }

    public static Port Emit(Unit<NetworkDb> unit, Change change, PortRow row)
    {
        var port = row.ToProto();
        unit.Emit("port", change, row.Name, row.Project, port);
        return port;
    }

    /// <summary>The fault of a chosen address that cannot be had; null when it can.</summary>
    public static string? Problem(Ip address, Claimed? claimed) => claimed switch
    {
        Claimed.Held => $"{address} is held by somebody else. Choose another, or none to get any free one.",
        Claimed.Quarantined q =>
            $"{address} was released a moment ago and is in quarantine until {q.Until:O}. Choose another, or wait.",
        Claimed.Reserved r => $"{address} is reserved for {r.Reservation.For} ({r.Reservation.Name}). Choose another, or none "
            + "to get any free one.",
        Claimed.NotGiven => $"{address} is excluded from its pool. Choose another, or none to get any free one.",
        _ => null,
    };

    /// <summary>Families of which any address is to be claimed: those that are asked for, and those that nobody thought of.</summary>
    static List<int> AnyOf(PortPlan plan)
    {
        var any = plan.Wish.Addresses.Select(a => Ip.TryParse(a, out var ip) && AddressChange.IsAny(ip) ? ip.Family : 0)
            .Where(f => f > 0).ToList();
        any.AddRange(Ip.Families.Where(f => !any.Contains(f) && plan.Chosen.All(c => c.Address.Family != f)
            && PoolChoice.Eligible(plan.Pools, plan.Want(f)).Count > 0));
        return any;
    }

    /// <summary>Claims what the plan names, and one more for each of the families.</summary>
    public static async Task<List<Ip>> ClaimAsync(Unit<NetworkDb> unit, PortPlan plan, Guid holder, string owner,
        IReadOnlyList<int> any)
    {
        var addresses = new List<Ip>();
        foreach (var (address, pool) in plan.Chosen)
        {
            var claimed = await AddressBook.ClaimAsync(unit, pool.Uid, address, holder, owner);
            if (Problem(address, claimed) is { } problem)
                throw Fault.Precondition("ADDRESS_NOT_FREE", pool.Name, problem);
            addresses.Add(address);
        }
        foreach (var family in any)
        {
            var pools = PoolChoice.Eligible(plan.Pools, plan.Want(family));
            Ip? found = null;
            foreach (var pool in pools)
            {
                if (await AddressBook.ClaimAsync(unit, pool.Uid, family, holder, owner) is not Claimed.Yes yes) continue;
                found = yes.Address;
                break;
            }
            addresses.Add(found ?? throw await PoolFaults.ExhaustedAsync(unit.Db, pools, family, unit.Now,
                PoolChoice.Explain(plan.Pools, plan.Want(family))));
        }
        // The order within a family says which is the first.
        return [.. addresses.OrderBy(a => a.Family)];
    }

    static string MadeName(PortWish wish, Guid uid)
    {
        var owner = ResourceName.LastId(wish.Owner);
        if (owner.Length > 40) owner = owner[..40];
        // The end of a UUIDv7 is random: an owner that was made again under its old name does not meet its old ports.
        return $"projects/{wish.Project}/ports/{owner}-{wish.OwnerIndex}-{uid.ToString("N")[^12..]}";
    }

    // 02: locally administered, one receiver (IEEE 802). Of 2^40, so that the unique index need not be asked first.
    static string RandomMac()
    {
        Span<byte> random = stackalloc byte[5];
        Chance.Dice.NextBytes(random);
        return $"02:{random[0]:x2}:{random[1]:x2}:{random[2]:x2}:{random[3]:x2}:{random[4]:x2}";
    }
}
