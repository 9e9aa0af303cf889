using Grpc.Core;
using Monolith.Agent.V1;

namespace Monolith.Compute.Vms;

/// <summary>One node's stream, for all who write to it: one message at a time.</summary>
internal sealed class VmStream(IServerStreamWriter<SyncVmsResponse> responses, Action<VmStream> close) : IDisposable
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    readonly SemaphoreSlim turn = new(1, 1);

    /// <summary>The images that the node was told to hold; null before it is in sync.</summary>
    volatile WantedImages? told;

    public bool HoldsImages => told is { Images.Count: > 0 };

    /// <summary>The end of the snapshot, with the images that are wanted then.</summary>
    public async Task WriteInSyncAsync(SyncVmsResponse message, Func<Task<WantedImages>> wanted, CancellationToken cancel)
    {
        await turn.WaitAsync(cancel);
        try
        {
            var images = await wanted();
            if (images.Images.Count > 0) message.WantedImages = images;
            await responses.WriteAsync(message, cancel);
            told = images;
        }
        finally
        {
            turn.Release();
        }
    }

    /// <summary>Tells the node which images it is to hold, unless it was told the same. Before it is in sync, nothing: it is
    /// about to be told. Never blocks.</summary>
    public void Tell(WantedImages images)
    {
        if (told is { } known && !known.Equals(images))
            _ = TryWriteAsync(new SyncVmsResponse { WantedImages = images }, () => told = images);
    }

    public async Task WriteAsync(SyncVmsResponse message, CancellationToken cancel)
    {
        await turn.WaitAsync(cancel);
        try
        {
            await responses.WriteAsync(message, cancel);
        }
        finally
        {
            turn.Release();
        }
    }

    /// <summary>What is worth a try: dropped when the node takes nothing, or goes.</summary>
    public async Task TryWriteAsync(SyncVmsResponse message, Action? written = null)
    {
        if (!await turn.WaitAsync(Patience)) return;
        try
        {
            await responses.WriteAsync(message, CancellationToken.None);
            written?.Invoke();
        }
        catch (Exception e) when (e is InvalidOperationException or IOException or OperationCanceledException or RpcException)
        {
            // Its reader sees the end of the stream as well, and whoever waits for an answer has a deadline.
        }
        finally
        {
            turn.Release();
        }
    }

    public void Dispose() => close(this);
}
