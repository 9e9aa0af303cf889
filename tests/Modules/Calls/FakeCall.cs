using Grpc.Core;
using Monolith.Platform.Calls;

namespace Monolith.Modules.Tests.Calls;

/// <summary>A call context for services that are called directly.</summary>
internal sealed class FakeCall : ServerCallContext
{
    static readonly PermissionSet Everything = new([], [""]);

    public FakeCall(string permission = "", string caller = "users/admin", CancellationToken cancel = default)
    {
        CancellationTokenCore = cancel;
        this.SetCall(new Call(new Caller(caller, [new CallerGrant("", "roles/admin", Everything)]), permission,
            MethodCore, ""));
    }

    protected override string MethodCore => "/test/Method";
    protected override string HostCore => "test";
    protected override string PeerCore => "test";
    protected override DateTime DeadlineCore => DateTime.MaxValue;
    protected override Metadata RequestHeadersCore { get; } = [];
    protected override CancellationToken CancellationTokenCore { get; }
    protected override Metadata ResponseTrailersCore { get; } = [];
    protected override Status StatusCore { get; set; }
    protected override WriteOptions? WriteOptionsCore { get; set; }
    protected override AuthContext AuthContextCore { get; } = new("", []);
    protected override IDictionary<object, object> UserStateCore { get; } = new Dictionary<object, object>();

    protected override ContextPropagationToken CreatePropagationTokenCore(ContextPropagationOptions? options) =>
        throw new NotSupportedException();

    protected override Task WriteResponseHeadersAsyncCore(Metadata responseHeaders) => Task.CompletedTask;
}
