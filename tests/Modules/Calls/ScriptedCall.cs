using Grpc.Core;
using Monolith.Platform.Calls;

namespace Monolith.Modules.Tests.Calls;

/// <summary>A call as the access interceptor leaves it, for calling a service's methods directly.</summary>
internal sealed class ScriptedCall(Call call, CancellationToken cancel = default) : ServerCallContext
{
    readonly Dictionary<object, object> state = [];

    /// <param name="caller">Who calls, with what the test wants it to hold.</param>
    public static ScriptedCall Of(Caller caller, string permission = "", string method = "/test/Method",
        CancellationToken cancel = default)
    {
        var call = new Call(caller, permission, method, "");
        var context = new ScriptedCall(call, cancel);
        context.SetCall(call);
        return context;
    }

    /// <summary>A caller who may do everything everywhere.</summary>
    public static Caller Root { get; } =
        new("users/admin", [new("", "roles/admin", new PermissionSet([], [""]))]);

    public Call Call { get; } = call;

    protected override string MethodCore => Call.Method;
    protected override string HostCore => "test";
    protected override string PeerCore => "test";
    protected override DateTime DeadlineCore => DateTime.MaxValue;
    protected override Metadata RequestHeadersCore { get; } = [];
    protected override CancellationToken CancellationTokenCore { get; } = cancel;
    protected override Metadata ResponseTrailersCore { get; } = [];
    protected override Status StatusCore { get; set; }
    protected override WriteOptions? WriteOptionsCore { get; set; }
    protected override AuthContext AuthContextCore { get; } = new("", []);
    protected override IDictionary<object, object> UserStateCore => state;
    protected override ContextPropagationToken CreatePropagationTokenCore(ContextPropagationOptions? options) =>
        throw new NotSupportedException();
    protected override Task WriteResponseHeadersAsyncCore(Metadata responseHeaders) => Task.CompletedTask;
}

/// <summary>Gathers what a method streams; a test awaits the next message.</summary>
internal sealed class TestStream<T> : IServerStreamWriter<T>
{
    readonly System.Threading.Channels.Channel<T> sent = System.Threading.Channels.Channel.CreateUnbounded<T>();

    public WriteOptions? WriteOptions { get; set; }

    public Task WriteAsync(T message)
    {
        sent.Writer.TryWrite(message);
        return Task.CompletedTask;
    }

    public Task WriteAsync(T message, CancellationToken cancellationToken) => WriteAsync(message);

    /// <exception cref="TimeoutException">Nothing came within half a minute.</exception>
    public async Task<T> NextAsync() =>
        await sent.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30));

    public bool IsEmpty => sent.Reader.Count == 0;
}
