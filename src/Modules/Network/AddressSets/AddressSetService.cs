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

namespace Monolith.Network.AddressSets;

internal sealed class AddressSetService(Store<NetworkDb> store, PortNodes nodes) : V1.AddressSetService.AddressSetServiceBase
{
    const int MaxPrefixes = 1_000;
    static readonly string[] Changeable = ["display_name", "labels", "prefixes"];

    static readonly FilterFields<AddressSetRow> Filters = new FilterFields<AddressSetRow>()
        .Text("name", s => s.Name)
        .Text("display_name", s => s.DisplayName)
        .Text("prefixes", s => s.Prefixes)
        .Time("create_time", s => s.CreateTime)
        .Labels(s => s.Labels);

    public override Task<AddressSet> CreateAddressSet(CreateAddressSetRequest request, ServerCallContext context)
    {
        var violations = new Violations();
        var project = ResourceName.Parse("projects/*", request.Parent, "parent", violations)?[0];
        violations.Id("address_set_id", request.AddressSetId);
        if (violations.Require(request.AddressSet is not null, "address_set", "is required")) Check(request.AddressSet, violations);
        violations.ThrowIfAny();
        return store.MutateAsync(context.GetCall(), request, async unit =>
        {
            var name = $"{request.Parent}/addressSets/{request.AddressSetId}";
            if (await unit.Db.AddressSets.AnyAsync(s => s.Name == name)) throw Fault.AlreadyExists(name);
            var row = new AddressSetRow
            {
                Name = name,
                Project = project!,
                DisplayName = request.AddressSet!.DisplayName,
                Labels = Labels.Store(request.AddressSet.Labels),
                Prefixes = Words.Store(request.AddressSet.Prefixes.Distinct()),
                CreateTime = unit.Now,
                UpdateTime = unit.Now,
            };
            unit.Db.AddressSets.Add(row);
            return Emit(unit, Change.Created, row);
        }, context.CancellationToken);
    }

    public override Task<AddressSet> GetAddressSet(GetAddressSetRequest request, ServerCallContext context)
    {
        ResourceName.Parse(AddressSetRow.Pattern, request.Name);
        return store.ReadAsync(async db => (await db.AddressSets.FirstOrDefaultAsync(s => s.Name == request.Name)
            ?? throw Fault.NotFound(request.Name)).ToProto());
    }

    public override async Task<ListAddressSetsResponse> ListAddressSets(ListAddressSetsRequest request, ServerCallContext context)
    {
        var list = ListQuery.Of(request, context.GetCall(), Filters);
        var found = await store.ReadAsync(db => list.Of(db.AddressSets).ToListAsync());
        var (rows, next) = list.Cut(found);
        return new ListAddressSetsResponse { AddressSets = { rows.Select(s => s.ToProto()) }, NextPageToken = next };
    }

    public override async Task<AddressSet> UpdateAddressSet(UpdateAddressSetRequest request, ServerCallContext context)
    {
        var violations = new Violations();
        violations.Require(request.AddressSet is not null, "address_set", "is required");
        violations.ThrowIfAny();
        var set = request.AddressSet!;
        ResourceName.Parse(AddressSetRow.Pattern, set.Name, "address_set.name", violations);
        var changed = Masks.Changed(request.UpdateMask, set, Changeable, violations);
        Check(set, violations);
        violations.ThrowIfAny();
        var wakes = new Wakes();
        var answer = await store.MutateAsync(context.GetCall(), request, async unit =>
        {
            wakes.Clear();
            var row = await unit.Db.AddressSets.FirstOrDefaultAsync(s => s.Name == set.Name) ?? throw Fault.NotFound(set.Name);
            row.Touch(set.Etag, unit.Now);
            if (changed.Contains("display_name")) row.DisplayName = set.DisplayName;
            if (changed.Contains("labels")) row.Labels = Labels.Store(set.Labels);
            if (changed.Contains("prefixes") && row.Prefixes != Words.Store(set.Prefixes.Distinct()))
            {
                row.Prefixes = Words.Store(set.Prefixes.Distinct());
                row.SetGeneration++;
                wakes.Sets([row.Uid]);
            }
            return Emit(unit, Change.Updated, row);
        }, context.CancellationToken);
        nodes.Wake(wakes);
        return answer;
    }

    public override Task<Empty> DeleteAddressSet(DeleteAddressSetRequest request, ServerCallContext context)
    {
        ResourceName.Parse(AddressSetRow.Pattern, request.Name);
        return store.MutateAsync(context.GetCall(), request, async unit =>
        {
            var row = await unit.Db.AddressSets.FirstOrDefaultAsync(s => s.Name == request.Name)
                ?? throw Fault.NotFound(request.Name);
            row.Touch(request.Etag, unit.Now);
            if (await unit.Db.SecurityGroups.Where(g => unit.Db.GroupRemotes.Any(r => r.GroupUid == g.Uid && r.RemoteUid == row.Uid))
                .OrderBy(g => g.Name).Select(g => g.Name).FirstOrDefaultAsync() is { } user)
                throw Fault.Precondition("ADDRESS_SET_IN_USE", row.Name,
                    $"A rule of {user} names {row.Name}. Take it out of the rule first.");
            unit.Db.AddressSets.Remove(row);
            Emit(unit, Change.Deleted, row);
            return new Empty();
        }, context.CancellationToken);
    }

    static void Check(AddressSet set, Violations violations)
    {
        violations.DisplayName("address_set.display_name", set.DisplayName);
        violations.Labels("address_set.labels", set.Labels);
        violations.Require(set.Prefixes.Count <= MaxPrefixes, "address_set.prefixes", $"must have at most {MaxPrefixes:N0}");
        for (var i = 0; i < set.Prefixes.Count && i < MaxPrefixes; i++)
        {
            var field = $"address_set.prefixes[{i}]";
            if (!Cidr.TryParse(set.Prefixes[i], out var prefix, out var problem)) violations.Add(field, problem);
            else violations.Require(prefix.Length > 0, field, "is everybody: a rule without a remote says that");
        }
    }

    static AddressSet Emit(Unit<NetworkDb> unit, Change change, AddressSetRow row)
    {
        var set = row.ToProto();
        unit.Emit("addressSet", change, row.Name, row.Project, set);
        return set;
    }
}
