using System.Collections.Concurrent;
using System.Security.Cryptography;
using Grpc.Core;
using Microsoft.Extensions.Logging;
using Monolith.Agent.V1;
using Monolith.Compute.Prewarms;
using Monolith.Identity.Contracts;
using Monolith.Platform.Nodes;
using Monolith.Platform.Secrets;
using Monolith.Platform.Storage;

namespace Monolith.Compute.Vms;

/// <summary>What each hypervisor's stream should carry, from the rows.</summary>
internal sealed partial class VmItems(Store<ComputeDb> store, ISecrets? secrets = null, ILogger<VmItems>? log = null,
    ILoginAuthority? logins = null) : INodeItems<Vm>
{
    public Task<IReadOnlyList<DesiredItem<Vm>>> AllAsync(string node, CancellationToken cancel) =>
        ReadAsync(db => VmQueries.AllOnNode(db, node));

    public Task<IReadOnlyList<DesiredItem<Vm>>> SomeAsync(string node, IReadOnlyCollection<string> ids,
        CancellationToken cancel)
    {
        var uids = ids.Select(Guid.Parse).ToList();
        return ReadAsync(db => VmQueries.SomeOnNode(db, uids, node));
    }

    public Task<NodeSummary> SummaryAsync(string node, CancellationToken cancel) => store.ReadAsync(async db =>
    {
        var vms = await VmQueries.VersionsOnNode(db, node);
        return new NodeSummary(vms.ConvertAll(v => (v.Uid.ToString(), (ulong)v.Generation)),
            SyncDigest.Of(vms.Where(v => v.ReportDigest.Length > 0).Select(v => (v.Uid.ToString(), v.ReportDigest))));
    });

    Task<IReadOnlyList<DesiredItem<Vm>>> ReadAsync(Func<ComputeDb, Task<List<VmRow>>> read) =>
        store.ReadAsync<IReadOnlyList<DesiredItem<Vm>>>(async db => (await read(db))
            .ConvertAll(v => new DesiredItem<Vm>(v.Uid.ToString(), (ulong)v.Generation, Wire(v))));

    /// <summary>What one secret is worth is not the news of a whole hypervisor.</summary>
    Vm Wire(VmRow row)
    {
        try
        {
            return row.ToWire(secrets, logins: logins);
        }
        catch (CryptographicException e)
        {
            if (log is not null) LogNotOpened(log, e, row.ServerName);
            return row.ToWire(null, withUserData: false, logins: logins);
        }
    }

    [LoggerMessage(LogLevel.Error, "The user data of {Server} do not open: its guest is told of none. Bring the identity database back that "
        + "goes with the compute database")]
    static partial void LogNotOpened(ILogger log, Exception e, string server);
}

/// <summary>The hypervisors' streams.</summary>
internal sealed class VmStreams(VmItems items, TimeProvider time)
{
    readonly ConcurrentDictionary<string, VmStream> open = new(StringComparer.Ordinal);

    public NodeSync<Vm> Sync { get; } = new(items, time);

    /// <summary>A node's stream, until it is disposed of. Its newest is the one that it is asked on.</summary>
    public VmStream Open(string node, IServerStreamWriter<SyncVmsResponse> responses)
    {
        var stream = new VmStream(responses, s => open.TryRemove(new(node, s)));
        open[node] = stream;
        return stream;
    }

    /// <summary>Asks something of a node that is no part of its set. Never blocks.</summary>
    /// <returns>False: it has no stream.</returns>
    public bool Ask(string node, SyncVmsResponse message)
    {
        if (!open.TryGetValue(node, out var stream)) return false;
        _ = stream.TryWriteAsync(message);
        return true;
    }

    /// <summary>The images that a node is to hold, if it has a stream here. Never blocks.</summary>
    public void Tell(string node, IReadOnlyList<Wanted> images)
    {
        if (open.TryGetValue(node, out var stream)) stream.Tell(images.ToWire());
    }

    /// <summary>No node is to hold any image.</summary>
    public void TellNothing()
    {
        foreach (var stream in open.Values) stream.Tell(new());
    }

    /// <summary>Some node was told to hold images.</summary>
    public bool HoldsImages => open.Values.Any(s => s.HoldsImages);

    public void Wake(string hypervisor, Guid vm) => Sync.Wake(hypervisor, vm.ToString());
}
