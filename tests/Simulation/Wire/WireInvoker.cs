using Grpc.Core;
using Monolith.Simulation.Tests.Hosts;
using Monolith.Simulation.Tests.World;

namespace Monolith.Simulation.Tests.Wire;

/// <summary>Calls to the cloud's host over a link, as generated clients make them.</summary>
/// <param name="caller">Whose calls they are.</param>
internal sealed class WireInvoker(Cloud cloud, Link link, Process caller) : CallInvoker
{
    public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request)
    {
        var call = new WireCall<TRequest, TResponse>(cloud, link, caller, method, options);
        call.Send(request);
        call.Complete();
        return new AsyncUnaryCall<TResponse>(OnlyAsync(call), Nothing,
            () => Status.DefaultSuccess, () => [], call.HangUp);
    }

    public override AsyncServerStreamingCall<TResponse> AsyncServerStreamingCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request)
    {
        var call = new WireCall<TRequest, TResponse>(cloud, link, caller, method, options);
        call.Send(request);
        call.Complete();
        return new AsyncServerStreamingCall<TResponse>(new Reader<TRequest, TResponse>(call), Nothing,
            () => Status.DefaultSuccess, () => [], call.HangUp);
    }

    public override AsyncClientStreamingCall<TRequest, TResponse> AsyncClientStreamingCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options)
    {
        var call = new WireCall<TRequest, TResponse>(cloud, link, caller, method, options);
        return new AsyncClientStreamingCall<TRequest, TResponse>(new Writer<TRequest, TResponse>(call), OnlyAsync(call),
            Nothing, () => Status.DefaultSuccess, () => [], call.HangUp);
    }

    public override AsyncDuplexStreamingCall<TRequest, TResponse> AsyncDuplexStreamingCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options)
    {
        var call = new WireCall<TRequest, TResponse>(cloud, link, caller, method, options);
        return new AsyncDuplexStreamingCall<TRequest, TResponse>(new Writer<TRequest, TResponse>(call),
            new Reader<TRequest, TResponse>(call), Nothing, () => Status.DefaultSuccess, () => [], call.HangUp);
    }

    public override TResponse BlockingUnaryCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) =>
        throw new NotSupportedException("Nobody may wait for another piece of work.");

    static Task<Metadata> Nothing { get; } = Task.FromResult(new Metadata());

    static async Task<TResponse> OnlyAsync<TRequest, TResponse>(WireCall<TRequest, TResponse> call)
        where TRequest : class where TResponse : class =>
        await call.NextAsync(CancellationToken.None)
            ? call.Current
            : throw new RpcException(new Status(StatusCode.Internal, "the host ended the call without an answer"));

    sealed class Writer<TRequest, TResponse>(WireCall<TRequest, TResponse> call) : IClientStreamWriter<TRequest>
        where TRequest : class where TResponse : class
    {
        public WriteOptions? WriteOptions { get; set; }

        public Task WriteAsync(TRequest message)
        {
            call.Send(message);
            return Task.CompletedTask;
        }

        public Task WriteAsync(TRequest message, CancellationToken cancellationToken) =>
            cancellationToken.IsCancellationRequested ? Task.FromCanceled(cancellationToken) : WriteAsync(message);

        public Task CompleteAsync()
        {
            call.Complete();
            return Task.CompletedTask;
        }
    }

    sealed class Reader<TRequest, TResponse>(WireCall<TRequest, TResponse> call) : IAsyncStreamReader<TResponse>
        where TRequest : class where TResponse : class
    {
        public TResponse Current => call.Current;

        public Task<bool> MoveNext(CancellationToken cancellationToken) => call.NextAsync(cancellationToken);
    }
}
