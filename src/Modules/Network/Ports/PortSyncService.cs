using Grpc.Core;
using Microsoft.Extensions.Logging;
using Monolith.Agent.V1;
using Monolith.Platform;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Nodes;

namespace Monolith.Network.Ports;

/// <summary>The stream of a hypervisor's ports (sync.proto): specs and sets down, reports up.</summary>
internal sealed partial class PortSyncService(PortNodes nodes, PortReports reports, PortLooks looks,
    ILogger<PortSyncService> log)
    : Agent.V1.PortSyncService.PortSyncServiceBase
{
    public override Task SyncPorts(IAsyncStreamReader<SyncPortsRequest> requests,
        IServerStreamWriter<SyncPortsResponse> responses, ServerCallContext context) =>
        Background.Run(() => SyncAsync(requests, responses, context));

    async Task SyncAsync(IAsyncStreamReader<SyncPortsRequest> requests, IServerStreamWriter<SyncPortsResponse> responses,
        ServerCallContext context)
    {
        var caller = context.GetCall().Caller;
        var node = caller.Node ?? throw Fault.Denied("agent.ports.sync", "nodes", caller.Name);
        var hello = NodeHello.Of(context);
        LogOpened(node, hello.AgentVersion);
        var intake = new PortIntake(node);
        using var writer = new NodeWriter<SyncPortsResponse>(responses);
        looks.Open(node, writer);
        try
        {
            await NodeStream.RunAsync(node, "ports", ended => nodes.Sync.ServeAsync(node, hello.DesiredDigest, hello.StatusDigest,
                (id, item) => writer.WriteAsync(Traced(item ?? Remove(id)), ended),
                (unchanged, sendStatuses) =>
                {
                    intake.AskedForAll = sendStatuses;
                    return writer.WriteAsync(new SyncPortsResponse
                    {
                        InSync = new InSync { Unchanged = unchanged, SendStatuses = sendStatuses },
                    }, ended);
                }, ended), ended => reports.ReadAsync(intake, requests, ended), context.CancellationToken);
        }
        finally
        {
            looks.Close(node, writer);
            LogClosed(node);
        }
    }

    public override Task<TellPortResponse> TellPort(TellPortRequest request, ServerCallContext context)
    {
        var caller = context.GetCall().Caller;
        var node = caller.Node ?? throw Fault.Denied("agent.ports.tell", "nodes", caller.Name);
        var violations = new Violations();
        violations.Require(request.Sight is not null, "sight", "is required");
        violations.ThrowIfAny();
        return looks.Tell(node, request.Look, request.Sight!)
            ? Task.FromResult(new TellPortResponse())
            : throw Fault.NotFound("looks/" + (request.Look.Length <= 64 ? request.Look : "?"));
    }

    static SyncPortsResponse Remove(string id) => PortItems.IsSet(id)
        ? new SyncPortsResponse { RemoveSet = PortItems.SetOf(id) }
        : new SyncPortsResponse { RemovePort = id };

    /// <summary>A set's message is shared by all streams: what is a stream's own is in a copy.</summary>
    static SyncPortsResponse Traced(SyncPortsResponse message)
    {
        if (SyncTrace.Parent is not { Length: > 0 } parent) return message;
        var traced = message.Clone();
        traced.Traceparent = parent;
        return traced;
    }
}
