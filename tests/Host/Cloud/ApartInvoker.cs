using Grpc.Core;
using Grpc.Net.Client;

namespace Monolith.Host.Tests.Cloud;

/// <summary>
/// Every call on one connection, except those that stream requests: each of them has its own. When the host answers
/// before all is sent, HttpClient resets the stream and may still send what was on its way; DATA after RST_STREAM is an
/// error of the whole connection (RFC 9113, 5.1), so Kestrel ends it, and with it the calls of every other test.
/// </summary>
internal sealed class ApartInvoker(CallInvoker shared, Func<GrpcChannel> open) : CallInvoker
{
    public override AsyncClientStreamingCall<TRequest, TResponse> AsyncClientStreamingCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options)
    {
        var channel = open();
        var call = channel.CreateCallInvoker().AsyncClientStreamingCall(method, host, options);
        return new(call.RequestStream, call.ResponseAsync, call.ResponseHeadersAsync, call.GetStatus, call.GetTrailers,
            () => End(call, channel));
    }

    public override AsyncDuplexStreamingCall<TRequest, TResponse> AsyncDuplexStreamingCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options)
    {
        var channel = open();
        var call = channel.CreateCallInvoker().AsyncDuplexStreamingCall(method, host, options);
        return new(call.RequestStream, call.ResponseStream, call.ResponseHeadersAsync, call.GetStatus, call.GetTrailers,
            () => End(call, channel));
    }

    public override AsyncServerStreamingCall<TResponse> AsyncServerStreamingCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) =>
        shared.AsyncServerStreamingCall(method, host, options, request);

    public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) =>
        shared.AsyncUnaryCall(method, host, options, request);

    public override TResponse BlockingUnaryCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) =>
        shared.BlockingUnaryCall(method, host, options, request);

    static void End(IDisposable call, GrpcChannel channel)
    {
        call.Dispose();
        channel.Dispose();
    }
}
