using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Monolith.Network.AddressPools;
using Monolith.Network.Addresses;
using Monolith.Network.Ports;
using Monolith.Network.V1;
using Monolith.Platform;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Lists;
using Monolith.Platform.Names;
using Monolith.Platform.Storage;
using Monolith.Platform.Watching;

namespace Monolith.Network.FloatingAddresses;

internal sealed class FloatingAddressService(Store<NetworkDb> store, PortNodes nodes, NetworkOptions options)
    : V1.FloatingAddressService.FloatingAddressServiceBase
{
    const string Pattern = "projects/*/floatingAddresses/*";
    static readonly string[] Changeable = ["labels", "port"];

    static readonly FilterFields<FloatingAddressRow> Filters = new FilterFields<FloatingAddressRow>()
        .Text("name", f => f.Name)
        .Text("address", f => f.Address)
        .Text("address_pool", f => f.AddressPool)
        .Text("port", f => f.Port)
        .Text("owner", f => f.Owner)
        .Word("state", f => f.State)
        .Time("create_time", f => f.CreateTime)
        .Labels(f => f.Labels);

    public override async Task<FloatingAddress> CreateFloatingAddress(CreateFloatingAddressRequest request,
        ServerCallContext context)
    {
        var violations = new Violations();
        var project = ResourceName.Parse("projects/*", request.Parent, "parent", violations)?[0];
        violations.Id("floating_address_id", request.FloatingAddressId);
        var wanted = request.FloatingAddress ?? new FloatingAddress();
        violations.Labels("floating_address.labels", wanted.Labels);
        Ip? chosen = null;
        if (wanted.Address.Length > 0
            && violations.Require(Ip.TryParse(wanted.Address, out var ip), "floating_address.address",
                "must be an IPv4 or IPv6 address")) chosen = ip;
        violations.ThrowIfAny();
        var wakes = new Wakes();
        var answer = await store.MutateAsync(context.GetCall(), request, async unit =>
        {
            wakes.Clear();
            var name = $"{request.Parent}/floatingAddresses/{request.FloatingAddressId}";
            if (await unit.Db.FloatingAddresses.AnyAsync(f => f.Name == name)) throw Fault.AlreadyExists(name);
            var uid = Chance.NewUid();
            var (pool, address) = await ClaimAsync(unit, project!, wanted.AddressPool, chosen, uid, name);
            var row = new FloatingAddressRow
            {
                Uid = uid,
                Name = name,
                Project = project!,
                Labels = Labels.Store(wanted.Labels),
                AddressPool = pool.Name,
                Address = address.ToString(),
                CreateTime = unit.Now,
                UpdateTime = unit.Now,
            };
            await AttachAsync(unit, row, wanted.Port, wakes);
            unit.Db.FloatingAddresses.Add(row);
            return Attachments.Emit(unit, Change.Created, row);
        }, context.CancellationToken);
        nodes.Wake(wakes);
        return answer;
    }

    public override Task<FloatingAddress> GetFloatingAddress(GetFloatingAddressRequest request, ServerCallContext context)
    {
        ResourceName.Parse(Pattern, request.Name);
        return store.ReadAsync(async db => (await db.FloatingAddresses.FirstOrDefaultAsync(f => f.Name == request.Name)
            ?? throw Fault.NotFound(request.Name)).ToProto());
    }

    public override async Task<ListFloatingAddressesResponse> ListFloatingAddresses(ListFloatingAddressesRequest request,
        ServerCallContext context)
    {
        var list = ListQuery.Of(request, context.GetCall(), Filters);
        var (found, sequence) = await store.SnapshotAsync(db => list.Of(db.FloatingAddresses).ToListAsync());
        var (rows, next) = list.Cut(found);
        return new ListFloatingAddressesResponse
        {
            FloatingAddresses = { rows.Select(f => f.ToProto()) },
            NextPageToken = next,
            ResumeToken = Watch.Token(sequence),
        };
    }

    public override async Task<FloatingAddress> UpdateFloatingAddress(UpdateFloatingAddressRequest request,
        ServerCallContext context)
    {
        var violations = new Violations();
        violations.Require(request.FloatingAddress is not null, "floating_address", "is required");
        violations.ThrowIfAny();
        var wanted = request.FloatingAddress!;
        ResourceName.Parse(Pattern, wanted.Name, "floating_address.name", violations);
        var changed = Masks.Changed(request.UpdateMask, wanted, Changeable, violations);
        violations.Labels("floating_address.labels", wanted.Labels);
        violations.ThrowIfAny();
        var wakes = new Wakes();
        var answer = await store.MutateAsync(context.GetCall(), request, async unit =>
        {
            wakes.Clear();
            var row = await unit.Db.FloatingAddresses.FirstOrDefaultAsync(f => f.Name == wanted.Name)
                ?? throw Fault.NotFound(wanted.Name);
            row.Touch(wanted.Etag, unit.Now);
            if (changed.Contains("labels")) row.Labels = Labels.Store(wanted.Labels);
            if (changed.Contains("port")) await AttachAsync(unit, row, wanted.Port, wakes);
            return Attachments.Emit(unit, Change.Updated, row);
        }, context.CancellationToken);
        nodes.Wake(wakes);
        return answer;
    }

    public override async Task<Empty> DeleteFloatingAddress(DeleteFloatingAddressRequest request, ServerCallContext context)
    {
        ResourceName.Parse(Pattern, request.Name);
        var wakes = new Wakes();
        await store.MutateAsync(context.GetCall(), request, async unit =>
        {
            wakes.Clear();
            var row = await unit.Db.FloatingAddresses.FirstOrDefaultAsync(f => f.Name == request.Name)
                ?? throw Fault.NotFound(request.Name);
            row.Touch(request.Etag, unit.Now);
            await Attachments.MoveAsync(unit, row, null, wakes);
            await AddressBook.ReleaseAsync(unit, [row.Uid], options.Quarantine);
            unit.Db.FloatingAddresses.Remove(row);
            Attachments.Emit(unit, Change.Deleted, row);
            return new Empty();
        }, context.CancellationToken);
        nodes.Wake(wakes);
        return new Empty();
    }

    public override Task WatchFloatingAddresses(WatchFloatingAddressesRequest request,
        IServerStreamWriter<WatchFloatingAddressesResponse> responseStream, ServerCallContext context)
    {
        var watch = Watch.Of(store, request, context.GetCall(), Pattern);
        return watch.RunAsync("floatingAddress",
            async db => (await watch.Of(db.FloatingAddresses).ToListAsync()).ConvertAll(f => f.ToProto()),
            (change, address, token) => responseStream.WriteAsync(
                new WatchFloatingAddressesResponse { Change = change, FloatingAddress = address, ResumeToken = token },
                context.CancellationToken),
            context.CancellationToken);
    }

    static async Task AttachAsync(Unit<NetworkDb> unit, FloatingAddressRow row, string named, Wakes wakes)
    {
        var violations = new Violations();
        var port = named.Length == 0 || !Ip.TryParse(row.Address, out var address)
            ? null
            : await Attachments.FindAsync(unit.Db, row.Project, named, address, violations);
        violations.ThrowIfAny();
        await Attachments.MoveAsync(unit, row, port, wakes);
    }

    static async Task<(AddressPoolRow Pool, Ip Address)> ClaimAsync(Unit<NetworkDb> unit, string project, string pool, Ip? chosen,
        Guid holder, string owner)
    {
        var row = await PurposePools.FindAsync(unit.Db, AddressPool.Types.Purpose.Floating, project, pool,
            "floating_address.address_pool", chosen);
        if (chosen is { } address)
        {
            var claimed = await AddressBook.ClaimAsync(unit, row.Uid, address, holder, owner);
            if (PortMaking.Problem(address, claimed) is { } problem)
                throw Fault.Precondition("ADDRESS_NOT_FREE", row.Name, problem);
            return (row, address);
        }
        foreach (var family in Ip.Families)
            if (row.Has(family) && await AddressBook.ClaimAsync(unit, row.Uid, family, holder, owner) is Claimed.Yes yes)
                return (row, yes.Address);
        throw await PoolFaults.ExhaustedAsync(unit.Db, [row], row.Has(4) ? 4 : 6, unit.Now);
    }
}
