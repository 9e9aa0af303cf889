using System.Net;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;
using Monolith.Agent.V1;
using Monolith.Compute.Hypervisors;
using Monolith.Compute.Prewarms;
using Monolith.Compute.Servers;
using Monolith.Platform;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Nodes;
using Monolith.Platform.Reconciling;
using Monolith.Platform.Storage;

namespace Monolith.Compute.Vms;

/// <summary>The host's end of the hypervisors' vm streams (sync.proto).</summary>
internal sealed partial class VmSyncService(Store<ComputeDb> store, VmStreams streams, Presence presence,
    BlobSources blobs, Warmer warmer, Reconciler<PrewarmLook> prewarms, Reconciler<ServerName> servers, Reconciler<VmId> reaper, Reconciler<SnapshotId> snapshots,
    ILogger<VmSyncService> log)
    : Agent.V1.VmSyncService.VmSyncServiceBase
{
    public override Task SyncVms(IAsyncStreamReader<SyncVmsRequest> requests, IServerStreamWriter<SyncVmsResponse> responses,
        ServerCallContext context) => Background.Run(() => SyncAsync(requests, responses, context));

    async Task SyncAsync(IAsyncStreamReader<SyncVmsRequest> requests, IServerStreamWriter<SyncVmsResponse> responses,
        ServerCallContext context)
    {
        var node = context.GetCall().Caller.Node
            ?? throw Fault.Unauthenticated("NOT_A_NODE", "Only an agent with a node's certificate may open this stream.");
        var hello = NodeHello.Of(context);
        using var stream = streams.Open(node, responses);
        var cancel = context.CancellationToken;
        try
        {
            await presence.ConnectedAsync(node, hello, cancel);
            blobs.Connected(node, BlobAddress(hello));
            LogConnected(node, hello.AgentVersion);
            await WakeServersAsync(node);
            await NodeStream.RunAsync(node, "vms", ended => streams.Sync.ServeAsync(node, hello.DesiredDigest, hello.StatusDigest,
                (id, vm) => stream.WriteAsync(vm is null
                    ? new SyncVmsResponse { Remove = id, Traceparent = SyncTrace.Parent }
                    : new SyncVmsResponse { Upsert = vm, Traceparent = SyncTrace.Parent }, ended),
                (unchanged, sendStatuses) => stream.WriteInSyncAsync(new SyncVmsResponse
                {
                    InSync = new InSync { Unchanged = unchanged, SendStatuses = sendStatuses },
                }, async () => (await store.ReadAsync(db => PrewarmQueries.OfNodeAsync(db, node))).ToWire(), ended),
                ended), ended => ListenAsync(node, requests, ended), cancel);
        }
        finally
        {
            await presence.DisconnectedAsync(node);
            if (!presence.IsUp(node)) blobs.Disconnected(node);
            LogDisconnected(node);
        }
    }

    /// <summary>Where it gives blobs to others, if it does.</summary>
    static string? BlobAddress(Hello hello) => hello.Inventory is { } inventory
        && inventory.Capabilities.TryGetValue("blobs", out var text) && IPEndPoint.TryParse(text, out var at) ? at.ToString() : null;

    async Task ListenAsync(string node, IAsyncStreamReader<SyncVmsRequest> requests, CancellationToken cancel)
    {
        var reported = new HashSet<string>(StringComparer.Ordinal);
        while (await requests.MoveNext(cancel))
        {
            switch (requests.Current.KindCase)
            {
                case SyncVmsRequest.KindOneofCase.Status:
                    reported.Add(requests.Current.Status.Id);
                    await TakeAsync(node, requests.Current.Status, cancel);
                    break;
                case SyncVmsRequest.KindOneofCase.StatusesSent:
                    await TakeAbsenceAsync(node, reported, cancel);
                    reported.Clear();
                    break;
                case SyncVmsRequest.KindOneofCase.ImageStatuses:
                    if (await warmer.TakeAsync(node, requests.Current.ImageStatuses, cancel)) prewarms.Wake(default);
                    break;
                default:
                    throw Fault.Invalid("kind", "must be status, statuses_sent or image_statuses");
            }
        }
    }

    async Task TakeAsync(string node, VmStatus status, CancellationToken cancel)
    {
        if (!Guid.TryParse(status.Id, out var uid)) throw Fault.Invalid("status.id", "must be a UUID");
        var known = await store.ReadAsync(db => VmQueries.ReportDigest(db, uid, node));
        if (known is null)
        {
            // Nobody's vm, or another node's: what a node says of what is not its own counts for nothing.
            LogForeign(node, uid);
            // What it removed without being asked it remembers until it is told that nobody else does.
            if (status.State == VmStatus.Types.State.Gone) streams.Ask(node, new SyncVmsResponse { Remove = status.Id });
            return;
        }
        if (known == status.ReportDigest) return;
        var vm = await store.WriteAsync(Call.Of("nodes/" + node), async unit =>
        {
            var row = await VmQueries.OnNode(unit.Db, uid, node);
            if (row is null) return null;
            row.State = status.State();
            if (row is { Role: VmRole.Fenced, State: VmState.Running }) await TellAliveAsync(unit, row);
            row.ReportedGeneration = (long)status.Generation;
            row.ReportedRestarts = (int)status.Restarts;
            row.Reason = VmWire.Limit(status.Reason);
            row.Message = VmWire.Limit(status.Message);
            row.Retrying = status.Retrying;
            row.Answers = status.Answers;
            row.Steps = [.. status.Steps.Take(20).Select(s => s.ToStep(node))];
            row.ReportDigest = status.ReportDigest;
            row.ReportedMigration = status.Migration is { } migration ? VmWire.Keep(migration) : [];
            row.ReportedSnapshot = status.Snapshot is { } snapshot ? VmWire.Keep(snapshot) : [];
            return row;
        }, cancel);
        if (vm is not null) Wake(vm);
    }

    /// <summary>The machine was not off, whoever said so: the server ran twice, which people must know.</summary>
    async Task TellAliveAsync(Unit<ComputeDb> unit, VmRow vm)
    {
        LogAlive(vm.Hypervisor, vm.ServerName);
        var name = "hypervisors/" + vm.Hypervisor;
        if (await unit.Db.Hypervisors.FirstOrDefaultAsync(h => h.Name == name) is not { } row) return;
        row.EvacuationMessage = $"It was said to be off, but {vm.ServerName} ran there when it came back. It is removed there now.";
        row.Touch("", unit.Now);
        unit.Emit("hypervisor", Change.Updated, row.Name, "", row.ToProto());
    }

    /// <summary>After a full report: what is to be absent and was not reported is gone.</summary>
    async Task TakeAbsenceAsync(string node, HashSet<string> reported, CancellationToken cancel)
    {
        var gone = await store.WriteAsync(Call.Of("nodes/" + node), async unit =>
        {
            var rows = await unit.Db.Vms.Where(v => v.Hypervisor == node && v.Power == VmPower.Absent).ToListAsync(cancel);
            rows.RemoveAll(v => reported.Contains(v.Uid.ToString()) || v.ReportedGeneration == 0);
            foreach (var row in rows) row.State = VmState.Gone;
            return rows;
        }, cancel);
        gone.ForEach(Wake);
    }

    void Wake(VmRow vm)
    {
        if (vm.Power == VmPower.Absent) reaper.Wake(new(vm.Uid));
        if (vm.Snapshot is { } snapshot) snapshots.Wake(new(snapshot));
        servers.Wake(new(vm.ServerName));
    }

    async Task WakeServersAsync(string node)
    {
        var waiting = await store.ReadAsync(db => ServerQueries.WaitingFor(db, node));
        waiting.ForEach(name => servers.Wake(new(name)));
    }

    [LoggerMessage(LogLevel.Information, "Hypervisor {Node} is connected, agent {Version}")]
    partial void LogConnected(string node, string version);

    [LoggerMessage(LogLevel.Information, "Hypervisor {Node} is disconnected")]
    partial void LogDisconnected(string node);

    [LoggerMessage(LogLevel.Error, "Hypervisor {Node} was said to be off and evacuated, but {Server} ran there when it came back")]
    partial void LogAlive(string node, string server);

    [LoggerMessage(LogLevel.Warning, "Hypervisor {Node} reported on vm {Vm}, which is not its own; ignored")]
    partial void LogForeign(string node, Guid vm);
}
