using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;
using Monolith.Cli.Session;

namespace Monolith.Cli.Api;

/// <summary>
/// Calls any method by its descriptor. Adds what every call carries: the token, the trace context, a deadline, and a
/// request id where the request has one and none was set.
/// </summary>
internal sealed class Calls(CallInvoker invoker, Settings settings, Surroundings around)
{
    static readonly TimeSpan UnaryDeadline = TimeSpan.FromSeconds(30);

    public async Task<IMessage> UnaryAsync(MethodDescriptor method, IMessage request, CancellationToken cancel)
    {
        if (Messages.Text(request, "request_id").Length == 0)
            Messages.Set(request, "request_id", Guid.CreateVersion7().ToString());
        using var trace = Begin(method, request);
        var deadline = settings.Timeout < UnaryDeadline ? settings.Timeout : UnaryDeadline;
        using var call = invoker.AsyncUnaryCall(
            Bind(method, MethodType.Unary), null, Options(trace, deadline, cancel), request);
        return await TraceAsync(method, trace, call.ResponseAsync);
    }

    /// <summary>A unary call whose answer's type is known.</summary>
    public async Task<T> UnaryAsync<T>(MethodDescriptor method, IMessage request, CancellationToken cancel)
        where T : IMessage => (T)await UnaryAsync(method, request, cancel);

    /// <summary>Reads a server's stream until its end or until <paramref name="cancel"/>.</summary>
    public async IAsyncEnumerable<IMessage> StreamAsync(
        MethodDescriptor method, IMessage request, [EnumeratorCancellation] CancellationToken cancel)
    {
        using var trace = Begin(method, request);
        using var call = invoker.AsyncServerStreamingCall(
            Bind(method, MethodType.ServerStreaming), null, Options(trace, null, cancel), request);
        while (await call.ResponseStream.MoveNext(cancel))
            yield return call.ResponseStream.Current;
    }

    /// <summary>Opens a stream both ways, without a deadline. Dispose of it to leave.</summary>
    public AsyncDuplexStreamingCall<IMessage, IMessage> Duplex(MethodDescriptor method, CancellationToken cancel)
    {
        using var trace = Begin(method, null);
        return invoker.AsyncDuplexStreamingCall(
            Bind(method, MethodType.DuplexStreaming), null, Options(trace, null, cancel));
    }

    /// <summary>Sends a client's stream. An early refusal ends the sending and is thrown.</summary>
    public async Task<IMessage> UploadAsync(
        MethodDescriptor method, IAsyncEnumerable<IMessage> parts, CancellationToken cancel)
    {
        using var trace = Begin(method, null);
        using var call = invoker.AsyncClientStreamingCall(
            Bind(method, MethodType.ClientStreaming), null, Options(trace, null, cancel));
        try
        {
            await foreach (var part in parts.WithCancellation(cancel))
                await call.RequestStream.WriteAsync(part, cancel);
            await call.RequestStream.CompleteAsync();
        }
        // A host that refuses before the last chunk closes the stream; its status says why.
        catch (Exception error) when (
            error is RpcException or InvalidOperationException && !cancel.IsCancellationRequested)
        {
        }
        return await TraceAsync(method, trace, call.ResponseAsync);
    }

    static Method<IMessage, IMessage> Bind(MethodDescriptor method, MethodType type) => new(
        type, method.Service.FullName, method.Name,
        Marshallers.Create<IMessage>(message => message.ToByteArray(), method.InputType.Parser.ParseFrom),
        Marshallers.Create<IMessage>(message => message.ToByteArray(), method.OutputType.Parser.ParseFrom));

    CallOptions Options(Activity trace, TimeSpan? deadline, CancellationToken cancel)
    {
        var headers = new Metadata { { "traceparent", trace.Id! } };
        if (settings.Token is { } token)
            headers.Add("authorization", $"Bearer {token}");
        var until = deadline is { } span ? around.Time.GetUtcNow().UtcDateTime + span : (DateTime?)null;
        return new CallOptions(headers, until, cancel);
    }

    Activity Begin(MethodDescriptor method, IMessage? request)
    {
        var trace = Traces.Begin($"{method.Service.FullName}/{method.Name}", ActivityKind.Client);
        if (settings.Verbose)
            around.Error.WriteLine(around.ErrorInk.Dim(string.Create(CultureInfo.InvariantCulture,
                $"→ {method.Service.FullName}/{method.Name} request {RequestId(request)} trace {trace.TraceId}")));
        return trace;
    }

    static string RequestId(IMessage? request) =>
        request is not null && Messages.Text(request, "request_id") is { Length: > 0 } id ? id : "-";

    async Task<IMessage> TraceAsync(MethodDescriptor method, Activity trace, Task<IMessage> answer)
    {
        var began = around.Time.GetTimestamp();
        var outcome = "OK";
        try
        {
            return await answer;
        }
        catch (RpcException error)
        {
            outcome = error.StatusCode.ToString();
            error.Data["trace"] = trace.TraceId.ToString();
            error.Data["method"] = method.Name;
            throw;
        }
        finally
        {
            trace.SetStatus(outcome == "OK" ? ActivityStatusCode.Ok : ActivityStatusCode.Error);
            if (settings.Verbose)
                around.Error.WriteLine(around.ErrorInk.Dim(string.Create(CultureInfo.InvariantCulture,
                    $"← {method.Name} {outcome} in {around.Time.GetElapsedTime(began).TotalMilliseconds:0.0} ms")));
        }
    }
}
