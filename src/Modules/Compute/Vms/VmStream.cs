using Grpc.Core;
using Monolith.Agent.V1;
using Monolith.Platform.Nodes;

namespace Monolith.Compute.Vms;

/// <summary>One node's stream, and the images that it was told to hold.</summary>
internal sealed class VmStream(IServerStreamWriter<SyncVmsResponse> responses, Action<VmStream> close) : IDisposable
{
    readonly NodeWriter<SyncVmsResponse> writer = new(responses);

    /// <summary>The images that the node was told to hold; null before it is in sync.</summary>
    volatile WantedImages? told;

    public bool HoldsImages => told is { Images.Count: > 0 };

    /// <summary>The end of the snapshot, with the images that are wanted then.</summary>
    public Task WriteInSyncAsync(SyncVmsResponse message, Func<Task<WantedImages>> wanted, CancellationToken cancel)
    {
        var images = new WantedImages();
        return writer.WriteAsync(async () =>
        {
            images = await wanted();
            if (images.Images.Count > 0) message.WantedImages = images;
            return message;
        }, () => told = images, cancel);
    }

    /// <summary>Tells the node which images it is to hold, unless it was told the same. Before it is in sync, nothing: it is
    /// about to be told. Never blocks.</summary>
    public void Tell(WantedImages images)
    {
        if (told is { } known && !known.Equals(images))
            _ = writer.TryWriteAsync(new SyncVmsResponse { WantedImages = images }, () => told = images);
    }

    public Task WriteAsync(SyncVmsResponse message, CancellationToken cancel) => writer.WriteAsync(message, cancel);

    /// <summary>What is worth a try: dropped when the node takes nothing, or goes.</summary>
    public Task TryWriteAsync(SyncVmsResponse message) => writer.TryWriteAsync(message);

    public void Dispose()
    {
        close(this);
        writer.Dispose();
    }
}
