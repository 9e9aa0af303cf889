using Microsoft.EntityFrameworkCore;
using Monolith.Dns.Zones;
using Monolith.Platform.Faults;
using Monolith.Platform.Storage;

namespace Monolith.Dns.RecordSets;

/// <summary>A record set that an owner is to have.</summary>
/// <param name="Domain">Relative to the zone.</param>
/// <param name="Values">Canonical, in order.</param>
/// <param name="TakesOver">An address has one owner at a time: its newest claim is the right one.</param>
internal sealed record WantedSet(ZoneRow Zone, string Domain, string Type, IReadOnlyList<string> Values,
    bool TakesOver = false);

/// <summary>Records that resources keep: wanted against actual, and the difference done, in one unit.</summary>
internal static class OwnedRecords
{
    /// <summary>Makes the owner's record sets exactly these. Zones whose records change get a new serial.</summary>
    /// <exception cref="Fault">FAILED_PRECONDITION when a name is somebody else's.</exception>
    public static async Task ReplaceAsync(Unit<DnsDb> unit, string owner, Guid ownerUid, List<WantedSet> wanted,
        CancellationToken cancel)
    {
        var zones = wanted.Select(w => w.Zone).ToHashSet();
        var touched = new HashSet<ZoneRow>();
        var actual = await RecordQueries.OfOwner(unit.Db, ownerUid);
        foreach (var row in actual)
        {
            if (wanted.Any(w => w.Zone.Uid == row.ZoneUid && w.Domain == row.Domain && w.Type == row.Type)) continue;
            var zone = zones.FirstOrDefault(z => z.Uid == row.ZoneUid)
                ?? await unit.Db.Zones.FirstAsync(z => z.Uid == row.ZoneUid, cancel);
            zones.Add(zone);
            unit.Db.RecordSets.Remove(row);
            unit.Emit(Change.Deleted, row);
            touched.Add(zone);
        }
        foreach (var want in wanted)
            if (await PutAsync(unit, owner, ownerUid, want)) touched.Add(want.Zone);
        foreach (var zone in touched) zone.Advance(unit.Now);
    }

    /// <summary>Why a name cannot be had.</summary>
    /// <param name="other">A record set at it that is another's.</param>
    public static string Taken(ZoneRow zone, string domain, RecordSetRow other) => other.OwnerUid is null
        ? $"{zone.Absolute(domain)} has a record that was made by hand. Delete {other.Name}, or choose another name."
        : $"{zone.Absolute(domain)} is the name of {other.Owner}. Choose another name, or delete that one.";

    static async Task<bool> PutAsync(Unit<DnsDb> unit, string owner, Guid ownerUid, WantedSet want)
    {
        var values = string.Join('\n', want.Values);
        var there = want.TakesOver
            ? (await RecordQueries.At(unit.Db, want.Zone.Uid, want.Domain))
                .FindAll(r => r.Type == want.Type || r.Type == "CNAME")
            : await RecordQueries.Holding(unit.Db, want.Zone.Uid, want.Domain);
        if (!want.TakesOver && there.Find(r => r.OwnerUid != ownerUid && r.Owner != owner) is { } other)
            throw Fault.Precondition("NAME_TAKEN", other.Name, Taken(want.Zone, want.Domain, other));
        foreach (var alias in there.Where(r => r.Type == "CNAME" && r.Type != want.Type))
        {
            unit.Db.RecordSets.Remove(alias);
            unit.Emit(Change.Deleted, alias);
        }
        var row = there.FirstOrDefault(r => r.Type == want.Type);
        if (row is null)
        {
            row = new RecordSetRow
            {
                Name = RecordSetRow.NameOf(want.Zone, want.Domain, want.Type),
                Project = want.Zone.Project,
                ZoneUid = want.Zone.Uid,
                Domain = want.Domain,
                Type = want.Type,
                Values = values,
                Owner = owner,
                OwnerUid = ownerUid,
                CreateTime = unit.Now,
                UpdateTime = unit.Now,
            };
            unit.Db.RecordSets.Add(row);
            unit.Emit(Change.Created, row);
            return true;
        }
        if (row.Values == values && row.OwnerUid == ownerUid && row.Owner == owner) return false;
        row.Touch("", unit.Now);
        (row.Values, row.Owner, row.OwnerUid) = (values, owner, ownerUid);
        unit.Emit(Change.Updated, row);
        return true;
    }
}
