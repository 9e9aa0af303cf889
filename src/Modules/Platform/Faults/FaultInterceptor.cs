using System.Diagnostics;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Microsoft.Extensions.Logging;
using Monolith.Platform.Storage;

namespace Monolith.Platform.Faults;

/// <summary>Turns what a method throws into google.rpc.Status with details (AIP-193). The only place that does.</summary>
public sealed partial class FaultInterceptor(ILogger<FaultInterceptor> log) : Interceptor
{
    public override Task<TResponse> UnaryServerHandler<TRequest, TResponse>(TRequest request, ServerCallContext context,
        UnaryServerMethod<TRequest, TResponse> continuation) =>
        Guard(context, () => continuation(request, context), request as IMessage);

    public override Task<TResponse> ClientStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, ServerCallContext context,
        ClientStreamingServerMethod<TRequest, TResponse> continuation) =>
        Guard(context, () => continuation(requestStream, context));

    public override Task ServerStreamingServerHandler<TRequest, TResponse>(TRequest request,
        IServerStreamWriter<TResponse> responseStream, ServerCallContext context,
        ServerStreamingServerMethod<TRequest, TResponse> continuation) =>
        Guard(context, async () =>
        {
            await continuation(request, new Answers<TResponse>(responseStream, context), context);
            return true;
        });

    public override Task DuplexStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, IServerStreamWriter<TResponse> responseStream,
        ServerCallContext context, DuplexStreamingServerMethod<TRequest, TResponse> continuation) =>
        Guard(context, async () =>
        {
            await continuation(requestStream, new Answers<TResponse>(responseStream, context), context);
            return true;
        });

    async Task<T> Guard<T>(ServerCallContext context, Func<Task<T>> call, IMessage? request = null)
    {
        try
        {
            return await call();
        }
        catch (Fault fault)
        {
            if (fault.Code is StatusCode.Internal || fault.Private is not null)
                LogFault(fault, context.Method, fault.Reason, fault.Private);
            throw FaultWire.Convert(request is null ? fault : Mutation.Complete(fault, request));
        }
        catch (Exception e) when (e is OperationCanceledException or IOException && context.HasEnded())
        {
            throw new RpcException(context.IsLate()
                ? new(StatusCode.DeadlineExceeded, "The call's deadline passed before the answer was ready.")
                : new(StatusCode.Cancelled, "The caller went away."));
        }
        catch (RpcException)
        {
            throw;
        }
        catch (Exception e) when (Conflict.IsOutage(e))
        {
            LogOutage(e, context.Method);
            throw FaultWire.Convert(Fault.Unavailable("DATABASE_UNAVAILABLE",
                "The database cannot be reached at the moment. Try again.", TimeSpan.FromSeconds(1)));
        }
        catch (Exception e) when (Conflict.IsUnstorableText(e))
        {
            throw FaultWire.Convert(Fault.Invalid("request", "has a text with a NUL character, which no field takes"));
        }
        catch (Exception e)
        {
            LogUnexpected(e, context.Method);
            throw FaultWire.Convert(Fault.Internal(context.Method, "an unexpected error",
                "Nothing was changed by the failed step. Try again; if it stays, give the operators the trace id."));
        }
    }

    [LoggerMessage(LogLevel.Warning, "{Method} failed: {Reason} {Detail}")]
    partial void LogFault(Exception e, string method, string reason, string? detail);

    [LoggerMessage(LogLevel.Warning, "{Method} failed because a database cannot be reached")]
    partial void LogOutage(Exception e, string method);

    [LoggerMessage(LogLevel.Error, "{Method} failed unexpectedly")]
    partial void LogUnexpected(Exception e, string method);
}
