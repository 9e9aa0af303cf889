using Grpc.Core;
using Monolith.Platform.Calls;

namespace Monolith.Modules.Tests.Calls;

/// <summary>A call as a service sees it after the access interceptor.</summary>
internal sealed class FakeContext : ServerCallContext
{
    public static FakeContext By(Caller caller, string permission = "", CancellationToken cancel = default)
    {
        var context = new FakeContext(cancel);
        context.SetCall(new Call(caller, permission, "/test", ""));
        return context;
    }

    readonly CancellationToken cancel;

    FakeContext(CancellationToken cancel) => this.cancel = cancel;

    protected override string MethodCore => "/test";
    protected override string HostCore => "localhost";
    protected override string PeerCore => "ipv4:127.0.0.1:1";
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
}
