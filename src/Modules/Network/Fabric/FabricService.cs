using Grpc.Core;
using Monolith.Agent.V1;
using Monolith.Network.FabricBreaches;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;

namespace Monolith.Network.Fabric;

/// <summary>Where nodes report (fabric.proto). A node is believed about itself.</summary>
internal sealed class FabricService(FabricNodes nodes, BreachNodes breaches, TimeProvider time) : Agent.V1.FabricService.FabricServiceBase
{
    public override async Task<ReportFabricResponse> ReportFabric(ReportFabricRequest request, ServerCallContext context)
    {
        await nodes.TakeAsync(NodeOf(context), FabricSight.Read(request.Sessions, time.GetUtcNow().UtcDateTime), context.CancellationToken);
        return new ReportFabricResponse();
    }

    public override async Task<ReportBreachesResponse> ReportBreaches(ReportBreachesRequest request, ServerCallContext context)
    {
        var sights = BreachSight.Read(request, time.GetUtcNow().UtcDateTime);
        await breaches.TakeAsync(NodeOf(context), sights, BreachSight.Addresses(request), context.CancellationToken);
        return new ReportBreachesResponse();
    }

    static string NodeOf(ServerCallContext context)
    {
        var caller = context.GetCall().Caller;
        return caller.Node ?? throw Fault.Denied("agent.fabric.report", "nodes", caller.Name);
    }
}
