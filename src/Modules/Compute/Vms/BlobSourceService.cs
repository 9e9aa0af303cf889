using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Monolith.Agent.V1;
using Monolith.Compute.Prewarms;
using Monolith.Identity.Contracts;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Storage;
using Monolith.Protos;

namespace Monolith.Compute.Vms;

/// <summary>Tells a hypervisor where to read the images that its own vms start from or that it is to have ready, and no others.</summary>
internal sealed class BlobSourceService(Store<ComputeDb> store, BlobSources sources, IHostCertificates authority, TimeProvider time)
    : Agent.V1.BlobSourceService.BlobSourceServiceBase
{
    static readonly TimeSpan TicketLife = TimeSpan.FromMinutes(2);

    public override async Task<FindBlobSourceResponse> FindBlobSource(FindBlobSourceRequest request, ServerCallContext context)
    {
        var node = context.GetCall().Caller.Node ?? "";
        var sha256 = request.Sha256;
        var holders = await store.ReadAsync(async db =>
            await BlobUse.MayRead(db, node, sha256, context.CancellationToken)
                ? (await db.Vms.Where(v => v.ImageSha256 == sha256 && (v.State == VmState.Running || v.State == VmState.Stopped))
                    .Select(v => v.Hypervisor).Distinct().ToListAsync(context.CancellationToken))
                    .Concat(await PrewarmQueries.Holders(db, sha256))
                : null) ?? throw Fault.NotFound("blobs/" + sha256);
        switch (sources.Choose(sha256, node, holders, request.FailedNodes))
        {
            case BlobSource.Peer peer:
                var ticket = new BlobTicket
                {
                    Sha256 = sha256,
                    ReaderNode = node,
                    ServerNode = peer.Node,
                    ExpireTimeSeconds = (time.GetUtcNow() + TicketLife).ToUnixTimeSeconds(),
                }.ToByteArray();
                return new FindBlobSourceResponse
                {
                    Peer = new BlobPeer
                    {
                        Node = peer.Node,
                        Address = peer.Address,
                        Ticket = ByteString.CopyFrom(ticket),
                        Signature = ByteString.CopyFrom(authority.Sign(SignedTicket.Of(ticket))),
                    },
                };
            case BlobSource.Wait wait:
                return new FindBlobSourceResponse { Wait = Duration.FromTimeSpan(wait.For) };
            default:
                return new FindBlobSourceResponse();
        }
    }

    public override async Task<ReportBlobReadResponse> ReportBlobRead(ReportBlobReadRequest request, ServerCallContext context)
    {
        var node = context.GetCall().Caller.Node ?? "";
        // Who says that it has what it may not have would be asked for it.
        var may = await store.ReadAsync(db => BlobUse.MayRead(db, node, request.Sha256, context.CancellationToken));
        sources.Ended(request.Sha256, node, complete: may && request.Complete);
        return new ReportBlobReadResponse();
    }
}

/// <summary>Which node may read which blob.</summary>
internal static class BlobUse
{
    /// <summary>One of its vms starts from it, or it is to have it ready.</summary>
    public static async Task<bool> MayRead(ComputeDb db, string node, string sha256, CancellationToken cancel) =>
        await db.Vms.AnyAsync(v => v.Hypervisor == node && sha256 != ""
            && (v.ImageSha256 == sha256 || v.RescueSha256 == sha256) && v.Power != VmPower.Absent, cancel)
        || await PrewarmQueries.IsWantedAsync(db, node, sha256);
}
