using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Monolith.Network.AddressPools;
using Monolith.Network.Addresses;
using Monolith.Network.V1;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Lists;
using Monolith.Platform.Names;
using Monolith.Platform.Storage;

namespace Monolith.Network.Reservations;

internal sealed class ReservationService(Store<NetworkDb> store) : V1.ReservationService.ReservationServiceBase
{
    const string Pattern = "addressPools/*/reservations/*";
    const string PoolPattern = "addressPools/*";
    const string AllPools = "addressPools/-";

    static readonly FilterFields<ReservationRow> Filters = new FilterFields<ReservationRow>()
        .Text("name", r => r.Name)
        .Text("addresses", r => r.Addresses)
        .Text("owner", r => r.Project == "" ? "" : "projects/" + r.Project)
        .Text("note", r => r.Note)
        .Time("create_time", r => r.CreateTime)
        .Labels(r => r.Labels);

    public override Task<Reservation> CreateReservation(CreateReservationRequest request, ServerCallContext context)
    {
        ReservationRules.Check(request);
        return store.MutateAsync(context.GetCall(), request, async unit =>
        {
            var pool = await unit.Db.AddressPools.FirstOrDefaultAsync(p => p.Name == request.Parent)
                ?? throw Fault.NotFound(request.Parent);
            var name = $"{request.Parent}/reservations/{request.ReservationId}";
            if (await unit.Db.Reservations.AnyAsync(r => r.Name == name)) throw Fault.AlreadyExists(name);
            var wanted = request.Reservation;
            var range = await RangeAsync(unit, pool, wanted.Addresses);
            var violations = new Violations();
            foreach (var problem in ReservationRules.Problems(range, pool, await NeighboursAsync(unit.Db, range)))
                violations.Add("reservation.addresses", problem);
            violations.ThrowIfAny();
            var row = new ReservationRow
            {
                Name = name,
                Project = ResourceName.ProjectOf(wanted.Owner) ?? "",
                Labels = Labels.Store(wanted.Labels),
                PoolUid = pool.Uid,
                First = range.First.Key,
                Last = range.Last.Key,
                Addresses = wanted.Addresses.Length > 0 ? wanted.Addresses : range.ToString(),
                Note = wanted.Note,
                CreateTime = unit.Now,
                UpdateTime = unit.Now,
            };
            await AddAsync(unit, row);
            return Emit(unit, Change.Created, row);
        }, context.CancellationToken);
    }

    public override Task<Reservation> GetReservation(GetReservationRequest request, ServerCallContext context)
    {
        ResourceName.Parse(Pattern, request.Name);
        return store.ReadAsync(async db => (await db.Reservations.FirstOrDefaultAsync(r => r.Name == request.Name)
            ?? throw Fault.NotFound(request.Name)).ToProto());
    }

    public override async Task<ListReservationsResponse> ListReservations(ListReservationsRequest request,
        ServerCallContext context)
    {
        var list = ListQuery.Of(request, context.GetCall(), Filters, PoolPattern);
        var found = await store.ReadAsync(async db =>
        {
            if (request.Parent == AllPools) return await list.Of(db.Reservations).ToListAsync();
            var pool = await db.AddressPools.FirstOrDefaultAsync(p => p.Name == request.Parent)
                ?? throw Fault.NotFound(request.Parent);
            return await list.Of(db.Reservations.Where(r => r.PoolUid == pool.Uid)).ToListAsync();
        });
        var (rows, next) = list.Cut(found);
        return new ListReservationsResponse { Reservations = { rows.Select(r => r.ToProto()) }, NextPageToken = next };
    }

    public override Task<Empty> DeleteReservation(DeleteReservationRequest request, ServerCallContext context)
    {
        ResourceName.Parse(Pattern, request.Name);
        return store.MutateAsync(context.GetCall(), request, async unit =>
        {
            var row = await unit.Db.Reservations.FirstOrDefaultAsync(r => r.Name == request.Name)
                ?? throw Fault.NotFound(request.Name);
            row.Touch(request.Etag, unit.Now);
            await AddressBook.MoveSpaceAsync(unit, row.PoolUid, row.Uid, row.PoolUid, null, row.Range);
            unit.Db.Reservations.Remove(row);
            Emit(unit, Change.Deleted, row);
            return new Empty();
        }, context.CancellationToken);
    }

    /// <summary>Reserves what is in the pool and nobody's reservation yet.</summary>
    /// <exception cref="Fault">FAILED_PRECONDITION when somebody else than its owner holds an address of it.</exception>
    internal static async Task AddAsync(Unit<NetworkDb> unit, ReservationRow row)
    {
        var (first, last) = (row.First, row.Last);
        var other = await unit.Db.Addresses.AsNoTracking()
            .Where(a => string.Compare(a.Address, first) >= 0 && string.Compare(a.Address, last) <= 0
                && (row.Project == "" || a.Project != row.Project))
            .OrderBy(a => a.Address).FirstOrDefaultAsync();
        if (other is not null)
            throw Fault.Precondition("ADDRESS_IN_USE", row.Name, $"{Ip.OfKey(other.Address)} is held by {other.Owner}. "
                + "Reserve it for its holder's project, or leave it out.");
        await AddressBook.MoveSpaceAsync(unit, row.PoolUid, row.PoolUid, row.Uid, row.Uid, row.Range);
        unit.Db.Reservations.Add(row);
    }

    internal static Reservation Emit(Unit<NetworkDb> unit, Change change, ReservationRow row)
    {
        var reservation = row.ToProto();
        unit.Emit("reservation", change, row.Name, row.Project, reservation);
        return reservation;
    }

    static async Task<IpRange> RangeAsync(Unit<NetworkDb> unit, AddressPoolRow pool, string asked)
    {
        if (asked.Length > 0) return IpRange.TryParse(asked, out var range, out _) ? range : default;
        foreach (var family in Ip.Families.Where(pool.Has))
            if (await AddressBook.NextAsync(unit.Db, pool.Uid, family, unit.Now) is { } free)
                return new(free, free);
        throw await PoolFaults.ExhaustedAsync(unit.Db, [pool], pool.Has(4) ? 4 : 6, unit.Now);
    }

    /// <summary>Reservations that have an address of the range, whatever the pool.</summary>
    static Task<List<ReservationRow>> NeighboursAsync(NetworkDb db, IpRange range)
    {
        var (first, last) = (range.First.Key, range.Last.Key);
        return db.Reservations.AsNoTracking()
            .Where(r => string.Compare(r.Last, first) >= 0 && string.Compare(r.First, last) <= 0)
            .OrderBy(r => r.First).Take(5).ToListAsync();
    }
}
