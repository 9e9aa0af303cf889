using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Monolith.Network.V1;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Lists;
using Monolith.Platform.Names;
using Monolith.Platform.Storage;
using Monolith.Platform.Watching;

namespace Monolith.Network.Fabric;

/// <summary>What operators see of the fabric.</summary>
internal sealed class FabricPeerService(Store<NetworkDb> store) : V1.FabricPeerService.FabricPeerServiceBase
{
    const string Pattern = "fabricPeers/*";

    static readonly FilterFields<FabricPeerRow> Filters = new FilterFields<FabricPeerRow>()
        .Text("name", p => p.Name)
        .Text("node", p => p.Node)
        .Word("state", p => p.State)
        .Word("bfd", p => p.Bfd)
        .Text("bgp_state", p => p.BgpState)
        .Flag("flapping", p => p.Flapping);

    public override Task<FabricPeer> GetFabricPeer(GetFabricPeerRequest request, ServerCallContext context)
    {
        ResourceName.Parse(Pattern, request.Name);
        return store.ReadAsync(async db =>
            (await db.FabricPeers.FirstOrDefaultAsync(p => p.Name == request.Name) ?? throw Fault.NotFound(request.Name)).ToProto());
    }

    public override async Task<ListFabricPeersResponse> ListFabricPeers(ListFabricPeersRequest request, ServerCallContext context)
    {
        var list = ListQuery.Of(request, context.GetCall(), Filters);
        var (found, sequence) = await store.SnapshotAsync(db => list.Of(db.FabricPeers).ToListAsync());
        var (rows, next) = list.Cut(found);
        return new ListFabricPeersResponse
        {
            FabricPeers = { rows.Select(p => p.ToProto()) },
            NextPageToken = next,
            ResumeToken = Watch.Token(sequence),
        };
    }

    public override Task WatchFabricPeers(WatchFabricPeersRequest request, IServerStreamWriter<WatchFabricPeersResponse> stream,
        ServerCallContext context)
    {
        var watch = Watch.Of(store, request, context.GetCall(), Pattern);
        return watch.RunAsync("fabricPeer",
            async db => (await watch.Of(db.FabricPeers).ToListAsync()).ConvertAll(p => p.ToProto()),
            (change, peer, token) => stream.WriteAsync(new WatchFabricPeersResponse
            {
                Change = change,
                FabricPeer = peer,
                ResumeToken = token,
            }, context.CancellationToken), context.CancellationToken);
    }
}
