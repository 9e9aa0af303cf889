using Grpc.Core;
using Grpc.Core.Interceptors;

namespace Monolith.Fleet.Nodes;

/// <summary>A way to the host on which every message takes its time.</summary>
internal sealed class LateMessages(TimeSpan delay, TimeProvider time) : Interceptor
{
    public override AsyncDuplexStreamingCall<TRequest, TResponse> AsyncDuplexStreamingCall<TRequest, TResponse>(
        ClientInterceptorContext<TRequest, TResponse> context,
        AsyncDuplexStreamingCallContinuation<TRequest, TResponse> continuation)
    {
        var call = continuation(context);
        return new AsyncDuplexStreamingCall<TRequest, TResponse>(
            new Writer<TRequest>(call.RequestStream, delay, time), call.ResponseStream, call.ResponseHeadersAsync,
            call.GetStatus, call.GetTrailers, call.Dispose);
    }

    sealed class Writer<T>(IClientStreamWriter<T> inner, TimeSpan delay, TimeProvider time) : IClientStreamWriter<T>
    {
        public WriteOptions? WriteOptions { get => inner.WriteOptions; set => inner.WriteOptions = value; }

        public Task CompleteAsync() => inner.CompleteAsync();

        public Task WriteAsync(T message) => WriteAsync(message, CancellationToken.None);

        public async Task WriteAsync(T message, CancellationToken cancellationToken)
        {
            await Task.Delay(delay, time, cancellationToken);
            await inner.WriteAsync(message, cancellationToken);
        }
    }
}
