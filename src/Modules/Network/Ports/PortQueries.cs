using Monolith.Network.SecurityGroups;
using Monolith.Platform.Storage;

namespace Monolith.Network.Ports;

/// <summary>What is asked again and again on a port's way.</summary>
internal static class PortQueries
{
    public static readonly Func<NetworkDb, Guid, Task<List<PortRow>>> OfOwner =
        Query.Many((NetworkDb db, Guid owner) => db.Ports.Where(p => p.OwnerUid == owner).OrderBy(p => p.OwnerIndex));

    public static readonly Func<NetworkDb, List<Guid>, string, Task<List<PortRow>>> SomeOnHypervisor =
        Query.Many((NetworkDb db, List<Guid> uids, string hypervisor) =>
            db.Ports.Where(p => uids.Contains(p.Uid) && (p.Hypervisor == hypervisor || p.SharedWith == hypervisor)));

    public static readonly Func<NetworkDb, List<Guid>, string, Task<List<PortRow>>> SomeBoundTo =
        Query.Many((NetworkDb db, List<Guid> uids, string hypervisor) =>
            db.Ports.Where(p => uids.Contains(p.Uid) && p.Hypervisor == hypervisor));

    public static readonly Func<NetworkDb, string, Task<List<PortRow>>> AllOnHypervisor =
        Query.Many((NetworkDb db, string hypervisor) =>
            db.Ports.Where(p => p.Hypervisor == hypervisor || p.SharedWith == hypervisor));

    /// <summary>What a hypervisor's reports are held against. One that is only shared with it is reported for
    /// nothing.</summary>
    public sealed record Reported(Guid Uid, string ReportDigest, long BoundGeneration, bool Bound);

    public static readonly Func<NetworkDb, List<Guid>, string, Task<List<Reported>>> ReportedOnHypervisor =
        Query.Many((NetworkDb db, List<Guid> uids, string hypervisor) =>
            db.Ports.Where(p => uids.Contains(p.Uid) && (p.Hypervisor == hypervisor || p.SharedWith == hypervisor))
                .Select(p => new Reported(p.Uid, p.ReportDigest, p.BoundGeneration, p.Hypervisor == hypervisor)));

    public static readonly Func<NetworkDb, List<Guid>, Task<List<PortGroupRow>>> GroupsOf =
        Query.Many((NetworkDb db, List<Guid> ports) => db.PortGroups.Where(g => ports.Contains(g.PortUid)));

    /// <summary>Keys of the addresses of a group's members, in order.</summary>
    public static readonly Func<NetworkDb, Guid, Task<List<string>>> Members =
        Query.Many((NetworkDb db, Guid group) => db.PortGroups.Where(g => g.GroupUid == group)
            .Join(db.Addresses, g => g.PortUid, a => a.HolderUid, (_, a) => a.Address).OrderBy(a => a));

    /// <summary>The hypervisors of the ports whose rules name the group.</summary>
    public static readonly Func<NetworkDb, Guid, Task<List<string>>> Wanting =
        Query.Many((NetworkDb db, Guid group) => db.GroupRemotes.Where(r => r.RemoteUid == group)
            .Join(db.PortGroups, r => r.GroupUid, g => g.GroupUid, (_, g) => g.PortUid)
            .Join(db.Ports, uid => uid, p => p.Uid, (_, p) => p.Hypervisor)
            .Where(h => h != "")
            .Union(db.GroupRemotes.Where(r => r.RemoteUid == group)
                .Join(db.PortGroups, r => r.GroupUid, g => g.GroupUid, (_, g) => g.PortUid)
                .Join(db.Ports, uid => uid, p => p.Uid, (_, p) => p.SharedWith)
                .Where(h => h != "")));

    /// <summary>What is compared when a hypervisor comes back.</summary>
    public sealed record Version(Guid Uid, long Generation, string ReportDigest);

    public static readonly Func<NetworkDb, string, Task<List<Version>>> VersionsOnHypervisor =
        Query.Many((NetworkDb db, string hypervisor) => db.Ports
            .Where(p => p.Hypervisor == hypervisor || p.SharedWith == hypervisor)
            .Select(p => new Version(p.Uid, p.SpecGeneration, p.Hypervisor == hypervisor ? p.ReportDigest : "")));

    /// <summary>A group, whose members' addresses are told to hypervisors, or an address set.</summary>
    public sealed record Set(Guid Uid, long Generation);

    /// <summary>What rules of the hypervisor's ports name.</summary>
    public static readonly Func<NetworkDb, string, Task<List<Set>>> WantedBy =
        Query.Many((NetworkDb db, string hypervisor) => db.Ports
            .Where(p => p.Hypervisor == hypervisor || p.SharedWith == hypervisor)
            .Join(db.PortGroups, p => p.Uid, g => g.PortUid, (_, g) => g.GroupUid)
            .Join(db.GroupRemotes, group => group, r => r.GroupUid, (_, r) => r.RemoteUid).Distinct()
            .Join(db.SecurityGroups.Select(g => new { g.Uid, g.SetGeneration })
                .Concat(db.AddressSets.Select(s => new { s.Uid, s.SetGeneration })),
                uid => uid, s => s.Uid, (_, s) => new Set(s.Uid, s.SetGeneration)));
}
