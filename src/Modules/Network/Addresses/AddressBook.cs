using System.Linq.Expressions;
using Microsoft.EntityFrameworkCore;
using Monolith.Network.Reservations;
using Monolith.Platform.Names;
using Monolith.Platform.Storage;

namespace Monolith.Network.Addresses;

/// <summary>What a claim of an address came to. Closed.</summary>
internal abstract record Claimed
{
    Claimed() { }

    public sealed record Yes(Ip Address) : Claimed;
    /// <summary>The pool has no free address of the family.</summary>
    public sealed record Exhausted : Claimed;
    /// <summary>The chosen address has an owner.</summary>
    public sealed record Held : Claimed;
    /// <summary>The chosen address was released a moment ago.</summary>
    public sealed record Quarantined(DateTime Until) : Claimed;
    /// <summary>The chosen address is not one that the pool gives out.</summary>
    public sealed record NotGiven : Claimed;
    /// <summary>The chosen address is kept for somebody else.</summary>
    public sealed record Reserved(ReservationRow Reservation) : Claimed;
}

/// <summary>
/// The book of addresses (IPDB): who holds which, and what is free. All of it runs inside a unit of the store.
/// <code>
///   free range [first … last] ── claim: first, or a chosen one ──▶ held (primary key: the address)
///        ▲                                                            │ release
///        │ folded into its neighbours, a few at each release          ▼
///        └──────────── fragment [a … a], free after now + quarantine ◀┘      (and a line in the past)
/// </code>
/// A claim is one look-up in the index (pool, family, free_after, first) and one update of the row found, whatever the
/// pool's size and however full it is: a full pool has few ranges, and an empty one has one. A fragment is not given
/// out before its quarantine is over, then the one that was released longest ago first. Folding keeps the rows few
/// where addresses come and go for years.
/// <para>
/// What is reserved is cut out of the pool's free ranges and is one of its reservation: no claim from the pool looks at
/// it, and one that chooses an address finds there whose it is.
/// </para>
/// </summary>
internal static class AddressBook
{
    const int FoldedAtOnce = 4;

    /// <summary>Holds the pool's next free address.</summary>
    public static async Task<Claimed> ClaimAsync(Unit<NetworkDb> unit, Guid pool, int family, Guid holder, string owner)
    {
        if ((await NextFree(unit.Db, pool, family, unit.Now)).FirstOrDefault() is not { } range)
            return new Claimed.Exhausted();
        await TakeAsync(unit, range, Ip.OfKey(range.First));
        return await HoldAsync(unit, pool, null, Ip.OfKey(range.First), holder, owner);
    }

    /// <summary>The one look-up of a claim: exactly the order of an index.</summary>
    public static readonly Expression<Func<NetworkDb, Guid, int, DateTime, IQueryable<FreeRangeRow>>> Next =
        (db, pool, family, now) => db.FreeRanges.AsNoTracking()
            .Where(r => r.PoolUid == pool && r.Family == family && r.FreeAfter <= now)
            .OrderBy(r => r.FreeAfter).ThenBy(r => r.First).Take(1);

    static readonly Func<NetworkDb, Guid, int, DateTime, Task<List<FreeRangeRow>>> NextFree = Query.Many(Next);

    /// <summary>Holds a chosen address of a pool.</summary>
    public static async Task<Claimed> ClaimAsync(Unit<NetworkDb> unit, Guid pool, Ip address, Guid holder, string owner)
    {
        var (range, problem) = await FindAsync(unit.Db, pool, address, ResourceName.ProjectOf(owner) ?? "", unit.Now);
        if (range is null) return problem!;
        await TakeAsync(unit, range, address);
        return await HoldAsync(unit, pool, range.PoolUid == pool ? null : range.PoolUid, address, holder, owner);
    }

    /// <summary>What a claim of the address would say, without claiming; null when it would succeed.</summary>
    /// <param name="project">Of whom would claim.</param>
    public static async Task<Claimed?> CheckAsync(NetworkDb db, Guid pool, Ip address, string project, DateTime now) =>
        (await FindAsync(db, pool, address, project, now)).Problem;

    /// <summary>The address that a claim from the pool would get; null when none is free.</summary>
    public static async Task<Ip?> NextAsync(NetworkDb db, Guid pool, int family, DateTime now) =>
        (await NextFree(db, pool, family, now)).FirstOrDefault() is { } range ? Ip.OfKey(range.First) : null;

