using System.Threading.Channels;
using Grpc.Core;

namespace Monolith.Modules.Tests.Calls;

/// <summary>Gathers what a method streams; a test awaits the next message.</summary>
internal sealed class TestStream<T> : IServerStreamWriter<T>
{
    readonly Channel<T> sent = Channel.CreateUnbounded<T>();

    public WriteOptions? WriteOptions { get; set; }

    public Task WriteAsync(T message)
    {
        sent.Writer.TryWrite(message);
        return Task.CompletedTask;
    }

    public Task WriteAsync(T message, CancellationToken cancellationToken) => WriteAsync(message);

    /// <exception cref="TimeoutException">Nothing came within half a minute.</exception>
    public async Task<T> NextAsync() =>
        await sent.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30));

    public bool IsEmpty => sent.Reader.Count == 0;
}
