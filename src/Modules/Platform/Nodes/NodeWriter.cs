using Grpc.Core;

namespace Monolith.Platform.Nodes;

/// <summary>One node's stream, for all who write to it: one message at a time. Safe for concurrent use.</summary>
public sealed class NodeWriter<TMessage>(IServerStreamWriter<TMessage> responses) : IDisposable
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    readonly SemaphoreSlim turn = new(1, 1);
    volatile bool ended;

    public Task WriteAsync(TMessage message, CancellationToken cancel) =>
        WriteAsync(() => Task.FromResult(message), null, cancel);

    /// <summary>Writes what is made when it is its turn.</summary>
    /// <param name="written">Runs before anybody else writes.</param>
    public async Task WriteAsync(Func<Task<TMessage>> make, Action? written, CancellationToken cancel)
    {
        await turn.WaitAsync(cancel);
        try
        {
            await responses.WriteAsync(await make(), cancel);
            written?.Invoke();
        }
        finally
        {
            turn.Release();
        }
    }

    /// <summary>What is worth a try: dropped when the node takes nothing, or goes.</summary>
    public async Task TryWriteAsync(TMessage message, Action? written = null)
    {
        if (ended || !await turn.WaitAsync(Patience)) return;
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

    /// <summary>Nothing is tried any more. The turn itself is the collector's: somebody may be waiting for it.</summary>
    public void Dispose() => ended = true;
}
