using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Google.Protobuf;
using Grpc.Net.Client;
using Monolith.Agent.V1;
using Monolith.Identity.V1;
using Monolith.Protos;

namespace Monolith.Host.Tests.Cloud;

/// <summary>Machines that join, as their agents would.</summary>
internal static class Joining
{
    /// <summary>A channel of a node that has joined.</summary>
    /// <param name="hello">Text of the header that every call has besides its own.</param>
    public static async Task<GrpcChannel> JoinedAsync(this RunningHost host, string node, NodeRole role, string? hello = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var joined = await host.JoinAsync(await host.JoinTokenAsync(node, role), key);
        using var certificate = X509CertificateLoader.LoadCertificate(joined.Certificate.Span);
        return host.Channel(WithKey(certificate, key), hello is null ? [] : [(HelloHeader.Name, hello)]);
    }

    public static async Task<JoinResponse> JoinAsync(this RunningHost host, string token, ECDsa key)
    {
        using var channel = host.Channel(null);
        return await new NodeService.NodeServiceClient(channel).JoinAsync(new JoinRequest
        {
            Token = token,
            CertificateRequest = ByteString.CopyFrom(
                new CertificateRequest("CN=x", key, HashAlgorithmName.SHA256).CreateSigningRequest()),
        }, deadline: DateTime.UtcNow.AddSeconds(60));
    }

    // TLS on Linux wants the key as a file would give it.
    public static X509Certificate2 WithKey(X509Certificate2 certificate, ECDsa key)
    {
        using var both = certificate.CopyWithPrivateKey(key);
        return X509CertificateLoader.LoadPkcs12(both.Export(X509ContentType.Pkcs12), null);
    }
}
