using Microsoft.EntityFrameworkCore;
using Monolith.Network.AddressPools;
using Monolith.Network.Ports;
using Monolith.Network.Reservations;
using Monolith.Platform.Storage;
using Announcement = Monolith.Network.V1.AddressPool.Types.Announcement;
using ImportAddressesResponse = Monolith.Network.V1.ImportAddressesResponse;

namespace Monolith.Network.Addresses.Exchange;

/// <summary>Does what an import without a problem is to do, in the import's unit.</summary>
internal static class ImportActs
{
    public static async Task<ImportAddressesResponse> DoAsync(Unit<NetworkDb> unit, ImportPlan plan, Wakes wakes)
    {
        var answer = new ImportAddressesResponse { UnchangedLines = plan.Unchanged };
        foreach (var wish in plan.Pools)
        {
            if (wish.Row is null) await MakeAsync(unit, wish);
            else await ChangeAsync(unit, wish);
            if (wish.Row is null) answer.CreatedPools++;
            else answer.ChangedPools++;
        }
        await unit.Db.SaveChangesAsync();
        if (plan.Pools.Count > 0) await PortSpecs.InsideChangedAsync(unit.Db, wakes);
        foreach (var pool in plan.Reservations.GroupBy(r => r.Pool))
        {
            var name = "addressPools/" + pool.Key;
            var uid = await unit.Db.AddressPools.Where(p => p.Name == name).Select(p => p.Uid).FirstAsync();
            var rows = pool.Select(wish => new ReservationRow
            {
                Name = $"{name}/reservations/{wish.Id}",
                Project = wish.Project,
                PoolUid = uid,
                First = wish.Range.First.Key,
                Last = wish.Range.Last.Key,
                Addresses = wish.Range.ToString(),
                Note = wish.Note,
                CreateTime = unit.Now,
                UpdateTime = unit.Now,
            }).OrderBy(r => r.First, StringComparer.Ordinal).ToList();
            await CutAsync(unit, uid, rows);
            foreach (var row in rows)
            {
                unit.Db.Reservations.Add(row);
                ReservationService.Emit(unit, Change.Created, row);
                answer.CreatedReservations++;
            }
        }
        return answer;
    }

    static async Task MakeAsync(Unit<NetworkDb> unit, PoolWish wish)
    {
        var row = new AddressPoolRow
        {
            Name = "addressPools/" + wish.Id,
            Project = wish.Line.Project,
            AvailabilityZone = wish.Line.Zone,
            DisplayName = wish.Line.Note.Length <= 63 ? wish.Line.Note : "",
            Purpose = wish.Purpose,
            QuarantineSeconds = ImportPlan.Seconds(wish.Line.Quarantine),
            Announcement = ImportPlan.AnnouncementOf(wish.Line.Announcement) ?? Announcement.HostRoutes,
            Prefixes = Words.Store(wish.Prefixes),
            Exclusions = Words.Store(wish.Exclusions),
            CreateTime = unit.Now,
            UpdateTime = unit.Now,
        };
        row.AddressCount = AddressSpace.Count(row.Space);
        unit.Db.AddressPools.Add(row);
        unit.Db.PoolUsages.Add(new PoolUsageRow { PoolUid = row.Uid });
        await AddressBook.AddSpaceAsync(unit, row.Uid, row.Space);
        AddressPoolService.Emit(unit, Change.Created, row, PoolFigures.None(unit.Now));
    }

    static async Task ChangeAsync(Unit<NetworkDb> unit, PoolWish wish)
    {
        var row = await unit.Db.AddressPools.FirstAsync(p => p.Uid == wish.Row!.Uid);
        row.Touch("", unit.Now);
        await AddressPoolService.ReshapeAsync(unit, row, wish.Prefixes, wish.Exclusions);
        AddressPoolService.Emit(unit, Change.Updated, row, (await PoolFigures.OfAsync(unit.Db, [row], unit.Now))[row.Uid]);
    }

    /// <summary>
    /// Cuts many reservations out of a pool's free ranges together: each range that any of them touches is replaced once,
    /// whatever the number that touch it.
    /// </summary>
    static async Task CutAsync(Unit<NetworkDb> unit, Guid pool, List<ReservationRow> rows)
    {
        var (first, last) = (rows[0].First, rows[^1].Last);
        var ranges = await unit.Db.FreeRanges.Where(r => r.PoolUid == pool
            && string.Compare(r.Last, first) >= 0 && string.Compare(r.First, last) <= 0).OrderBy(r => r.Last).ToListAsync();
        var pieces = new List<FreeRangeRow>();
        var at = 0;
        foreach (var range in ranges)
        {
            while (at < rows.Count && string.CompareOrdinal(rows[at].Last, range.First) < 0) at++;
            var touched = new List<ReservationRow>();
            for (var i = at; i < rows.Count && string.CompareOrdinal(rows[i].First, range.Last) <= 0; i++) touched.Add(rows[i]);
            if (touched.Count == 0) continue;
            unit.Db.FreeRanges.Remove(range);
            var begin = Ip.OfKey(range.First);
            var end = Ip.OfKey(range.Last);
            foreach (var row in touched)
            {
                var cut = row.Range;
                if (cut.First > begin) Piece(new(begin, cut.First.Previous), pool, range);
                Piece(new(cut.First > begin ? cut.First : begin, cut.Last < end ? cut.Last : end), row.Uid, range);
                begin = cut.Last.Next;
            }
            if (touched[^1].Range.Last < end) Piece(new(begin, end), pool, range);
        }
        // Two rows of one key cannot be in the tracker: what goes is gone before what comes.
        await unit.Db.SaveChangesAsync();
        unit.Db.FreeRanges.AddRange(pieces);
        await unit.Db.SaveChangesAsync();
        await OwnAsync(unit, pool, rows);

        void Piece(IpRange piece, Guid space, FreeRangeRow like) => pieces.Add(new FreeRangeRow
        {
            First = piece.First.Key,
            Last = piece.Last.Key,
            PoolUid = space,
            Family = like.Family,
            FreeAfter = like.FreeAfter,
        });
    }

    /// <summary>Held addresses go back to their reservation. Only a project's own are there: the plan refused others.</summary>
    static async Task OwnAsync(Unit<NetworkDb> unit, Guid pool, List<ReservationRow> rows)
    {
        var held = 0;
        foreach (var row in rows.Where(r => r.Project.Length > 0))
        {
            var (first, last) = (row.First, row.Last);
            held += await unit.Db.Addresses.Where(a => a.PoolUid == pool
                    && string.Compare(a.Address, first) >= 0 && string.Compare(a.Address, last) <= 0)
                .ExecuteUpdateAsync(s => s.SetProperty(a => a.ReservationUid, row.Uid));
        }
        if (held > 0)
            await unit.Db.PoolUsages.Where(u => u.PoolUid == pool)
                .ExecuteUpdateAsync(s => s.SetProperty(u => u.UsedReserved, u => u.UsedReserved + held));
    }
}
