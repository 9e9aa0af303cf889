using System.Collections.Concurrent;
using Google.Protobuf;
using Grpc.Core;
using Monolith.Identity.V1;

namespace Monolith.Cli.Tests.Fake;

/// <summary>Allows what reads.</summary>
internal sealed class Access : RoleService.RoleServiceBase
{
    public ConcurrentQueue<IMessage> Requests { get; } = new();

    public override Task<TestPermissionsResponse> TestPermissions(TestPermissionsRequest request, ServerCallContext context)
    {
        Requests.Enqueue(request);
        return Task.FromResult(new TestPermissionsResponse
        {
            Permissions = { request.Permissions.Select(p => new TestedPermission { Permission = p, Held = Reads(p) }) },
        });
    }

    public override Task<ExplainAccessResponse> ExplainAccess(ExplainAccessRequest request, ServerCallContext context)
    {
        Requests.Enqueue(request);
        return Task.FromResult(new ExplainAccessResponse { Allowed = Reads(request.Permission), Message = $"{request.Permission}: so it is." });
    }

    static bool Reads(string permission) => permission.EndsWith(".get", StringComparison.Ordinal);
}
