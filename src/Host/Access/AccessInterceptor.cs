using System.Diagnostics;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Monolith.Events.Contracts;
using Monolith.Identity.Contracts;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;

namespace Monolith.Host.Access;

/// <summary>
/// Who calls, and may they? Runs before every method and inside <see cref="FaultInterceptor"/>, and has what came of it
/// told to the audit log (<see cref="Audited"/>):
/// <code>
///   bearer token, else client certificate ──▶ caller ──▶ permission of the method, on the project of the request
///                                                          ├─ unary, server streaming: before the method begins
///                                                          └─ client streaming: when its first message is read
/// </code>
/// </summary>
internal sealed class AccessInterceptor(PermissionMap permissions, IAuthentication authentication, IProjects projects,
    ResourceFacts facts, IAuditLog auditLog, Pace pace, CallLimits limits, TimeProvider time)
    : Interceptor
{
    const string Scheme = "Bearer ";

    public override Task<TResponse> UnaryServerHandler<TRequest, TResponse>(TRequest request, ServerCallContext context,
        UnaryServerMethod<TRequest, TResponse> continuation)
    {
        var audited = Audit(context);
        return audited.RunAsync(async () =>
        {
            var where = audited.Asks(request);
            using var admitted = Admit(context, audited, isStream: false);
            await admitted.CheckAsync(where, request);
            try
            {
                return await continuation(request, context);
            }
            // Who signs in shows what proves it in the message.
            catch (Fault fault) when (fault.Code == StatusCode.Unauthenticated && permissions.Of(context.Method) is { Public: true })
            {
                pace.Disbelieved(context.GetHttpContext().Connection.RemoteIpAddress);
                throw;
            }
        });
    }

    public override Task ServerStreamingServerHandler<TRequest, TResponse>(TRequest request,
        IServerStreamWriter<TResponse> responseStream, ServerCallContext context,
        ServerStreamingServerMethod<TRequest, TResponse> continuation)
    {
        var audited = Audit(context);
        return audited.RunAsync(async () =>
        {
            var where = audited.Asks(request);
            using var admitted = Admit(context, audited, isStream: true);
            await admitted.CheckAsync(where, request);
            await continuation(request, Toward(responseStream, audited, context), context);
            return true;
        }, isTold: true);
    }

    public override Task<TResponse> ClientStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, ServerCallContext context,
        ClientStreamingServerMethod<TRequest, TResponse> continuation)
    {
        var audited = Audit(context);
        return audited.RunAsync(async () =>
        {
            using var admitted = Admit(context, audited, isStream: true);
            return await continuation(Patience.With(admitted.Guard(requestStream), limits.Patience, time), context);
        });
    }

    public override Task DuplexStreamingServerHandler<TRequest, TResponse>(IAsyncStreamReader<TRequest> requestStream,
        IServerStreamWriter<TResponse> responseStream, ServerCallContext context,
        DuplexStreamingServerMethod<TRequest, TResponse> continuation)
    {
        var audited = Audit(context);
        return audited.RunAsync(async () =>
        {
            using var admitted = Admit(context, audited, isStream: true);
            // Nodes are quiet for long, and consoles as well: what they send is waited for.
            await continuation(admitted.Guard(requestStream, () => audited.BeginsAsync(context.CancellationToken)),
                Toward(responseStream, audited, context), context);
            return true;
        }, isTold: true);
    }

    Audited Audit(ServerCallContext context) => new(auditLog, context.Method, permissions.Of(context.Method) is { IsRecorded: true },
        context.GetHttpContext().Connection.RemoteIpAddress);

    IServerStreamWriter<T> Toward<T>(IServerStreamWriter<T> stream, Audited audited, ServerCallContext context) =>
        Patience.Toward(stream, limits.Patience, time, context.GetHttpContext().Abort, () => audited.BeginsAsync(context.CancellationToken));

    Admitted Admit(ServerCallContext context, Audited audited, bool isStream)
    {
        MalformedMessageMiddleware.Entered(context.GetHttpContext());
        var requirement = permissions.Of(context.Method) ?? throw new Fault(StatusCode.PermissionDenied,
            "METHOD_UNDECLARED", $"{context.Method} declares no permission, so nobody may call it. Report this.");
        var caller = Authenticate(context, requirement);
        context.SetCall(audited.Is(new Call(caller, requirement.Permission, context.Method,
            Activity.Current?.TraceId.ToHexString() ?? "")));
        var peer = context.GetHttpContext().Connection.RemoteIpAddress;
        var admitted = new Admitted(caller, requirement, projects, facts, audited,
            pace.Enter(caller.Name.Length > 0 ? caller.Name : Peer.Neighbourhood(peer), isStream));
        try
        {
            // A node's right has no project: it is refused before anything is read.
            if (requirement.IsAgents) admitted.CheckNode();
            return admitted;
        }
        catch
        {
            admitted.Dispose();
            throw;
        }
    }

    Caller Authenticate(ServerCallContext context, Requirement requirement)
    {
        var http = context.GetHttpContext();
        var header = http.Request.Headers.Authorization.ToString();
        string refusal;
        Caller? caller;
        if (header.Length > 0)
        {
            refusal = "TOKEN_MALFORMED";
            caller = header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)
                ? authentication.Authenticate(header[Scheme.Length..].Trim(), out refusal)
                : null;
        }
        else if (http.Connection.ClientCertificate is { } certificate)
            caller = authentication.AuthenticateNode(certificate, out refusal);
        else (caller, refusal) = (null, "CREDENTIALS_MISSING");
        if (requirement.Public) return caller ?? Caller.Anonymous;
        // An expired certificate comes with a caller who may do one thing; for all else it is no credential.
        if (caller is not null && (refusal.Length == 0 || caller.May(requirement.Permission, null))) return caller;
        pace.Disbelieved(http.Connection.RemoteIpAddress);
        throw Fault.Unauthenticated(refusal, Words(refusal));
    }

    static string Words(string refusal) => refusal switch
    {
        "CREDENTIALS_MISSING" => "The call shows neither a token nor a node's certificate. Send the header "
            + "'authorization: Bearer TOKEN'; CreateToken makes tokens, the administrator's first is in admin.token.",
        "TOKEN_MALFORMED" => "The authorization header must be 'Bearer ' and a token.",
        "TOKEN_EXPIRED" => "The token has expired. Sign in again (monolith login), or make a new one with CreateToken.",
        "USER_DISABLED" => "Whoever the token is of, a user or a service account, is disabled. Ask an administrator to enable it.",
        "NODE_UNKNOWN" => "The node was removed from the fleet, or joined anew since. Make a join token and join again.",
        "CERTIFICATE_EXPIRED" => "The node's certificate has expired. It can still be renewed: call RenewCertificate.",
        "CERTIFICATE_UNKNOWN" => "No authority that this cloud trusts issued the certificate; one that did may have been deleted. Make a join token and join.",
        _ => "The token is unknown: it was revoked, or is another cloud's. Make a new one with CreateToken.",
    };

    sealed class Admitted(Caller caller, Requirement requirement, IProjects projects, ResourceFacts facts, Audited audited,
        IDisposable place) : IDisposable
    {
        public void Dispose() => place.Dispose();

        public void CheckNode()
        {
            Gate.CheckNode(caller, requirement);
            audited.IsAdmitted();
        }

        /// <param name="where">Where the request acts.</param>
        /// <param name="request">The message.</param>
        public async ValueTask CheckAsync(string where, object? request)
        {
            if (requirement.IsAgents) return;
            await Gate.CheckAsync(caller, requirement, where, request as IMessage, projects, facts);
            audited.IsAdmitted();
        }

        /// <param name="stream">What the caller sends.</param>
        /// <param name="begin">Done before the method sees more than what is asked for.</param>
        public IAsyncStreamReader<TRequest> Guard<TRequest>(IAsyncStreamReader<TRequest> stream, Func<Task>? begin = null) =>
            new Reader<TRequest>(stream, this, begin);

        public string Asks(object? request) => audited.Asks(request);
    }

    /// <summary>Authorises by the first message, and says of bytes that are no message that they are the caller's
    /// mistake.</summary>
    sealed class Reader<T>(IAsyncStreamReader<T> stream, Admitted admitted, Func<Task>? begin) : IAsyncStreamReader<T>
    {
        bool isChecked;

        public T Current => stream.Current;

        public async Task<bool> MoveNext(CancellationToken cancel)
        {
            bool more;
            try
            {
                more = await stream.MoveNext(cancel);
            }
            catch (Exception e) when (e is InvalidProtocolBufferException or InvalidDataException)
            {
                throw MalformedMessageMiddleware.Malformed();
            }
            // A length that no message has comes as this; so does a caller who is gone, and hears nothing of it.
            catch (IOException)
            {
                throw MalformedMessageMiddleware.Malformed();
            }
            catch (RpcException e) when (e.StatusCode == StatusCode.Internal)
            {
                throw MalformedMessageMiddleware.Malformed();
            }
            // By its second message it is under way: the first is what it asks for.
            if (isChecked)
            {
                if (more && begin is not null) await begin();
                return more;
            }
            isChecked = true;
            if (!more) return false;
            await admitted.CheckAsync(admitted.Asks(stream.Current), stream.Current);
            return true;
        }
    }
}
