using Grpc.Core;
using Monolith.Agent.V1;

namespace Monolith.Compute.Vms;

/// <summary>One node's stream, for all who write to it: one message at a time.</summary>
internal sealed class VmStream(IServerStreamWriter<SyncVmsResponse> responses, Action<VmStream> close) : IDisposable
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    readonly SemaphoreSlim turn = new(1, 1);

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
    public async Task TryWriteAsync(SyncVmsResponse message)
    {
        if (!await turn.WaitAsync(Patience)) return;
        try
        {
            await responses.WriteAsync(message, CancellationToken.None);
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
