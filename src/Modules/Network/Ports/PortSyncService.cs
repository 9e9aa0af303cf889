using Grpc.Core;
using Microsoft.Extensions.Logging;
using Monolith.Agent.V1;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Nodes;

namespace Monolith.Network.Ports;

/// <summary>The stream of a hypervisor's ports (sync.proto): specs and sets down, reports up.</summary>
internal sealed partial class PortSyncService(PortNodes nodes, PortReports reports, PortLooks looks,
    ILogger<PortSyncService> log)
    : Agent.V1.PortSyncService.PortSyncServiceBase
{
    public override async Task SyncPorts(IAsyncStreamReader<SyncPortsRequest> requestStream,
        IServerStreamWriter<SyncPortsResponse> responseStream, ServerCallContext context)
    {
        var caller = context.GetCall().Caller;
        var node = caller.Node ?? throw Fault.Denied("agent.ports.sync", "nodes", caller.Name);
        var hello = NodeHello.Of(context);
        LogOpened(node, hello.AgentVersion);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken);
        var intake = new PortIntake(node);
        using var writer = new NodeWriter<SyncPortsResponse>(responseStream);
        looks.Open(node, writer);
        var down = nodes.Sync.ServeAsync(node, hello.DesiredDigest, hello.StatusDigest,
            (id, item) => writer.WriteAsync(Traced(item ?? Remove(id)), ended.Token),
            (unchanged, sendStatuses) =>
            {
                intake.AskedForAll = sendStatuses;
                return writer.WriteAsync(new SyncPortsResponse
                {
                    InSync = new InSync { Unchanged = unchanged, SendStatuses = sendStatuses },
                }, ended.Token);
            }, ended.Token);
        var up = reports.ReadAsync(intake, requestStream, ended.Token);
        var first = await Task.WhenAny(down, up);
        await ended.CancelAsync();
        looks.Close(node, writer);
        await Task.WhenAll(Quiet(down), Quiet(up));
        LogClosed(node);
        if (first == down && first.IsCanceled && !context.CancellationToken.IsCancellationRequested)
            throw new Fault(StatusCode.Aborted, "STREAM_REPLACED", $"{node} has opened a newer stream of its ports.");
        await first;
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

    static async Task Quiet(Task task) => await task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
}
