using Grpc.Core;

namespace Monolith.Platform.Calls;

/// <summary>A call that the host makes of itself, to do what a user's call would do by the same code. No transport, and
/// nobody who is refused: who asks for it has been let in before.</summary>
public sealed class InnerCall : ServerCallContext
{
    public InnerCall(Call call, CancellationToken cancel)
    {
        (MethodCore, CancellationTokenCore) = (call.Method, cancel);
        this.SetCall(call);
    }

    protected override string MethodCore { get; }
    protected override string HostCore => "";
    protected override string PeerCore => "";
    protected override DateTime DeadlineCore => DateTime.MaxValue;
    protected override Metadata RequestHeadersCore { get; } = [];
    protected override CancellationToken CancellationTokenCore { get; }
    protected override Metadata ResponseTrailersCore { get; } = [];
    protected override Status StatusCore { get; set; }
    protected override WriteOptions? WriteOptionsCore { get; set; }
    protected override AuthContext AuthContextCore { get; } = new("", []);
    protected override IDictionary<object, object> UserStateCore { get; } = new Dictionary<object, object>();

    protected override ContextPropagationToken CreatePropagationTokenCore(ContextPropagationOptions? options) =>
        throw new NotSupportedException("What the host does of itself has no further calls.");

    protected override Task WriteResponseHeadersAsyncCore(Metadata responseHeaders) => Task.CompletedTask;
}
