using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Monolith.Network.Addresses;
using Monolith.Network.Ports;
using Monolith.Network.V1;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Lists;
using Monolith.Platform.Names;
using Monolith.Platform.Storage;

namespace Monolith.Network.AddressPools;

internal sealed class AddressPoolService(Store<NetworkDb> store, PortNodes nodes, TimeProvider time)
    : V1.AddressPoolService.AddressPoolServiceBase
{
    static readonly FilterFields<AddressPoolRow> Filters = new FilterFields<AddressPoolRow>()
        .Text("name", p => p.Name)
        .Text("display_name", p => p.DisplayName)
        .Text("prefixes", p => p.Prefixes)
        .Word("purpose", p => p.Purpose)
        .Number("address_count", p => p.AddressCount)
        .Time("create_time", p => p.CreateTime)
        .Labels(p => p.Labels);

    public override async Task<AddressPool> CreateAddressPool(CreateAddressPoolRequest request,
        ServerCallContext context)
    {
        await ThrowAllAsync(AddressPoolRules.Check(request), request.AddressPool?.Prefixes ?? []);
        return await MutateAsync(request, context, async (unit, wakes) =>
        {
            var name = "addressPools/" + request.AddressPoolId;
            if (await unit.Db.AddressPools.AnyAsync(p => p.Name == name)) throw Fault.AlreadyExists(name);
            // In the transaction, which no other writer is beside, of whatever host: what it sees is what it commits to.
            var violations = new Violations();
            AddressPoolRules.CheckOverlaps(request.AddressPool!.Prefixes,
                await unit.Db.AddressPools.AsNoTracking().ToListAsync(), violations);
            violations.ThrowIfAny();
            var pool = request.AddressPool!;
            var row = new AddressPoolRow
            {
                Name = name,
                Project = ResourceName.ProjectOf(pool.Owner) ?? "",
                AvailabilityZone = pool.AvailabilityZone,
                DisplayName = pool.DisplayName,
                Labels = Labels.Store(pool.Labels),
                Purpose = pool.Purpose == AddressPool.Types.Purpose.Unspecified
                    ? AddressPool.Types.Purpose.Server
                    : pool.Purpose,
                Prefixes = Words.Store(pool.Prefixes),
                Exclusions = Words.Store(pool.Exclusions),
                QuarantineSeconds = (int?)pool.Quarantine?.Seconds,
                Announcement = Announced(pool.Announcement),
                CreateTime = unit.Now,
                UpdateTime = unit.Now,
            };
            row.AddressCount = AddressSpace.Count(row.Space);
            unit.Db.AddressPools.Add(row);
            unit.Db.PoolUsages.Add(new PoolUsageRow { PoolUid = row.Uid });
            await AddressBook.AddSpaceAsync(unit, row.Uid, row.Space);
            await PortSpecs.InsideChangedAsync(unit.Db, wakes);
            return Emit(unit, Change.Created, row, PoolFigures.None(unit.Now));
        });
    }

    public override Task<AddressPool> GetAddressPool(GetAddressPoolRequest request, ServerCallContext context)
    {
        ResourceName.Parse("addressPools/*", request.Name);
        return store.ReadAsync(async db =>
        {
            var row = await db.AddressPools.FirstOrDefaultAsync(p => p.Name == request.Name)
                ?? throw Fault.NotFound(request.Name);
            return row.ToProto(await FiguresAsync(db, row, Now));
        });
    }

    public override async Task<ListAddressPoolsResponse> ListAddressPools(ListAddressPoolsRequest request,
        ServerCallContext context)
    {
        var list = ListQuery.Of(request, context.GetCall(), Filters);
        var (found, figures) = await store.ReadAsync(async db =>
        {
            var pools = await list.Of(db.AddressPools).ToListAsync();
            return (pools, await PoolFigures.OfAsync(db, pools, Now));
        });
        var (rows, next) = list.Cut(found);
        return new ListAddressPoolsResponse
        {
            AddressPools = { rows.Select(p => p.ToProto(figures[p.Uid])) },
            NextPageToken = next,
        };
    }

    public override async Task<AddressPool> UpdateAddressPool(UpdateAddressPoolRequest request,
        ServerCallContext context)
    {
        var violations = new Violations();
        violations.Require(request.AddressPool is not null, "address_pool", "is required");
        violations.ThrowIfAny();
        var pool = request.AddressPool!;
        ResourceName.Parse("addressPools/*", pool.Name, "address_pool.name", violations);
        var changed = Masks.Changed(request.UpdateMask, pool, AddressPoolRules.Changeable, violations);
        violations.DisplayName("address_pool.display_name", pool.DisplayName);
        violations.Labels("address_pool.labels", pool.Labels);
        AddressPoolRules.CheckQuarantine(pool.Quarantine, violations);
        AddressPoolRules.CheckAnnouncement(pool.Announcement, default, violations);
        violations.ThrowIfAny();
        return await MutateAsync(request, context, async (unit, wakes) =>
        {
            var row = await unit.Db.AddressPools.FirstOrDefaultAsync(p => p.Name == pool.Name)
                ?? throw Fault.NotFound(pool.Name);
            row.Touch(pool.Etag, unit.Now);
            if (changed.Contains("display_name")) row.DisplayName = pool.DisplayName;
            if (changed.Contains("labels")) row.Labels = Labels.Store(pool.Labels);
            if (changed.Contains("quarantine")) row.QuarantineSeconds = (int?)pool.Quarantine?.Seconds;
            if (changed.Contains("announcement")) await AnnounceAsync(unit, row, Announced(pool.Announcement), wakes);
            if (changed.Contains("prefixes") || changed.Contains("exclusions"))
            {
                await ReshapeAsync(unit, row,
                    changed.Contains("prefixes") ? pool.Prefixes : Words.Load(row.Prefixes),
                    changed.Contains("exclusions") ? pool.Exclusions : Words.Load(row.Exclusions));
                await PortSpecs.InsideChangedAsync(unit.Db, wakes);
                if (row.Announcement == AddressPool.Types.Announcement.Aggregate) await PortSpecs.PoolChangedAsync(unit.Db, row, wakes);
            }
            return Emit(unit, Change.Updated, row, await FiguresAsync(unit.Db, row, unit.Now));
        });
    }

    public override Task<Empty> DeleteAddressPool(DeleteAddressPoolRequest request, ServerCallContext context)
    {
        ResourceName.Parse("addressPools/*", request.Name);
        return MutateAsync(request, context, async (unit, wakes) =>
        {
            var row = await unit.Db.AddressPools.FirstOrDefaultAsync(p => p.Name == request.Name)
                ?? throw Fault.NotFound(request.Name);
            row.Touch(request.Etag, unit.Now);
            var sought = Words.Sought(row.Name);
            if (await unit.Db.Networks.Where(n => n.AddressPools.Contains(sought) || n.NatAddressPool == row.Name).Select(n => n.Name)
                .FirstOrDefaultAsync() is { } network)
                throw Fault.Precondition("ADDRESS_POOL_IN_USE", row.Name,
                    $"{row.Name} is used by {network}. Delete the networks that use it first.");
            await RefuseBusyAsync(unit, row, row.Space);
            await unit.Db.FreeRanges.Where(r => r.PoolUid == row.Uid).ExecuteDeleteAsync();
            await unit.Db.PoolUsages.Where(u => u.PoolUid == row.Uid).ExecuteDeleteAsync();
            unit.Db.AddressPools.Remove(row);
            await PortSpecs.InsideChangedAsync(unit.Db, wakes);
            await unit.Db.PoolSamples.Where(s => s.PoolUid == row.Uid).ExecuteDeleteAsync();
            Emit(unit, Change.Deleted, row, PoolFigures.None(unit.Now));
            return new Empty();
        });
    }

    static async Task AnnounceAsync(Unit<NetworkDb> unit, AddressPoolRow row, AddressPool.Types.Announcement announcement, Wakes wakes)
    {
        var violations = new Violations();
        AddressPoolRules.CheckAnnouncement(announcement, row.Purpose, violations);
        violations.ThrowIfAny();
        if (row.Announcement == announcement) return;
        row.Announcement = announcement;
        await PortSpecs.PoolChangedAsync(unit.Db, row, wakes);
    }

    static AddressPool.Types.Announcement Announced(AddressPool.Types.Announcement asked) =>
        asked == AddressPool.Types.Announcement.Unspecified ? AddressPool.Types.Announcement.HostRoutes : asked;

    /// <summary>A write after which hypervisors are told.</summary>
    async Task<T> MutateAsync<T>(IMessage request, ServerCallContext context, Func<Unit<NetworkDb>, Wakes, Task<T>> write)
        where T : class, IMessage<T>, new()
    {
        var wakes = new Wakes();
        var answer = await store.MutateAsync(context.GetCall(), request, unit =>
        {
            wakes.Clear();
            return write(unit, wakes);
        }, context.CancellationToken);
        nodes.Wake(wakes);
        return answer;
    }

    /// <summary>What is wrong with a request at sight, together with what is wrong with it beside the other pools.</summary>
    async Task ThrowAllAsync(Violations violations, IReadOnlyList<string> prefixes)
    {
        if (!violations.Any) return;
        AddressPoolRules.CheckOverlaps(prefixes,
            await store.ReadAsync(db => db.AddressPools.AsNoTracking().ToListAsync()), violations);
        violations.ThrowIfAny();
    }

    /// <exception cref="Fault">The prefixes or exclusions cannot be, or an address that leaves is somebody's.</exception>
    internal static async Task ReshapeAsync(Unit<NetworkDb> unit, AddressPoolRow row, IReadOnlyList<string> prefixes,
        IReadOnlyList<string> exclusions)
    {
        var violations = new Violations();
        AddressPoolRules.CheckSpace(prefixes, exclusions, violations);
        AddressPoolRules.CheckOverlaps(prefixes,
            await unit.Db.AddressPools.AsNoTracking().Where(p => p.Uid != row.Uid).ToListAsync(), violations);
        violations.ThrowIfAny();
        var (before, after) = (row.Space, AddressPoolRules.Space(row.Purpose, prefixes, exclusions));
        var gone = AddressSpace.Subtract(before, after);
        await RefuseBusyAsync(unit, row, gone);
        await AddressBook.RemoveSpaceAsync(unit, row.Uid, gone);
        await AddressBook.AddSpaceAsync(unit, row.Uid, AddressSpace.Subtract(after, before));
        row.Prefixes = Words.Store(prefixes);
        row.Exclusions = Words.Store(exclusions);
        row.AddressCount = AddressSpace.Count(after);
    }

    static async Task RefuseBusyAsync(Unit<NetworkDb> unit, AddressPoolRow row, IEnumerable<IpRange> gone)
    {
        foreach (var range in gone)
        {
            if (await AddressBook.ReservedAsync(unit.Db, row.Uid, range) is { } reservation)
            {
                var why = $"{reservation.Addresses} is reserved for {reservation.For} ({reservation.Name}). "
                    + "Delete the reservation first.";
                throw Fault.Precondition("ADDRESS_RESERVED", row.Name, why);
            }
            if (await AddressBook.BusyAsync(unit.Db, row.Uid, range, unit.Now) is not { } busy) continue;
            var message = busy.Until is { } until
                ? $"{busy.Address} {busy.Why} and is in quarantine until {until:O}. Try again then."
                : $"{busy.Address} {busy.Why}. Addresses that are taken from a pool must be in nobody's hands.";
            throw new Fault(StatusCode.FailedPrecondition, "ADDRESS_IN_USE", message)
            {
                Metadata = new Dictionary<string, string>
                {
                    ["resource"] = row.Name,
                    ["address"] = busy.Address.ToString(),
                },
                Preconditions = [new("ADDRESS_IN_USE", row.Name, message)],
                RetryAfter = busy.Until - unit.Now,
            };
        }
    }

    DateTime Now => time.GetUtcNow().UtcDateTime;

    static async Task<PoolFigures> FiguresAsync(NetworkDb db, AddressPoolRow row, DateTime now) =>
        (await PoolFigures.OfAsync(db, [row], now))[row.Uid];

    internal static AddressPool Emit(Unit<NetworkDb> unit, Change change, AddressPoolRow row, PoolFigures figures)
    {
        var pool = row.ToProto(figures);
        unit.Emit("addressPool", change, row.Name, row.Project, pool);
        return pool;
    }
}
