using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;

namespace Monolith.Host.Tests.Cloud;

/// <summary>How a call ended. OK as well for a stream that was opened, and of which no more was read.</summary>
/// <param name="TrailerBytes">What the status weighs in HTTP/2's terms: name, value and 32 bytes for each.</param>
internal sealed record Answer(StatusCode Code, string Message, Google.Rpc.Status? Status, IMessage? Response,
    int TrailerBytes = 0)
{
    public Google.Rpc.ErrorInfo? Info => Status?.GetDetail<Google.Rpc.ErrorInfo>();

    public IReadOnlyList<Google.Rpc.BadRequest.Types.FieldViolation> Fields =>
        Status?.GetDetail<Google.Rpc.BadRequest>() is { } bad ? bad.FieldViolations : [];

    public override string ToString() => $"{Code} {Message}";
}

/// <summary>Calls any method by its descriptor.</summary>
internal sealed class ApiClient(CallInvoker invoker)
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    static readonly TimeSpan StreamPatience = TimeSpan.FromSeconds(20);

    /// <param name="requests">One; several for a method that streams requests.</param>
    public Task<Answer> CallAsync(MethodDescriptor method, string? token, params IMessage[] requests) =>
        CallAsync(method, token, StreamPatience, requests);

    /// <param name="streamPatience">How long a stream may be quiet until it counts as open.</param>
    public Task<Answer> CallAsync(MethodDescriptor method, string? token, TimeSpan streamPatience,
        params IMessage[] requests) => CallWithAsync(method, Bearer(token), streamPatience, requests);

    /// <summary>With headers of the caller's own.</summary>
    public Task<Answer> CallWithAsync(MethodDescriptor method, Metadata headers, params IMessage[] requests) =>
        CallWithAsync(method, headers, StreamPatience, requests);

    public async Task<Answer> CallWithAsync(MethodDescriptor method, Metadata headers, TimeSpan streamPatience,
        params IMessage[] requests)
    {
        // A watch may have nothing to say; that it was not refused by then is the answer.
        var quiet = method.IsServerStreaming;
        var options = new CallOptions(headers, DateTime.UtcNow + (quiet ? streamPatience : Patience));
        try
        {
            return new(StatusCode.OK, "", null, await CallAsync(method, options, requests));
        }
        catch (RpcException e) when (quiet && EndedByDeadline(e))
        {
            return new(StatusCode.OK, "", null, null);
        }
        catch (RpcException e)
        {
            return new(e.StatusCode, e.Status.Detail, e.GetRpcStatus(), null, e.Trailers.Sum(t =>
                t.Key.Length + 32 + (t.IsBinary ? (t.ValueBytes.Length + 2) / 3 * 4 : t.Value.Length))
                + Uri.EscapeDataString(e.Status.Detail).Length);
        }
    }

    static Metadata Bearer(string? token) => token is null ? [] : new() { { "authorization", "Bearer " + token } };

    // Both sides watch the deadline. When the host's clock is first, it resets the stream: CANCEL (RFC 9113, 7).
    static bool EndedByDeadline(RpcException e)
    {
        if (e.StatusCode == StatusCode.DeadlineExceeded) return true;
        for (var cause = e.Status.DebugException; cause is not null; cause = cause.InnerException)
            if (cause is HttpProtocolException { ErrorCode: Cancel }) return true;
        return false;
    }

    const long Cancel = 0x8;

    async Task<IMessage?> CallAsync(MethodDescriptor method, CallOptions options, IMessage[] requests)
    {
        var wire = Wire(method);
        switch (wire.Type)
        {
            case MethodType.Unary:
                return await invoker.AsyncUnaryCall(wire, null, options, requests[0]);
            case MethodType.ServerStreaming:
                using (var call = invoker.AsyncServerStreamingCall(wire, null, options, requests[0]))
                    return await call.ResponseStream.MoveNext(default) ? call.ResponseStream.Current : null;
            case MethodType.ClientStreaming:
                using (var call = invoker.AsyncClientStreamingCall(wire, null, options))
                {
                    await WriteAsync(call.RequestStream, requests, complete: true);
                    return await call.ResponseAsync;
                }
            default:
                using (var call = invoker.AsyncDuplexStreamingCall(wire, null, options))
                {
                    await WriteAsync(call.RequestStream, requests, complete: requests.Length == 0);
                    return await call.ResponseStream.MoveNext(default) ? call.ResponseStream.Current : null;
                }
        }
    }

    static async Task WriteAsync(IClientStreamWriter<IMessage> stream, IMessage[] requests, bool complete)
    {
        try
        {
            foreach (var request in requests) await stream.WriteAsync(request);
            if (complete) await stream.CompleteAsync();
        }
        catch (Exception e) when (e is RpcException or InvalidOperationException or IOException or NullReferenceException)
        {
            // The host has refused by now; its status says why. HttpClient may end its stream under a write that goes on.
        }
    }

    static Method<IMessage, IMessage> Wire(MethodDescriptor method) => new(
        (method.IsClientStreaming, method.IsServerStreaming) switch
        {
            (false, false) => MethodType.Unary,
            (false, true) => MethodType.ServerStreaming,
            (true, false) => MethodType.ClientStreaming,
            _ => MethodType.DuplexStreaming,
        }, method.Service.FullName, method.Name, Of(method.InputType), Of(method.OutputType));

    static Marshaller<IMessage> Of(MessageDescriptor type) =>
        Marshallers.Create(message => message.ToByteArray(), bytes => type.Parser.ParseFrom(bytes));
}
