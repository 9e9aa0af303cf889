using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Monolith.Agent.V1;
using Status = Grpc.Core.Status;

namespace Monolith.Agent.Tests.Join;

/// <summary>A host of NodeService over TLS, with a CA of its own that it presents in its chain.</summary>
internal sealed class JoinHost : NodeService.NodeServiceBase, IAsyncDisposable
{
    private readonly ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private WebApplication? app;

    public X509Certificate2 Authority { get; private set; } = null!;
    public string Address { get; private set; } = "";
    public string? Refusal { get; set; }
    public List<byte[]> KeysSeen { get; } = [];
    public List<string?> ClientsSeen { get; } = [];
    public TimeSpan CertificateLife { get; set; } = TimeSpan.FromDays(90);
    public int LoseAnswers { get; set; }

    public string Token =>
        $"mj1.hv1.{new string('s', 43)}.{Convert.ToHexStringLower(SHA256.HashData(Authority.RawData))}";

    public static async Task<JoinHost> StartAsync()
    {
        var host = new JoinHost();
        var request = new CertificateRequest("CN=test authority", host.key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 0, true));
        host.Authority = request.CreateSelfSigned(
            DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(3650));
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen =>
        {
            listen.Protocols = HttpProtocols.Http2;
            listen.UseHttps(https =>
            {
                https.ServerCertificate = host.IssueServer("1.3.6.1.5.5.7.3.1");
                https.ServerCertificateChain = [host.Authority];
                https.ClientCertificateMode = ClientCertificateMode.AllowCertificate;
                https.ClientCertificateValidation = (_, _, _) => true;
            });
        }));
        builder.Services.AddGrpc();
        builder.Services.AddSingleton(host);
        host.app = builder.Build();
        host.app.MapGrpcService<JoinHost>();
        host.app.MapGet("/ca.crt", () => Results.Bytes(host.Authority.RawData));
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
            Certificate = ByteString.CopyFrom(Issue(key)), CaCertificate = ByteString.CopyFrom(Authority.RawData),
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
            CaCertificate = ByteString.CopyFrom(Authority.RawData),
        });
    }

    public async ValueTask DisposeAsync()
    {
        if (app is not null) await app.DisposeAsync();
        key.Dispose();
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
        var request = new CertificateRequest(new X500DistinguishedName("CN=hv1"), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.2")], false));
        var until = DateTimeOffset.UtcNow + CertificateLife;
        return request.Create(
            Authority.SubjectName, X509SignatureGenerator.CreateForECDsa(
                this.key), until - CertificateLife.Duration(), until,
            RandomNumberGenerator.GetBytes(8)).RawData;
    }

    private X509Certificate2 IssueServer(string usage)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=test host", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(usage)], false));
        using var certificate = request.Create(
            Authority.SubjectName, X509SignatureGenerator.CreateForECDsa(this.key), DateTimeOffset.UtcNow.AddHours(-1),
            DateTimeOffset.UtcNow.AddDays(10), RandomNumberGenerator.GetBytes(8));
        using var withKey = certificate.CopyWithPrivateKey(key);
        return X509CertificateLoader.LoadPkcs12(withKey.Export(X509ContentType.Pkcs12), null);
    }
}
