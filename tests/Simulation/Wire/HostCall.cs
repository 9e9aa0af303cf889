using Grpc.Core;
using Monolith.Identity.Contracts;
using Monolith.Platform.Calls;

namespace Monolith.Simulation.Tests.Wire;

/// <summary>A call as the access interceptor leaves it.</summary>
internal sealed class HostCall : ServerCallContext
{
    static readonly Dictionary<string, string> Permissions = DeclaredMethods.All
        .ToDictionary(m => m.Path, m => m.Permission);

    public HostCall(Caller caller, string method, CancellationToken cancel)
    {
        (MethodCore, CancellationTokenCore) = (method, cancel);
        this.SetCall(new Call(caller, Permissions[method], method, ""));
    }

    protected override string MethodCore { get; }
    protected override string HostCore => "simulation";
    protected override string PeerCore => "simulation";
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
