using System.Net;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;
using Monolith.Events.Contracts;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Lists;
using Monolith.Platform.Names;

namespace Monolith.Host.Access;

/// <summary>
/// What the audit log is told of one call. A change that was committed tells of its call by itself; what is left is told here:
/// <code>
///   a change     committed with its event ──────────────────────────────┐
///   no change    done, to no effect, or failed ── noted ────────────────┼──▶ audit log
///   a stream     (a console, a download) ── recorded before its first ──┤
///   any method   refused for who calls ── noted ────────────────────────┘
/// </code>
/// </summary>
/// <param name="method"><c>/monolith.compute.v1.ServerService/CreateServer</c></param>
/// <param name="isRecorded">As <see cref="Requirement.IsRecorded"/>.</param>
internal sealed class Audited(IAuditLog log, string method, bool isRecorded, IPAddress? peer)
{
    // What only looks.
    static readonly string[] Looks = ["Get", "List", "Watch", "Test", "Explain", "Plan", "Verify"];

    // Of nodes' methods: what gives or renews an identity. Their streams say all day long how things are.
    static readonly string[] NodesDeeds = ["Join", "RenewCertificate", "CertifyHostKeys"];

    Call? call;
    IMessage? request;
    string where = "";
    bool isAdmitted;
    Task? begun;

    /// <summary>Whether what comes of a call is kept, and not only that it was refused.</summary>
    /// <param name="method"><c>/monolith.compute.v1.ServerService/CreateServer</c></param>
    public static bool IsRecorded(string method)
    {
        var name = method[(method.LastIndexOf('/') + 1)..];
        return method.StartsWith("/monolith.agent.", StringComparison.Ordinal) ? NodesDeeds.Contains(name)
            : method.StartsWith("/monolith.", StringComparison.Ordinal)
                && !Looks.Any(l => name.StartsWith(l, StringComparison.Ordinal));
    }

    /// <summary>Who calls is known. Returns the call as modules see it.</summary>
    public Call Is(Call known) => call = isRecorded ? known with { Origin = new CallOrigin(Peer.Text(peer), known.Caller.Credential) } : known;

    /// <summary>What it asks for is known.</summary>
    /// <returns>Where it acts; empty when it names nothing.</returns>
    public string Asks(object? message)
    {
        request = message as IMessage;
        return where = request is null ? "" : RequestScope.Of(request);
    }

    /// <summary>It may do what it asks for.</summary>
    public void IsAdmitted() => isAdmitted = true;

    /// <summary>A stream that leaves no other trace hands something out, or takes it. It does not, when that cannot be kept. Once
    /// is enough.</summary>
    public Task BeginsAsync(CancellationToken cancel) =>
        begun ??= isRecorded ? log.RecordAsync(Fact(StatusCode.OK, ""), cancel) : Task.CompletedTask;

    /// <param name="isTold">It is kept when it begins.</param>
    public async Task<T> RunAsync<T>(Func<Task<T>> run, bool isTold = false)
    {
        try
        {
            var answer = await run();
            if (isRecorded && !isTold && !IsTried && call?.Origin is not { IsTold: true }) log.Note(Fact(StatusCode.OK, ""));
            return answer;
        }
        catch (Exception e)
        {
            var (code, reason) = Of(e);
            // How most streams end.
            if (isTold && code == StatusCode.Cancelled) throw;
            // Who is not let in is told so in several ways: that a project is not there, that it calls too often.
            if ((!isAdmitted && e is Fault) || code is StatusCode.PermissionDenied || (isRecorded && !IsTried)) log.Note(Fact(code, reason));
            throw;
        }
    }

    bool IsTried => Said is { } said && Fields.Flag(said, "validate_only");

    /// <summary>The request; of an upload, the header of its first message.</summary>
    IMessage? Said => request?.Descriptor.FindFieldByName("header") is { FieldType: FieldType.Message } header
        && header.Accessor.GetValue(request) is IMessage inner ? inner : request;

    static (StatusCode, string) Of(Exception e) => e switch
    {
        Fault fault => (fault.Code, fault.Reason),
        RpcException rpc => (rpc.StatusCode, ""),
        OperationCanceledException => (StatusCode.Cancelled, ""),
        _ => (StatusCode.Internal, ""),
    };

    AuditFact Fact(StatusCode code, string reason)
    {
        var caller = call?.Caller ?? Caller.Anonymous;
        // Who may not know of a project is no business of those who may see what happens in it.
        var project = ResourceName.ProjectOf(where) is { } named && caller.Knows(named) ? named : "";
        return new(call?.Actor ?? "", caller.Credential, Peer.Text(peer), method, where, project, (int)code, reason,
            Said is { } said ? Fields.Text(said, "request_id") : "", call?.TraceId ?? "");
    }
}
