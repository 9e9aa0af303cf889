using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Grpc.Core;
using Grpc.Net.Client;

namespace Monolith.Agent.Join;

/// <summary>
/// The one connection to the host, with the node's certificate. A new certificate, and a change of whom it trusts, makes a new
/// connection; the streams of the old one end and come back, which costs a hello each.
/// </summary>
public sealed class HostChannel : IDisposable
{
    private static readonly TimeSpan PingAfter = TimeSpan.FromSeconds(20), PingDeadline = TimeSpan.FromSeconds(10);

    // A host that a whole fleet comes back to lets handshakes in by turns. Who gave up and came again would stand at the
    // end, and the host would have worked for nobody.
    private static readonly TimeSpan HandshakeDeadline = TimeSpan.FromSeconds(45);
    private readonly Lock gate = new();
    private Open open;

    private sealed record Open(
        NodeIdentity Identity,
        GrpcChannel Channel,
        CallInvoker Invoker,
        X509Certificate2 Certificate,
        IReadOnlyList<X509Certificate2> Authorities);

    public HostChannel(NodeIdentity identity) => open = Connect(identity);

    public CallInvoker Invoker
    {
        get
        {
            lock (gate) return open.Invoker;
        }
    }

    public NodeIdentity Identity
    {
        get
        {
            lock (gate) return open.Identity;
        }
    }

    public void Use(NodeIdentity identity)
    {
        var next = Connect(identity);
        Open before;
        lock (gate) (before, open) = (open, next);
        Close(before);
    }

    /// <summary>The connection breaks; the next call makes another.</summary>
    public void Reconnect()
    {
        Open before;
        lock (gate) (before, open) = (open, Connect(open.Identity));
        Close(before);
    }

    public void Dispose()
    {
        lock (gate) Close(open);
    }

    private static void Close(Open open)
    {
        open.Channel.Dispose();
        open.Certificate.Dispose();
        foreach (var authority in open.Authorities) authority.Dispose();
    }

    private static Open Connect(NodeIdentity identity)
    {
        var certificate = identity.OpenCertificate();
        var authorities = identity.OpenAuthorities();
        var ssl = HostTrust.ByAuthorities(authorities);
        // Shown also when it has expired: it is the host that decides. A context gathers the certificate's chain once, a
        // callback would for each handshake, and for longer than all else in it takes.
        ssl.ClientCertificateContext = SslStreamCertificateContext.Create(certificate, [authorities[0]], offline: true);
        var endpoint = HostTrust.EndpointOf(new Uri($"https://{identity.Host}"));
        var handler = new SocketsHttpHandler
        {
            SslOptions = ssl,
            // The channel's own way of connecting keeps a second socket, a timer and waits of its own for each node.
            ConnectCallback = (_, cancel) => HostSocket.ConnectAsync(endpoint, cancel),
            ConnectTimeout = HandshakeDeadline,
            KeepAlivePingDelay = PingAfter,
            KeepAlivePingTimeout = PingDeadline,
            KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
            PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
            EnableMultipleHttp2Connections = true,
            UseProxy = false,
        };
        var channel = GrpcChannel.ForAddress(HostTrust.AskingFor(HostTrust.DigestOf(authorities[0])), new GrpcChannelOptions
        {
            HttpHandler = handler,
            DisposeHttpClient = true,
        });
        return new Open(identity, channel, channel.CreateCallInvoker(), certificate, authorities);
    }
}
