using Grpc.Core;
using Monolith.Platform.Calls;

namespace Monolith.Modules.Tests.Calls;

/// <summary>A call as the access interceptor leaves it, for services whose methods are called directly.</summary>
internal sealed class FakeCall : ServerCallContext
{
    static readonly PermissionSet Everything = new([], [""]);

    /// <summary>By a caller who may do everything everywhere.</summary>
    public FakeCall(string permission = "", string caller = "users/admin", Metadata? headers = null,
        CancellationToken cancel = default)
        : this(AllPowerful(caller), permission, "/test/Method", headers, cancel)
    {
    }

    FakeCall(Caller caller, string permission, string method, Metadata? headers, CancellationToken cancel)
    {
        (MethodCore, RequestHeadersCore, CancellationTokenCore) = (method, headers ?? [], cancel);
        this.SetCall(new Call(caller, permission, method, ""));
    }

    /// <summary>A caller who may do everything everywhere.</summary>
    public static Caller Root { get; } = AllPowerful("users/admin");

    /// <param name="caller">Who calls, with what the test wants it to hold.</param>
    public static FakeCall By(Caller caller, string permission = "", string method = "/test/Method",
        Metadata? headers = null, CancellationToken cancel = default) =>
        new(caller, permission, method, headers, cancel);

    static Caller AllPowerful(string name) => new(name, [new CallerGrant("", "roles/admin", Everything)]);

    protected override string MethodCore { get; }
    protected override string HostCore => "test";
    protected override string PeerCore => "test";
    protected override DateTime DeadlineCore => DateTime.MaxValue;
    protected override Metadata RequestHeadersCore { get; }
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
