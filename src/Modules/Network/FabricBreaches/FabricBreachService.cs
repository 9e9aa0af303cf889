using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Monolith.Network.V1;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Lists;
using Monolith.Platform.Names;
using Monolith.Platform.Storage;
using Monolith.Platform.Watching;

namespace Monolith.Network.FabricBreaches;

/// <summary>What operators see of what is wrong with the fabric.</summary>
internal sealed class FabricBreachService(Store<NetworkDb> store) : V1.FabricBreachService.FabricBreachServiceBase
{
    const string Pattern = "fabricBreaches/*";

    static readonly FilterFields<FabricBreachRow> Filters = new FilterFields<FabricBreachRow>()
        .Text("name", b => b.Name)
        .Text("hypervisor", b => "hypervisors/" + b.Node)
        .Word("state", b => b.State)
        .Word("invariant", b => b.Invariant)
        .Text("code", b => b.Code)
        .Text("subject", b => b.Subject)
        .Text("port", b => b.Port);

    public override Task<FabricBreach> GetFabricBreach(GetFabricBreachRequest request, ServerCallContext context)
    {
        ResourceName.Parse(Pattern, request.Name);
        return store.ReadAsync(async db =>
            (await db.FabricBreaches.FirstOrDefaultAsync(b => b.Name == request.Name) ?? throw Fault.NotFound(request.Name)).ToProto());
    }

    public override async Task<ListFabricBreachesResponse> ListFabricBreaches(ListFabricBreachesRequest request, ServerCallContext context)
    {
        var list = ListQuery.Of(request, context.GetCall(), Filters);
        var (found, sequence) = await store.SnapshotAsync(db => list.Of(db.FabricBreaches).ToListAsync());
        var (rows, next) = list.Cut(found);
        return new ListFabricBreachesResponse
        {
            FabricBreaches = { rows.Select(b => b.ToProto()) },
            NextPageToken = next,
            ResumeToken = Watch.Token(sequence),
        };
    }

    public override Task WatchFabricBreaches(WatchFabricBreachesRequest request, IServerStreamWriter<WatchFabricBreachesResponse> stream,
        ServerCallContext context)
    {
        var watch = Watch.Of(store, request, context.GetCall(), Pattern);
        return watch.RunAsync("fabricBreach",
            async db => (await watch.Of(db.FabricBreaches).ToListAsync()).ConvertAll(b => b.ToProto()),
            (change, breach, token) => stream.WriteAsync(new WatchFabricBreachesResponse
            {
                Change = change,
                FabricBreach = breach,
                ResumeToken = token,
            }, context.CancellationToken), context.CancellationToken);
    }
}
