using Google.Protobuf;
using Grpc.Core;
using Monolith.Agent.V1;
using Monolith.Image.Contracts;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Storage;

namespace Monolith.Compute.Vms;

/// <summary>Gives a hypervisor the images that its own vms start from or that it is to have ready, and no others.</summary>
internal sealed class BlobService(Store<ComputeDb> store, IImages images, BlobSources sources) : Agent.V1.BlobService.BlobServiceBase
{
    const int ChunkBytes = 256 * 1024;

    public override async Task ReadBlob(ReadBlobRequest request, IServerStreamWriter<ReadBlobResponse> responses,
        ServerCallContext context)
    {
        var cancel = context.CancellationToken;
        var node = context.GetCall().Caller.Node ?? "";
        var name = "blobs/" + request.Sha256;
        var used = await store.ReadAsync(db => BlobUse.MayRead(db, node, request.Sha256, cancel));
        await using var blob = (used ? images.OpenBlob(request.Sha256) : null) ?? throw Fault.NotFound(name);
        if (request.Offset < 0 || request.Offset > blob.Length)
            throw Fault.Invalid("offset", $"must be 0 to {blob.Length}");
        var complete = false;
        try
        {
            await WriteAsync(blob, request.Offset, responses, cancel);
            complete = true;
        }
        finally
        {
            sources.Ended(request.Sha256, node, complete);
        }
    }

    static async Task WriteAsync(Stream blob, long offset, IServerStreamWriter<ReadBlobResponse> responses, CancellationToken cancel)
    {
        blob.Seek(offset, SeekOrigin.Begin);
        var buffer = new byte[ChunkBytes];
        int read;
        while ((read = await blob.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancel)) > 0)
            await responses.WriteAsync(new ReadBlobResponse { Chunk = ByteString.CopyFrom(buffer, 0, read) }, cancel);
    }
}
