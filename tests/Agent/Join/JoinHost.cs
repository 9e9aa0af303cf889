using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Monolith.Agent.Join;
using Monolith.Agent.V1;
using Monolith.Protos;
using Status = Grpc.Core.Status;

namespace Monolith.Agent.Tests.Join;

/// <summary>A host of NodeService over TLS, with CAs of its own that it presents in its chain; a client's name for it says which.</summary>
internal sealed class JoinHost : NodeService.NodeServiceBase, IAsyncDisposable
{
    private const string ServerUsage = "1.3.6.1.5.5.7.3.1", ClientUsage = "1.3.6.1.5.5.7.3.2";

    private readonly List<(ECDsa Key, X509Certificate2 Certificate, X509Certificate2 Server)> authorities = [];
    private readonly HashSet<int> forgotten = [];
    private WebApplication? app;

    public string Address { get; private set; } = "";
    public string? Refusal { get; set; }
    public List<byte[]> KeysSeen { get; } = [];
    public List<string?> ClientsSeen { get; } = [];

    /// <summary>Whom nodes said that they trust, in order.</summary>
    public List<List<string>> TrustedSeen { get; } = [];

    /// <summary>One for each time that somebody asked whom to trust.</summary>
    public SemaphoreSlim Looked { get; } = new(0);
    public TimeSpan CertificateLife { get; set; } = TimeSpan.FromDays(90);
    public int LoseAnswers { get; set; }

    /// <summary>The authority that signs.</summary>
    public int Signing { get; set; }

    /// <summary>Whom it names to who asks; null: all that are not forgotten.</summary>
    public int[]? Tells { get; set; }

    public string Token => $"mj1.hv1.{new string('s', 43)}.{DigestOf(Signing)}";

    public string DigestOf(int authority) => HostTrust.DigestOf(authorities[authority].Certificate);

    /// <summary>By which authority a node is certified.</summary>
    public int SignerOf(NodeIdentity node)
    {
        using var certificate = node.OpenCertificate();
        return authorities.FindIndex(a => a.Certificate.Subject == certificate.Issuer);
    }

