using Google.Protobuf;
using Grpc.Core;

namespace Monolith.Agent.Sync;

/// <summary>
/// One stream of sync.proto with its types: vms, ports, load balancers. Pure mapping, shared by all agents.
/// </summary>
internal interface IConcern
{
    /// <summary><c>vms</c>: in logs, metrics and file names.</summary>
    string Name { get; }

    /// <param name="headers">With the hello: the host answers the call itself, before anything is sent.</param>
    ISyncCall Open(CallInvoker invoker, Metadata headers, CancellationToken cancellation);

    /// <summary>The inverse of the body that a ledger keeps.</summary>
    /// <exception cref="InvalidProtocolBufferException">The bytes are not of this concern.</exception>
    IMessage Parse(string key, ByteString body);

    /// <summary>The status with this digest in it.</summary>
    void SetDigest(IMessage status, string digest);
}

/// <summary>An open stream. One reader and one writer at a time.</summary>
internal interface ISyncCall : IDisposable
{
    /// <summary>After a true <see cref="MoveNextAsync"/>: the message.</summary>
    Downlink Current { get; }

    Task<bool> MoveNextAsync(CancellationToken cancellation);

    Task SendAsync(Uplink message, CancellationToken cancellation);
}

/// <summary>A gRPC stream of a concern's types.</summary>
internal sealed class SyncCall<TRequest, TResponse>(
    AsyncDuplexStreamingCall<TRequest, TResponse> call,
    Func<Uplink, TRequest> encode,
    Func<TResponse, Downlink> decode) : ISyncCall
    where TRequest : class
    where TResponse : class
{
    public Downlink Current => decode(call.ResponseStream.Current);

    public Task<bool> MoveNextAsync(CancellationToken cancellation) => call.ResponseStream.MoveNext(cancellation);

    public Task SendAsync(Uplink message, CancellationToken cancellation) =>
        call.RequestStream.WriteAsync(encode(message), cancellation);

    public void Dispose() => call.Dispose();
}
