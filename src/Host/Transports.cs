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
        web.UseSockets(sockets => sockets.Backlog = Backlog);
        web.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxConcurrentConnections = MaxConnections;
            kestrel.Limits.Http2.MaxStreamsPerConnection = 1_000;
            kestrel.Limits.Http2.KeepAlivePingDelay = TimeSpan.FromSeconds(20);
            kestrel.Limits.Http2.KeepAlivePingTimeout = TimeSpan.FromSeconds(20);
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
            var certificate = new ServerCertificate(kestrel.ApplicationServices, options);
            foreach (var endpoint in options.Tls)
                kestrel.Listen(endpoint, listen =>
                {
                    listen.Protocols = HttpProtocols.Http1AndHttp2;
                    listen.Use(Handshakes.Admit(HandshakeTimeout));
                    listen.UseHttps(new TlsHandshakeCallbackOptions
                    {
                        OnConnection = _ => ValueTask.FromResult(certificate.Options()),
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

    /// <summary>Issued by the cloud's own authority when first needed, and anew before it expires.</summary>
    sealed class ServerCertificate(IServiceProvider services, HostOptions options)
    {
        readonly Lock gate = new();
        SslStreamCertificateContext? current;
        DateTimeOffset renewAt;

        SslStreamCertificateContext Current(IHostCertificates authority)
        {
            lock (gate)
            {
                var now = services.GetRequiredService<TimeProvider>().GetUtcNow();
                if (current is not null && now < renewAt) return current;
                renewAt = now + CertificateLifetime / 3;
                return current = Make(authority);
            }
        }

        SslStreamCertificateContext Make(IHostCertificates authority)
        {
            var names = options.Tls.Select(e => e.Address.ToString()).Append("localhost").Append(System.Net.Dns.GetHostName())
                .Concat(options.TlsNames).Distinct();
            var certificate = authority.IssueServerCertificate(names);
            return SslStreamCertificateContext.Create(certificate,
                new X509Certificate2Collection { authority.Authority }, offline: true);
        }

        /// <summary>Of one connection.</summary>
        public SslServerAuthenticationOptions Options()
        {
            var authority = services.GetRequiredService<IHostCertificates>();
            return new SslServerAuthenticationOptions
            {
                ServerCertificateContext = Current(authority),
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
                CertificateChainPolicy = new X509ChainPolicy
                {
                    TrustMode = X509ChainTrustMode.CustomRootTrust,
                    CustomTrustStore = { authority.Authority },
                    RevocationMode = X509RevocationMode.NoCheck,
                    DisableCertificateDownloads = true,
                },
            };
        }
    }
}
