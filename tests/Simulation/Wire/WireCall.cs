using Grpc.Core;
using Monolith.Simulation.Tests.Faults;
using Monolith.Simulation.Tests.Hosts;
using Monolith.Simulation.Tests.World;

namespace Monolith.Simulation.Tests.Wire;

/// <summary>A call under way, whatever its types: what may become of its two ends.</summary>
internal abstract class WireCall(Link link, string method)
{
    CancellationTokenSource? aborted;
    Process? serving;

    public Link Link { get; } = link;

    public string Method { get; } = method;

    public bool CallerEnded { get; private set; }

    protected bool HostEnded { get; private set; }

    protected bool Reached { get; private set; }

    /// <summary>Ends the reader of the caller's side.</summary>
    protected abstract void EndCaller(RpcException fault);

    /// <summary>Ends the reader of the host's side.</summary>
    protected abstract void EndHost(Exception fault);

    protected abstract void Pump();

    /// <summary>The host's process that has taken it; null while none has.</summary>
    protected Process? Serving => serving;

    protected CancellationToken Serve(Process host)
    {
        (Reached, serving, aborted) = (true, host, new CancellationTokenSource());
        return aborted.Token;
    }

    public void GiveUpConnecting()
    {
        if (!Reached && !HostEnded) CallerLoses("no connection");
    }

    /// <summary>The caller's side believes that the connection is gone.</summary>
    public void CallerLoses(string why)
    {
        if (CallerEnded) return;
        EndCaller(new RpcException(new Status(StatusCode.Unavailable, why)));
        CallerGone();
    }

    /// <summary>The caller hangs up, or is no more: the host hears of it when the link lets it.</summary>
    public void CallerGone()
    {
        if (CallerEnded) return;
        CallerEnded = true;
        if (!Link.IsCut) Link.After(Link.Latency(), HostLoses);
        Tidy();
    }

    /// <summary>The host's side believes that the connection is gone.</summary>
    public void HostLoses()
    {
        if (HostEnded) return;
        HostEnded = true;
        if (serving is { IsAlive: true } host && aborted is { } abort)
            host.Start(() =>
            {
                EndHost(new IOException("The client reset the request stream."));
                abort.Cancel();
            });
        if (!Link.IsCut) Link.After(Link.Latency(), () => CallerLoses("the host reset the stream"));
        Tidy();
    }

    /// <summary>The host's process is no more.</summary>
    public void HostGone()
    {
        HostEnded = true;
        if (!Link.IsCut) Link.After(Link.Latency(), () => CallerLoses("connection refused"));
        Tidy();
    }

    /// <summary>The host has answered for good: what was sent arrives first.</summary>
    protected void HostDone()
    {
        HostEnded = true;
        Tidy();
    }

    protected void CallerDone()
    {
        CallerEnded = true;
        Tidy();
    }

    public void Mended()
    {
        Link.After(TimeSpan.Zero, Pump);
        if (CallerEnded && !HostEnded) Link.After(Link.Latency(), HostLoses);
        if (HostEnded && !CallerEnded && serving is not { IsAlive: true })
            Link.After(Link.Latency(), () => CallerLoses("reset"));
    }

    void Tidy()
    {
        if (CallerEnded && HostEnded) Link.Remove(this);
    }
}

/// <summary>A call with its types; of either kind of stream, or none.</summary>
internal sealed class WireCall<TRequest, TResponse> : WireCall where TRequest : class where TResponse : class
{
    readonly Cloud cloud;
    readonly Process caller;
    readonly Pipe<TResponse> down;
    readonly Metadata headers;

    public WireCall(Cloud cloud, Link link, Process caller, Method<TRequest, TResponse> method, CallOptions options)
        : base(link, method.FullName)
    {
        (this.cloud, this.caller, headers) = (cloud, caller, options.Headers ?? []);
        Up = new Pipe<TRequest>(link, Copies.Of<TRequest>(), () => caller, () => Serving, Cross);
        down = new Pipe<TResponse>(link, Copies.Of<TResponse>(), () => Serving, () => caller, Cross);
        link.Add(this);
        // In the piece of work in which it died.
        if (!caller.IsAlive) return;
        link.Trace.Say($"{link.Name} calls {Method}");
        Up.After(Arrive);
        options.CancellationToken.Register(Cancelled);
    }

    Crossing Cross(Process process) => cloud.AtMessage(process, Method);

    public Pipe<TRequest> Up { get; }

    /// <summary>What the caller reads.</summary>
    public async Task<bool> NextAsync(CancellationToken stop)
    {
        try
        {
            return await down.MoveNextAsync(stop);
        }
        catch (OperationCanceledException)
        {
            throw new RpcException(new Status(StatusCode.Cancelled, "Call canceled by the client."));
        }
    }

    public TResponse Current => down.Current;

    public void Send(TRequest request)
    {
        if (CallerEnded) throw new RpcException(new Status(StatusCode.Unavailable, "the call has ended"));
        Up.Send(request);
    }

    /// <summary>Who died of what it sent last says nothing of an end.</summary>
    public void Complete()
    {
        if (caller.IsAlive) Up.After(() => Up.End(null));
    }

    public void HangUp()
    {
        down.End(new RpcException(new Status(StatusCode.Cancelled, "Call canceled by the client.")));
        CallerGone();
    }

    void Cancelled() => HangUp();

    void Arrive()
    {
        if (cloud.Host is { IsServing: true } host)
        {
            var token = Serve(host.Process);
            host.Process.Start(() => ServeAsync(host, token));
        }
        else HostGone();
    }

    async Task ServeAsync(CloudHost host, CancellationToken aborted)
    {
        Link.Trace.Say($"{host.Process.Name} serves {Method} of {Link.Name}");
        RpcException? fault = null;
        try
        {
            await host.ServeAsync(Method, Up, new Writer(this, aborted), Link.Caller, headers, aborted);
        }
        catch (RpcException e)
        {
            fault = e;
        }
        Up.Done();
        if (!host.Process.IsAlive) return;
        Link.Trace.Say($"{host.Process.Name} ends {Method} of {Link.Name}: {fault?.StatusCode ?? StatusCode.OK}");
        down.After(() =>
        {
            down.End(fault);
            CallerDone();
        });
        HostDone();
    }

    protected override void EndCaller(RpcException fault) => down.End(fault);

    protected override void EndHost(Exception fault) => Up.End(fault);

    protected override void Pump()
    {
        Up.Pump();
        down.Pump();
    }

    sealed class Writer(WireCall<TRequest, TResponse> call, CancellationToken aborted) : IServerStreamWriter<TResponse>
    {
        public WriteOptions? WriteOptions { get; set; }

        public Task WriteAsync(TResponse message) => WriteAsync(message, CancellationToken.None);

        public Task WriteAsync(TResponse message, CancellationToken cancellationToken)
        {
            if (cancellationToken.IsCancellationRequested) return Task.FromCanceled(cancellationToken);
            if (aborted.IsCancellationRequested)
                return Task.FromException(
                    new InvalidOperationException("Can't write the message because the request is complete."));
            call.down.Send(message);
            return Task.CompletedTask;
        }
    }
}
