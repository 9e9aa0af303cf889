using System.Runtime.CompilerServices;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Monolith.Agent.V1;
using Monolith.Compute.Vms;
using Monolith.Image.Contracts;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Reconciling;
using Monolith.Platform.Storage;

namespace Monolith.Compute.Servers.Snapshots;

/// <summary>Takes from a hypervisor the copies that are wanted of its own vms, and no others.</summary>
internal sealed class SnapshotUploads(Store<ComputeDb> store, IImageMaking images, Reconciler<SnapshotId> snapshots,
    TimeProvider time) : SnapshotService.SnapshotServiceBase
{
    /// <summary>How long an agent may be silent in the middle of a copy.</summary>
    static readonly TimeSpan Silence = TimeSpan.FromSeconds(60);

    public override async Task<UploadSnapshotResponse> UploadSnapshot(IAsyncStreamReader<UploadSnapshotRequest> requests,
        ServerCallContext context)
    {
        var cancel = context.CancellationToken;
        var node = context.GetCall().Caller.Node ?? "";
        if (!await requests.MoveNext(cancel).WaitAsync(Silence, time, cancel) || requests.Current.Header is not { } header)
            throw Fault.Invalid("header", "must be the first message of the stream");
        var violations = new Violations();
        violations.Require(Guid.TryParse(header.Vm, out var vm), "header.vm", "must be a UUID");
        violations.Require(Guid.TryParse(header.Snapshot, out var uid), "header.snapshot", "must be a UUID");
        violations.ThrowIfAny();
        var wanted = await store.ReadAsync(db => db.Vms.AnyAsync(v => v.Uid == vm && v.Hypervisor == node
            && v.Snapshot == uid && v.Power != VmPower.Absent, cancel));
        if (!wanted) throw Fault.NotFound("snapshots/" + header.Snapshot);
        try
        {
            return new UploadSnapshotResponse
            {
                Sha256 = await images.ReceiveAsync(uid, header.SizeBytes, Chunks(requests, cancel), cancel),
            };
        }
        finally
        {
            snapshots.Wake(new(uid));
        }
    }

    async IAsyncEnumerable<ReadOnlyMemory<byte>> Chunks(IAsyncStreamReader<UploadSnapshotRequest> requests,
        [EnumeratorCancellation] CancellationToken cancel)
    {
        while (await requests.MoveNext(cancel).WaitAsync(Silence, time, cancel))
        {
            if (requests.Current.PartCase != UploadSnapshotRequest.PartOneofCase.Chunk)
                throw Fault.Invalid("part", "must be a chunk after the header");
            yield return requests.Current.Chunk.Memory;
        }
    }
}
