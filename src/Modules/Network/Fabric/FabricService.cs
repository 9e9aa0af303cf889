using Grpc.Core;
using Monolith.Agent.V1;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;

namespace Monolith.Network.Fabric;

/// <summary>Where nodes report (fabric.proto). A node is believed about itself.</summary>
internal sealed class FabricService(FabricNodes nodes, TimeProvider time) : Agent.V1.FabricService.FabricServiceBase
{
    public override async Task<ReportFabricResponse> ReportFabric(ReportFabricRequest request, ServerCallContext context)
    {
        var caller = context.GetCall().Caller;
        var node = caller.Node ?? throw Fault.Denied("agent.fabric.report", "nodes", caller.Name);
        await nodes.TakeAsync(node, FabricSight.Read(request.Sessions, time.GetUtcNow().UtcDateTime), context.CancellationToken);
        return new ReportFabricResponse();
    }
}