    /// <summary>Gives back everything that the holders hold.</summary>
    /// <param name="quarantine">Of pools that say none themselves.</param>
    public static Task ReleaseAsync(Unit<NetworkDb> unit, IReadOnlyCollection<Guid> holders, TimeSpan quarantine) =>
        ReleaseAsync(unit, unit.Db.Addresses.Where(a => holders.Contains(a.HolderUid)), quarantine);

    /// <summary>Gives back some of what a holder holds.</summary>
    public static Task ReleaseAsync(Unit<NetworkDb> unit, Guid holder, IReadOnlyCollection<Ip> addresses, TimeSpan quarantine)
    {
        var keys = addresses.Select(a => a.Key).ToList();
        return keys.Count == 0
            ? Task.CompletedTask
            : ReleaseAsync(unit, unit.Db.Addresses.Where(a => a.HolderUid == holder && keys.Contains(a.Address)), quarantine);
    }

    static async Task ReleaseAsync(Unit<NetworkDb> unit, IQueryable<AddressRow> which, TimeSpan quarantine)
    {
        var found = await which
            .Join(unit.Db.AddressPools, a => a.PoolUid, p => p.Uid, (a, p) => new { Held = a, p.QuarantineSeconds })
            .ToListAsync();
        var held = found.ConvertAll(f => f.Held);
        foreach (var (address, seconds) in found.Select(f => (f.Held, f.QuarantineSeconds)))
        {
            unit.Db.Addresses.Remove(address);
            unit.Db.PastAddresses.Add(new PastAddressRow
            {
                Address = address.Address,
                HolderUid = address.HolderUid,
                Owner = address.Owner,
                From = address.From,
                Until = unit.Now,
            });
            unit.Db.FreeRanges.Add(new FreeRangeRow
            {
                First = address.Address,
                Last = address.Address,
                PoolUid = address.ReservationUid ?? address.PoolUid,
                Family = address.Address[0] - '0',
                FreeAfter = unit.Now + (seconds is { } own ? TimeSpan.FromSeconds(own) : quarantine),
            });
        }
        await unit.Db.SaveChangesAsync();
        foreach (var space in held.GroupBy(a => (a.PoolUid, a.ReservationUid, Family: a.Address[0] - '0')))
        {
            var (pool, reservation, family) = space.Key;
            await CountAsync(unit.Db, pool, reservation, -space.Count());
            await FoldAsync(unit.Db, reservation ?? pool, family, unit.Now);
        }
    }

    /// <summary>Puts addresses into a pool's free ones. They must be in no pool.</summary>
    public static async Task AddSpaceAsync(Unit<NetworkDb> unit, Guid pool, IEnumerable<IpRange> space)
    {
        foreach (var range in space)
            unit.Db.FreeRanges.Add(new FreeRangeRow
            {
                First = range.First.Key,
                Last = range.Last.Key,
                PoolUid = pool,
                Family = range.First.Family,
            });
        await unit.Db.SaveChangesAsync();
    }

    /// <summary>Takes free addresses out of a pool. None may be held or in quarantine: see <see cref="BusyAsync"/>.</summary>
    public static async Task RemoveSpaceAsync(Unit<NetworkDb> unit, Guid pool, IEnumerable<IpRange> space)
    {
        foreach (var cut in space)
        {
            var (first, last) = (cut.First.Key, cut.Last.Key);
            var ranges = unit.Db.FreeRanges.Where(r => r.PoolUid == pool);
            await ranges.Where(r => string.Compare(r.First, first) >= 0 && string.Compare(r.Last, last) <= 0)
                .ExecuteDeleteAsync();
            var edges = await ranges.AsNoTracking()
                .Where(r => string.Compare(r.Last, first) >= 0 && string.Compare(r.First, last) <= 0).ToListAsync();
            foreach (var edge in edges)
            {
                await unit.Db.FreeRanges.Where(r => r.Last == edge.Last).ExecuteDeleteAsync();
                var rest = AddressSpace.Subtract([new(Ip.OfKey(edge.First), Ip.OfKey(edge.Last))], [cut]);
                foreach (var range in rest)
                    unit.Db.FreeRanges.Add(new FreeRangeRow
                    {
                        First = range.First.Key,
                        Last = range.Last.Key,
                        PoolUid = pool,
                        Family = edge.Family,
                        FreeAfter = edge.FreeAfter,
                    });
            }
            await unit.Db.SaveChangesAsync();
        }
    }

