using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Monolith.Compute.Placement;
using Monolith.Compute.V1;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Lists;
using Monolith.Platform.Names;
using Monolith.Platform.Storage;

namespace Monolith.Compute.Flavors;

internal sealed class FlavorService(Store<ComputeDb> store) : V1.FlavorService.FlavorServiceBase
{
    static readonly FilterFields<FlavorRow> Filters = new FilterFields<FlavorRow>()
        .Text("name", f => f.Name)
        .Text("display_name", f => f.DisplayName)
        .Number("vcpus", f => f.Vcpus)
        .Number("memory_mib", f => f.MemoryMib)
        .Number("disk_gib", f => f.DiskGib)
        .Labels(f => f.Labels);

    public override Task<Flavor> CreateFlavor(CreateFlavorRequest request, ServerCallContext context)
    {
        FlavorRules.Check(request);
        return store.MutateAsync(context.GetCall(), request, async unit =>
        {
            var name = "flavors/" + request.FlavorId;
            if (await unit.Db.Flavors.AnyAsync(f => f.Name == name)) throw Fault.AlreadyExists(name);
            var row = new FlavorRow
            {
                Name = name,
                DisplayName = request.Flavor.DisplayName,
                Labels = Labels.Store(request.Flavor.Labels),
                Vcpus = request.Flavor.Vcpus,
                MemoryMib = request.Flavor.MemoryMib,
                DiskGib = request.Flavor.DiskGib,
                RequiredTraits = TraitSet.Of(request.Flavor.RequiredTraits).ToString(),
                ForbiddenTraits = TraitSet.Of(request.Flavor.ForbiddenTraits).ToString(),
                Packs = request.Flavor.Placement == Flavor.Types.Placement.Pack,
                CreateTime = unit.Now,
                UpdateTime = unit.Now,
            };
            unit.Db.Flavors.Add(row);
            return Emit(unit, Change.Created, row);
        }, context.CancellationToken);
    }

    public override Task<Flavor> GetFlavor(GetFlavorRequest request, ServerCallContext context)
    {
        ResourceName.Parse("flavors/*", request.Name);
        return store.ReadAsync(async db =>
            (await db.Flavors.FirstOrDefaultAsync(f => f.Name == request.Name) ?? throw Fault.NotFound(request.Name))
            .ToProto());
    }

    public override async Task<ListFlavorsResponse> ListFlavors(ListFlavorsRequest request, ServerCallContext context)
    {
        var list = ListQuery.Of(request, context.GetCall(), Filters);
        var found = await store.ReadAsync(db => list.Of(db.Flavors).ToListAsync());
        var (rows, next) = list.Cut(found);
        return new ListFlavorsResponse { Flavors = { rows.Select(f => f.ToProto()) }, NextPageToken = next };
    }

    public override Task<Flavor> UpdateFlavor(UpdateFlavorRequest request, ServerCallContext context)
    {
        var violations = new Violations();
        violations.Require(request.Flavor is not null, "flavor", "is required");
        violations.ThrowIfAny();
        ResourceName.Parse("flavors/*", request.Flavor!.Name, "flavor.name", violations);
        var changed = Masks.Changed(request.UpdateMask, request.Flavor, FlavorRules.Changeable, violations);
        violations.DisplayName("flavor.display_name", request.Flavor.DisplayName);
        violations.Labels("flavor.labels", request.Flavor.Labels);
        violations.ThrowIfAny();
        return store.MutateAsync(context.GetCall(), request, async unit =>
        {
            var row = await unit.Db.Flavors.FirstOrDefaultAsync(f => f.Name == request.Flavor.Name)
                ?? throw Fault.NotFound(request.Flavor.Name);
            row.Touch(request.Flavor.Etag, unit.Now);
            if (changed.Contains("display_name")) row.DisplayName = request.Flavor.DisplayName;
            if (changed.Contains("labels")) row.Labels = Labels.Store(request.Flavor.Labels);
            return Emit(unit, Change.Updated, row);
        }, context.CancellationToken);
    }

    public override Task<Empty> DeleteFlavor(DeleteFlavorRequest request, ServerCallContext context)
    {
        ResourceName.Parse("flavors/*", request.Name);
        return store.MutateAsync(context.GetCall(), request, async unit =>
        {
            var row = await unit.Db.Flavors.FirstOrDefaultAsync(f => f.Name == request.Name)
                ?? throw Fault.NotFound(request.Name);
            row.Touch(request.Etag, unit.Now);
            unit.Db.Flavors.Remove(row);
            Emit(unit, Change.Deleted, row);
            return new Empty();
        }, context.CancellationToken);
    }

    static Flavor Emit(Unit<ComputeDb> unit, Change change, FlavorRow row)
    {
        var flavor = row.ToProto();
        unit.Emit("flavor", change, row.Name, row.Project, flavor);
        return flavor;
    }
}
