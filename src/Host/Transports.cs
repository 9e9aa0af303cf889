using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Monolith.Identity.Contracts;

namespace Monolith.Host;

/// <summary>The ports: plain HTTP/2 on loopback, TLS for all else, HTTP/1.1 for metrics.</summary>
internal static class Transports
{
    static readonly TimeSpan CertificateLifetime = TimeSpan.FromDays(30);
    static readonly TimeSpan HandshakeTimeout = TimeSpan.FromSeconds(10);
    const int MaxConnections = 20_000;

    // A fleet knocks in one moment; the kernel cuts this to net.core.somaxconn.
    const int Backlog = 4_096;

    public static void AddTransports(this IWebHostBuilder web, HostOptions options)
    {
        web.UseKestrelCore();
        web.UseSockets(sockets =>
        {
            sockets.Backlog = Backlog;
            // What was received is read and parsed on the thread that heard of it, instead of waiting in the pool's queue twice
            // more. Unsafe for whoever blocks there: calls begin in the pool all the same, and no filter of a connection waits.
            sockets.UnsafePreferInlineScheduling = true;
        });
        web.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxConcurrentConnections = MaxConnections;
            kestrel.Limits.Http2.MaxStreamsPerConnection = 1_000;
            // An agent pings after 20 s of silence, which is as good as an answer.
            kestrel.Limits.Http2.KeepAlivePingDelay = TimeSpan.FromSeconds(25);
            kestrel.Limits.Http2.KeepAlivePingTimeout = TimeSpan.FromSeconds(15);
            // Streams of agents and watches are quiet for long; dead peers are found by pings.
            kestrel.Limits.MinRequestBodyDataRate = null;
            kestrel.Limits.MinResponseDataRate = null;
            kestrel.Limits.MaxRequestBodySize = null;
            foreach (var endpoint in options.Plain)
            {
                if (!IPAddress.IsLoopback(endpoint.Address))
                    throw new InvalidOperationException(
                        $"--plain {endpoint}: without TLS only loopback addresses are served. Use --tls for this one.");
                kestrel.Listen(endpoint, listen => listen.Protocols = HttpProtocols.Http2);
            }
            if (options.Metrics is { } metrics)
                kestrel.Listen(metrics, listen => listen.Protocols = HttpProtocols.Http1);
            if (options.Tls.Count == 0) return;
            var certificates = new ServerCertificates(kestrel.ApplicationServices, options);
            foreach (var endpoint in options.Tls)
                kestrel.Listen(endpoint, listen =>
                {
                    listen.Protocols = HttpProtocols.Http1AndHttp2;
                    listen.Use(Handshakes.Admit(HandshakeTimeout));
                    listen.UseHttps(new TlsHandshakeCallbackOptions
                    {
                        OnConnection = hello => ValueTask.FromResult(certificates.Options(hello.ClientHelloInfo.ServerName)),
                        HandshakeTimeout = HandshakeTimeout,
                    });
                    listen.Use(Handshakes.Done);
                });
        });
    }

#pragma warning disable CA1416 // The host runs on Linux.
    /// <summary>What RFC 9325 recommends: keys that are forgotten (4.1), and authenticated encryption.</summary>
    static readonly CipherSuitesPolicy Suites = new(
    [
        TlsCipherSuite.TLS_AES_128_GCM_SHA256, TlsCipherSuite.TLS_AES_256_GCM_SHA384, TlsCipherSuite.TLS_CHACHA20_POLY1305_SHA256,
        TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    ]);
#pragma warning restore CA1416

    /// <summary>Of each authority that clients ask for, issued when first needed, and anew before it expires.</summary>
    sealed class ServerCertificates(IServiceProvider services, HostOptions options)
    {
        readonly Lock gate = new();
        readonly Dictionary<string, Issued> issued = [];

        sealed record Issued(SslStreamCertificateContext Context, DateTimeOffset RenewAt);

        SslStreamCertificateContext Of(IHostCertificates authorities, string? serverName)
        {
            var authority = authorities.AuthorityFor(serverName);
            lock (gate)
            {
                var now = services.GetRequiredService<TimeProvider>().GetUtcNow();
                if (issued.TryGetValue(authority.Thumbprint, out var there) && now < there.RenewAt) return there.Context;
                var context = SslStreamCertificateContext.Create(authorities.IssueServerCertificate(authority, Names()),
                    new X509Certificate2Collection { authority }, offline: true);
                issued[authority.Thumbprint] = new(context, now + CertificateLifetime / 3);
                return context;
            }
        }

        IEnumerable<string> Names() => options.Tls.Select(e => e.Address.ToString()).Append("localhost").Append(System.Net.Dns.GetHostName())
            .Concat(options.TlsNames).Distinct();

        /// <summary>Of one connection.</summary>
        /// <param name="serverName">As the client's hello has it.</param>
        public SslServerAuthenticationOptions Options(string? serverName)
        {
            var authorities = services.GetRequiredService<IHostCertificates>();
            var chains = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
                DisableCertificateDownloads = true,
            };
            foreach (var trusted in authorities.Trusted) chains.CustomTrustStore.Add(trusted);
            return new SslServerAuthenticationOptions
            {
                ServerCertificateContext = Of(authorities, serverName),
                // Asked for, not demanded: people come with tokens. Whose it is and whether it is still valid is for the
                // access check to say, where the caller can be told why; a handshake that fails tells nobody anything.
                ClientCertificateRequired = true,
#pragma warning disable CA5359 // Not disabled but postponed.
                RemoteCertificateValidationCallback = (_, _, _, _) => true,
#pragma warning restore CA5359
                EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
                CipherSuitesPolicy = Suites,
                AllowRenegotiation = false,
                // A chain is made in any case. With the machine's own authorities in it, it would cost more than all else
                // in a handshake.
                CertificateChainPolicy = chains,
            };
        }
    }
}