    /// <summary>
    /// Moves a range from one space to another: the free addresses with the time that they are free after, and the held
    /// ones so that they go back there. All of it must be in <paramref name="from"/>.
    /// </summary>
    /// <param name="reservation">What held addresses of the range belong to from now on; null: the pool alone.</param>
    public static async Task MoveSpaceAsync(Unit<NetworkDb> unit, Guid pool, Guid from, Guid to, Guid? reservation,
        IpRange cut)
    {
        var (first, last) = (cut.First.Key, cut.Last.Key);
        var ranges = unit.Db.FreeRanges.Where(r => r.PoolUid == from
            && string.Compare(r.Last, first) >= 0 && string.Compare(r.First, last) <= 0);
        var edges = await ranges.AsNoTracking()
            .Where(r => string.Compare(r.First, first) < 0 || string.Compare(r.Last, last) > 0).ToListAsync();
        foreach (var edge in edges)
        {
            await unit.Db.FreeRanges.Where(r => r.Last == edge.Last).ExecuteDeleteAsync();
            var whole = new IpRange(Ip.OfKey(edge.First), Ip.OfKey(edge.Last));
            var outside = AddressSpace.Subtract([whole], [cut]);
            Add(outside, from, edge);
            Add(AddressSpace.Subtract([whole], outside), to, edge);
        }
        await unit.Db.SaveChangesAsync();
        await ranges.ExecuteUpdateAsync(s => s.SetProperty(r => r.PoolUid, to));
        var held = await unit.Db.Addresses.Where(a => a.PoolUid == pool
                && string.Compare(a.Address, first) >= 0 && string.Compare(a.Address, last) <= 0)
            .ExecuteUpdateAsync(s => s.SetProperty(a => a.ReservationUid, reservation));
        var moved = reservation is null ? -held : held;
        if (held > 0)
            await unit.Db.PoolUsages.Where(u => u.PoolUid == pool).ExecuteUpdateAsync(s =>
                s.SetProperty(u => u.UsedReserved, u => u.UsedReserved + moved));

        void Add(IEnumerable<IpRange> pieces, Guid space, FreeRangeRow like) =>
            unit.Db.FreeRanges.AddRange(pieces.Select(piece => new FreeRangeRow
            {
                First = piece.First.Key,
                Last = piece.Last.Key,
                PoolUid = space,
                Family = like.Family,
                FreeAfter = like.FreeAfter,
            }));
    }

    /// <summary>A reservation of the pool that has an address of the range; null when there is none.</summary>
    public static Task<ReservationRow?> ReservedAsync(NetworkDb db, Guid pool, IpRange range)
    {
        var (first, last) = (range.First.Key, range.Last.Key);
        return db.Reservations.AsNoTracking().Where(r => r.PoolUid == pool
            && string.Compare(r.Last, first) >= 0 && string.Compare(r.First, last) <= 0)
            .OrderBy(r => r.First).FirstOrDefaultAsync();
    }

    /// <summary>One address of the range that is held or in quarantine, with the reason; null when there is none.</summary>
    public static async Task<(Ip Address, string Why, DateTime? Until)?> BusyAsync(NetworkDb db, Guid pool,
        IpRange range, DateTime now)
    {
        var (first, last) = (range.First.Key, range.Last.Key);
        var held = await db.Addresses.AsNoTracking()
            .Where(a => string.Compare(a.Address, first) >= 0 && string.Compare(a.Address, last) <= 0)
            .OrderBy(a => a.Address).FirstOrDefaultAsync();
        if (held is not null) return (Ip.OfKey(held.Address), "is held by " + held.Owner, null);
        var fresh = await db.FreeRanges.AsNoTracking()
            .Where(r => r.PoolUid == pool && r.Family == range.First.Family && r.FreeAfter > now
                && string.Compare(r.First, first) >= 0 && string.Compare(r.First, last) <= 0)
            .OrderByDescending(r => r.FreeAfter).FirstOrDefaultAsync();
        return fresh is null ? null : (Ip.OfKey(fresh.First), "was released a moment ago", fresh.FreeAfter);
    }

