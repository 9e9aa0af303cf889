using System.Threading.Channels;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;
using Monolith.Agent.V1;
using Monolith.Network.FloatingAddresses;
using Monolith.Platform.Calls;
using Monolith.Platform.Storage;

namespace Monolith.Network.Ports;

/// <summary>One stream's reports.</summary>
internal sealed class PortIntake(string node)
{
    public string Node { get; } = node;

    public string Hypervisor { get; } = "hypervisors/" + node;

    /// <summary>Whether the node was asked for every status.</summary>
    public volatile bool AskedForAll;

    /// <summary>Ports of the node that it reported on since the stream began. At most as many as it has.</summary>
    public HashSet<Guid> Seen { get; } = [];
}

/// <summary>
/// Takes hypervisors' reports into the rows. What is waiting is written together; what the rows know already is not
/// written at all. A node is believed about ports that are bound to it, and about nothing else.
/// </summary>
internal sealed partial class PortReports(Store<NetworkDb> store, ILogger<PortReports> log)
{
    const int MaxWaiting = 256;
    const int MaxDigest = 128;

    static Call Caller(PortIntake intake) => Call.Of("nodes/" + intake.Node);

    /// <summary>Until the node ends the stream.</summary>
    public async Task ReadAsync(PortIntake intake, IAsyncStreamReader<SyncPortsRequest> requests,
        CancellationToken cancel)
    {
        var waiting = Channel.CreateBounded<SyncPortsRequest>(new BoundedChannelOptions(MaxWaiting)
        {
            SingleReader = true,
            SingleWriter = true,
        });
        var taking = TakeAllAsync(intake, waiting.Reader, cancel);
        try
        {
            while (!taking.IsCompleted && await requests.MoveNext(cancel))
                await waiting.Writer.WriteAsync(requests.Current, cancel);
        }
        finally
        {
            waiting.Writer.TryComplete();
        }
        await taking;
    }

    async Task TakeAllAsync(PortIntake intake, ChannelReader<SyncPortsRequest> waiting, CancellationToken cancel)
    {
        var statuses = new Dictionary<Guid, PortStatus>();
        while (await waiting.WaitToReadAsync(cancel))
        {
            statuses.Clear();
            var all = false;
            while (!all && waiting.TryRead(out var request))
            {
                all = request.KindCase == SyncPortsRequest.KindOneofCase.StatusesSent;
                if (request.KindCase != SyncPortsRequest.KindOneofCase.Status) continue;
                if (!Guid.TryParse(request.Status.Id, out var uid) || request.Status.ReportDigest.Length > MaxDigest)
                    LogMalformed(intake.Node);
                else statuses[uid] = request.Status;
            }
            if (statuses.Count > 0) await TakeAsync(intake, statuses, cancel);
            if (all && intake.AskedForAll) await ForgetOthersAsync(intake, cancel);
        }
    }

    async Task TakeAsync(PortIntake intake, Dictionary<Guid, PortStatus> statuses, CancellationToken cancel)
    {
        var uids = statuses.Keys.ToList();
        var known = await store.ReadAsync(db => PortQueries.ReportedOnHypervisor(db, uids, intake.Hypervisor));
        foreach (var port in known) intake.Seen.Add(port.Uid);
        if (known.Count < uids.Count) LogNotIts(intake.Node, uids.Count - known.Count);
        var news = known.Where(p => p.Bound && IsNew(statuses[p.Uid], p.ReportDigest, p.BoundGeneration)).Select(p => p.Uid)
            .ToList();
        if (news.Count == 0) return;
        await store.WriteAsync(Caller(intake), async unit =>
        {
            foreach (var row in await PortQueries.SomeBoundTo(unit.Db, news, intake.Hypervisor))
            {
                var status = statuses[row.Uid];
                if (!IsNew(status, row.ReportDigest, row.BoundGeneration)) continue;
                var changed = PortStates.Report(row, status, unit.Now);
                await Attachments.FollowAsync(unit, row, status);
                if (!changed) continue;
                row.Touch("", unit.Now);
                PortMaking.Emit(unit, Change.Updated, row);
            }
        }, cancel);
    }

    /// <summary>The node has said all that it knows: it has no port that it did not speak of.</summary>
    Task ForgetOthersAsync(PortIntake intake, CancellationToken cancel) =>
        store.WriteAsync(Caller(intake), async unit =>
        {
            var rows = await unit.Db.Ports.Where(p => p.Hypervisor == intake.Hypervisor && p.ReportDigest != "")
                .ToListAsync(cancel);
            foreach (var row in rows.Where(r => !intake.Seen.Contains(r.Uid)))
            {
                PortStates.Await(row, unit.Now);
                await Attachments.FollowAsync(unit, row, null);
                row.Touch("", unit.Now);
                PortMaking.Emit(unit, Change.Updated, row);
            }
        }, cancel);

    static bool IsNew(PortStatus status, string digest, long boundGeneration) =>
        status.ReportDigest != digest && status.Generation >= (ulong)boundGeneration;

    [LoggerMessage(LogLevel.Warning, "{Node} sent a status without a port's id or with an endless digest; ignored")]
    partial void LogMalformed(string node);

    [LoggerMessage(LogLevel.Warning, "{Node} reported on {Count} ports that are not bound to it; ignored")]
    partial void LogNotIts(string node, int count);
}
