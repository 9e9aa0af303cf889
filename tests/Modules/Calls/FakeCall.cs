using Grpc.Core;
using Monolith.Platform.Calls;

namespace Monolith.Modules.Tests.Calls;

/// <summary>A call as the host hands it to a service: authenticated, authorised.</summary>
internal sealed class FakeCall : ServerCallContext
{
    readonly CancellationToken cancel;

    public FakeCall(string caller = "users/tester", CancellationToken cancel = default)
    {
        this.cancel = cancel;
        var grant = new CallerGrant("", "roles/admin", new PermissionSet([], [""]));
        this.SetCall(new Call(new Caller(caller, [grant]), "test", "/test/Method", ""));
    }

    protected override string MethodCore => "/test/Method";
    protected override string HostCore => "test";
    protected override string PeerCore => "test";
    protected override DateTime DeadlineCore => DateTime.MaxValue;
    protected override Metadata RequestHeadersCore { get; } = [];
    protected override CancellationToken CancellationTokenCore => cancel;
    protected override Metadata ResponseTrailersCore { get; } = [];
    protected override Status StatusCore { get; set; }
    protected override WriteOptions? WriteOptionsCore { get; set; }
    protected override AuthContext AuthContextCore { get; } = new("", []);

    protected override ContextPropagationToken CreatePropagationTokenCore(ContextPropagationOptions? options) =>
        throw new NotSupportedException();

    protected override Task WriteResponseHeadersAsyncCore(Metadata responseHeaders) => Task.CompletedTask;

    protected override IDictionary<object, object> UserStateCore { get; } = new Dictionary<object, object>();
}