    static async Task<(FreeRangeRow? Range, Claimed? Problem)> FindAsync(NetworkDb db, Guid pool, Ip address,
        string project, DateTime now)
    {
        var key = address.Key;
        var range = await db.FreeRanges.AsNoTracking().Where(r => string.Compare(r.Last, key) >= 0)
            .OrderBy(r => r.Last).FirstOrDefaultAsync();
        if (range is null || string.CompareOrdinal(range.First, key) > 0)
            return (null, await db.Addresses.AnyAsync(a => a.Address == key)
                ? new Claimed.Held()
                : new Claimed.NotGiven());
        if (range.PoolUid != pool)
        {
            var reservation = await db.Reservations.AsNoTracking()
                .FirstOrDefaultAsync(r => r.Uid == range.PoolUid && r.PoolUid == pool);
            if (reservation is null) return (null, new Claimed.NotGiven());
            if (reservation.Project.Length == 0 || reservation.Project != project)
                return (null, new Claimed.Reserved(reservation));
        }
        return range.FreeAfter > now ? (null, new Claimed.Quarantined(range.FreeAfter)) : (range, null);
    }

    static async Task TakeAsync(Unit<NetworkDb> unit, FreeRangeRow range, Ip address)
    {
        // The row as it was read: whoever took from it since then makes this a race, and the unit runs again.
        var row = unit.Db.FreeRanges.Where(r => r.Last == range.Last && r.First == range.First);
        var key = address.Key;
        var changed = key == range.Last
            ? await row.ExecuteDeleteAsync()
            : await row.ExecuteUpdateAsync(s => s.SetProperty(r => r.First, address.Next.Key));
        if (changed != 1) throw new DbUpdateConcurrencyException("A free range changed while it was being claimed.");
        if (key == range.First) return;
        unit.Db.FreeRanges.Add(new FreeRangeRow
        {
            First = range.First,
            Last = address.Previous.Key,
            PoolUid = range.PoolUid,
            Family = range.Family,
            FreeAfter = range.FreeAfter,
        });
        await unit.Db.SaveChangesAsync();
    }

    static async Task<Claimed> HoldAsync(Unit<NetworkDb> unit, Guid pool, Guid? reservation, Ip address, Guid holder,
        string owner)
    {
        unit.Db.Addresses.Add(new AddressRow
        {
            Address = address.Key,
            PoolUid = pool,
            ReservationUid = reservation,
            HolderUid = holder,
            Owner = owner,
            Project = ResourceName.ProjectOf(owner) ?? "",
            From = unit.Now,
        });
        await CountAsync(unit.Db, pool, reservation, 1);
        return new Claimed.Yes(address);
    }

    static Task CountAsync(NetworkDb db, Guid pool, Guid? reservation, int change)
    {
        var reserved = reservation is null ? 0 : change;
        return db.PoolUsages.Where(u => u.PoolUid == pool).ExecuteUpdateAsync(s => s
            .SetProperty(u => u.Used, u => u.Used + change)
            .SetProperty(u => u.UsedReserved, u => u.UsedReserved + reserved));
    }

    /// <summary>Joins a few fragments whose quarantine is over with the free addresses beside them.</summary>
    static async Task FoldAsync(NetworkDb db, Guid pool, int family, DateTime now)
    {
        var fragments = await db.FreeRanges.AsNoTracking()
            .Where(r => r.PoolUid == pool && r.Family == family
                && r.FreeAfter > FreeRangeRow.Always && r.FreeAfter <= now)
            .OrderBy(r => r.FreeAfter).Take(FoldedAtOnce).ToListAsync();
        foreach (var fragment in fragments)
        {
            var ours = db.FreeRanges.Where(r => r.PoolUid == pool && r.FreeAfter == FreeRangeRow.Always);
            var (first, last) = (fragment.First, fragment.Last);
            if (Ip.OfKey(first).Value > 0)
            {
                var before = Ip.OfKey(first).Previous.Key;
                var left = await ours.AsNoTracking().FirstOrDefaultAsync(r => r.Last == before);
                if (left is not null)
                {
                    await ours.Where(r => r.Last == before).ExecuteDeleteAsync();
                    first = left.First;
                }
            }
            // Ranges of all pools are disjoint, so the next row is the only one that can begin there.
            var right = await db.FreeRanges.AsNoTracking().Where(r => string.Compare(r.Last, last) > 0)
                .OrderBy(r => r.Last).FirstOrDefaultAsync();
            if (right is not null && right.PoolUid == pool && right.FreeAfter == FreeRangeRow.Always
                && right.First == Ip.OfKey(last).Next.Key)
            {
                await db.FreeRanges.Where(r => r.Last == fragment.Last).ExecuteDeleteAsync();
                last = right.Last;
            }
            await db.FreeRanges.Where(r => r.Last == last).ExecuteUpdateAsync(s => s
                .SetProperty(r => r.First, first).SetProperty(r => r.FreeAfter, FreeRangeRow.Always));
        }
    }
}
