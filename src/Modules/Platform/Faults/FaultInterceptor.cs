using System.Diagnostics;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Microsoft.Extensions.Logging;

namespace Monolith.Platform.Faults;

/// <summary>Turns what a method throws into google.rpc.Status with details (AIP-193). The only place that does.</summary>
public sealed partial class FaultInterceptor(ILogger<FaultInterceptor> log) : Interceptor
{
    /// <summary>The domain of every ErrorInfo.</summary>
    public const string Domain = "monolith";

    public override Task<TResponse> UnaryServerHandler<TRequest, TResponse>(TRequest request, ServerCallContext context,
        UnaryServerMethod<TRequest, TResponse> continuation) =>
        Guard(context, () => continuation(request, context));

    public override Task<TResponse> ClientStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, ServerCallContext context,
        ClientStreamingServerMethod<TRequest, TResponse> continuation) =>
        Guard(context, () => continuation(requestStream, context));

    public override Task ServerStreamingServerHandler<TRequest, TResponse>(TRequest request,
        IServerStreamWriter<TResponse> responseStream, ServerCallContext context,
        ServerStreamingServerMethod<TRequest, TResponse> continuation) =>
        Guard(context, async () => { await continuation(request, responseStream, context); return true; });

    public override Task DuplexStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, IServerStreamWriter<TResponse> responseStream,
        ServerCallContext context, DuplexStreamingServerMethod<TRequest, TResponse> continuation) =>
        Guard(context, async () => { await continuation(requestStream, responseStream, context); return true; });

    async Task<T> Guard<T>(ServerCallContext context, Func<Task<T>> call)
    {
        try
        {
            return await call();
        }
        catch (Fault fault)
        {
            if (fault.Code is StatusCode.Internal || fault.Private is not null)
                LogFault(fault, context.Method, fault.Reason, fault.Private);
            throw Convert(fault);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException
            && context.CancellationToken.IsCancellationRequested)
        {
            var late = context.Deadline != DateTime.MaxValue && context.Deadline <= DateTime.UtcNow;
            throw new RpcException(late
                ? new(StatusCode.DeadlineExceeded, "The call's deadline passed before the answer was ready.")
                : new(StatusCode.Cancelled, "The caller went away."));
        }
        catch (RpcException)
        {
            throw;
        }
        catch (Exception e)
        {
            LogUnexpected(e, context.Method);
            throw Convert(Fault.Internal(context.Method, "an unexpected error",
                "Nothing was changed by the failed step. Try again; if it stays, give the operators the trace id."));
        }
    }

    /// <summary>The wire form of a fault.</summary>
    public static RpcException Convert(Fault fault)
    {
        var info = new ErrorInfo { Reason = fault.Reason, Domain = Domain };
        foreach (var (key, value) in fault.Metadata) info.Metadata[key] = value;
        if (Activity.Current is { } activity) info.Metadata["trace_id"] = activity.TraceId.ToHexString();
        var status = new Google.Rpc.Status { Code = (int)fault.Code, Message = fault.Message };
        status.Details.Add(Any.Pack(info));
        if (fault.Fields.Count > 0)
        {
            var bad = new BadRequest();
            foreach (var field in fault.Fields)
                bad.FieldViolations.Add(new BadRequest.Types.FieldViolation
                {
                    Field = field.Field,
                    Description = field.Description,
                });
            status.Details.Add(Any.Pack(bad));
        }
        if (fault.Preconditions.Count > 0)
        {
            var failure = new PreconditionFailure();
            foreach (var violation in fault.Preconditions)
                failure.Violations.Add(new PreconditionFailure.Types.Violation
                {
                    Type = violation.Type,
                    Subject = violation.Subject,
                    Description = violation.Description,
                });
            status.Details.Add(Any.Pack(failure));
        }
        if (fault.RetryAfter is { } retry)
            status.Details.Add(Any.Pack(new RetryInfo { RetryDelay = Duration.FromTimeSpan(retry) }));
        return status.ToRpcException();
    }

    [LoggerMessage(LogLevel.Warning, "{Method} failed: {Reason} {Detail}")]
    partial void LogFault(Exception e, string method, string reason, string? detail);

    [LoggerMessage(LogLevel.Error, "{Method} failed unexpectedly")]
    partial void LogUnexpected(Exception e, string method);
}
