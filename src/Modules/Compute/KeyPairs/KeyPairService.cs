using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Monolith.Compute.V1;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Lists;
using Monolith.Platform.Names;
using Monolith.Platform.Storage;

namespace Monolith.Compute.KeyPairs;

internal sealed class KeyPairService(Store<ComputeDb> store) : V1.KeyPairService.KeyPairServiceBase
{
    const string Pattern = "projects/*/keyPairs/*";

    static readonly FilterFields<KeyPairRow> Filters = new FilterFields<KeyPairRow>()
        .Text("name", k => k.Name)
        .Text("public_key", k => k.PublicKey)
        .Text("fingerprint", k => k.Fingerprint);

    public override Task<KeyPair> CreateKeyPair(CreateKeyPairRequest request, ServerCallContext context)
    {
        var violations = new Violations();
        ResourceName.Parse("projects/*", request.Parent, "parent", violations);
        violations.Id("key_pair_id", request.KeyPairId);
        var (key, fingerprint, error) = PublicKey.Parse(request.KeyPair?.PublicKey ?? "");
        violations.Require(error is null, "key_pair.public_key", error ?? "");
        violations.ThrowIfAny();
        return store.MutateAsync(context.GetCall(), request, async unit =>
        {
            var name = $"{request.Parent}/keyPairs/{request.KeyPairId}";
            if (await unit.Db.KeyPairs.AnyAsync(k => k.Name == name)) throw Fault.AlreadyExists(name);
            var row = new KeyPairRow
            {
                Name = name,
                Project = ResourceName.ProjectOf(name)!,
                PublicKey = key,
                Fingerprint = fingerprint,
                CreateTime = unit.Now,
                UpdateTime = unit.Now,
            };
            unit.Db.KeyPairs.Add(row);
            return Emit(unit, Change.Created, row);
        }, context.CancellationToken);
    }

    public override Task<KeyPair> GetKeyPair(GetKeyPairRequest request, ServerCallContext context)
    {
        ResourceName.Parse(Pattern, request.Name);
        return store.ReadAsync(async db =>
            (await db.KeyPairs.FirstOrDefaultAsync(k => k.Name == request.Name) ?? throw Fault.NotFound(request.Name))
            .ToProto());
    }

    public override async Task<ListKeyPairsResponse> ListKeyPairs(ListKeyPairsRequest request, ServerCallContext context)
    {
        var list = ListQuery.Of(request, context.GetCall(), Filters);
        var found = await store.ReadAsync(db => list.Of(db.KeyPairs).ToListAsync());
        var (rows, next) = list.Cut(found);
        return new ListKeyPairsResponse { KeyPairs = { rows.Select(k => k.ToProto()) }, NextPageToken = next };
    }

    public override Task<Empty> DeleteKeyPair(DeleteKeyPairRequest request, ServerCallContext context)
    {
        ResourceName.Parse(Pattern, request.Name);
        return store.MutateAsync(context.GetCall(), request, async unit =>
        {
            var row = await unit.Db.KeyPairs.FirstOrDefaultAsync(k => k.Name == request.Name)
                ?? throw Fault.NotFound(request.Name);
            row.Touch(request.Etag, unit.Now);
            unit.Db.KeyPairs.Remove(row);
            Emit(unit, Change.Deleted, row);
            return new Empty();
        }, context.CancellationToken);
    }

    static KeyPair Emit(Unit<ComputeDb> unit, Change change, KeyPairRow row)
    {
        var pair = row.ToProto();
        unit.Emit("keyPair", change, row.Name, row.Project, pair);
        return pair;
    }
}