    public void AddAuthority()
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN=test authority {authorities.Count}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 0, true));
        var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(3650));
        authorities.Add((key, certificate, IssueServer(certificate, key)));
    }

    public void Forget(int authority) => forgotten.Add(authority);

    public static async Task<JoinHost> StartAsync()
    {
        var host = new JoinHost();
        host.AddAuthority();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen =>
        {
            listen.Protocols = HttpProtocols.Http2;
            listen.UseHttps(new TlsHandshakeCallbackOptions
            {
                OnConnection = hello =>
                {
                    var (_, certificate, server) = host.AuthorityFor(hello.ClientHelloInfo.ServerName);
                    return ValueTask.FromResult(new SslServerAuthenticationOptions
                    {
                        ServerCertificateContext = SslStreamCertificateContext.Create(server, [certificate], offline: true),
                        ClientCertificateRequired = true,
                        // Whose it is, a test asks.
                        RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is null || certificate.Subject.Length > 0,
                    });
                },
            });
        }));
        builder.Services.AddGrpc();
        builder.Services.AddSingleton(host);
        host.app = builder.Build();
        host.app.MapGrpcService<JoinHost>();
        host.app.MapGet("/ca.crt", (HttpContext context) =>
            Results.Bytes(host.AuthorityFor(context.Features.Get<ITlsHandshakeFeature>()!.HostName).Certificate.RawData));
        await host.app.StartAsync();
        var address =
            host.app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        host.Address = new Uri(address).Authority;
        return host;
    }

    public override Task<JoinResponse> Join(JoinRequest request, ServerCallContext context)
    {
        if (Refusal is { } reason) throw Refused(reason);
        var key = KeyOf(request.CertificateRequest.Span);
        KeysSeen.Add(key.ExportSubjectPublicKeyInfo());
        if (LoseAnswers-- > 0) throw new RpcException(new Status(StatusCode.Unavailable, "the answer was lost"));
        return Task.FromResult(new JoinResponse
        {
            Certificate = ByteString.CopyFrom(Issue(key)), CaCertificate = Der(Signing), OtherCaCertificates = { Others() },
            Node = "hv1", Role = "hypervisor",
            ExpireTime = Timestamp.FromDateTimeOffset(DateTimeOffset.UtcNow + CertificateLife),
        });
    }

    public override Task<RenewCertificateResponse> RenewCertificate(
        RenewCertificateRequest request, ServerCallContext context)
    {
        ClientsSeen.Add(context.GetHttpContext().Connection.ClientCertificate?.Thumbprint);
        return Task.FromResult(new RenewCertificateResponse
        {
            Certificate = ByteString.CopyFrom(Issue(KeyOf(request.CertificateRequest.Span))),
            CaCertificate = Der(Signing),
            OtherCaCertificates = { Others() },
        });
    }

    public override Task<GetAuthoritiesResponse> GetAuthorities(GetAuthoritiesRequest request, ServerCallContext context)
    {
        TrustedSeen.Add([.. request.TrustedSha256]);
        Looked.Release();
        return Task.FromResult(new GetAuthoritiesResponse
        {
            CaCertificates = { (Tells ?? Trusted()).Select(Der) },
            Renew = request.CertifiedBySha256 != DigestOf(Signing),
        });
    }

    public async ValueTask DisposeAsync()
    {
        if (app is not null) await app.DisposeAsync();
        foreach (var (key, _, _) in authorities) key.Dispose();
        Looked.Dispose();
    }

    private int[] Trusted() => [.. Enumerable.Range(0, authorities.Count).Except(forgotten)];

    private IEnumerable<ByteString> Others() => Trusted().Where(a => a != Signing).Select(Der);

    private ByteString Der(int authority) => ByteString.CopyFrom(authorities[authority].Certificate.RawData);

    private (ECDsa Key, X509Certificate2 Certificate, X509Certificate2 Server) AuthorityFor(string name)
    {
        var asked = authorities.FindIndex(a => AuthorityName.Names(name, HostTrust.DigestOf(a.Certificate)));
        return authorities[asked < 0 || forgotten.Contains(asked) ? Signing : asked];
    }

    private static PublicKey KeyOf(ReadOnlySpan<byte> request) => CertificateRequest
        .LoadSigningRequest(request, HashAlgorithmName.SHA256, out _,
            signerSignaturePadding: RSASignaturePadding.Pkcs1).PublicKey;

    private static RpcException Refused(string reason)
    {
        var status =
            new Google.Rpc.Status { Code = (int)StatusCode.PermissionDenied, Message = "No. Make a new token." };
        status.Details.Add(Any.Pack(new ErrorInfo { Reason = reason, Domain = "test" }));
        return new RpcException(
            new Status(StatusCode.PermissionDenied, status.Message),
            new Metadata { { "grpc-status-details-bin", status.ToByteArray() } });
    }

    /// <summary>Begins in the past by twice its life where the life is negative: expired when it is issued.</summary>
    private byte[] Issue(PublicKey key)
    {
        var (signer, authority, _) = authorities[Signing];
        var request = new CertificateRequest(new X500DistinguishedName("CN=hv1"), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(ClientUsage)], false));
        var until = DateTimeOffset.UtcNow + CertificateLife;
        return request.Create(
            authority.SubjectName, X509SignatureGenerator.CreateForECDsa(signer), until - CertificateLife.Duration(), until,
            RandomNumberGenerator.GetBytes(8)).RawData;
    }

    private static X509Certificate2 IssueServer(X509Certificate2 authority, ECDsa signer)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=test host", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(ServerUsage)], false));
        using var certificate = request.Create(
            authority.SubjectName, X509SignatureGenerator.CreateForECDsa(signer), DateTimeOffset.UtcNow.AddHours(-1),
            DateTimeOffset.UtcNow.AddDays(10), RandomNumberGenerator.GetBytes(8));
        using var withKey = certificate.CopyWithPrivateKey(key);
        return X509CertificateLoader.LoadPkcs12(withKey.Export(X509ContentType.Pkcs12), null);
    }
}
