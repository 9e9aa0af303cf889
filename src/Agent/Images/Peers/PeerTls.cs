using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Monolith.Agent.Join;

namespace Monolith.Agent.Images.Peers;

/// <summary>
/// TLS between nodes: both show the certificate of their node, which leads to a CA of the cloud and is for clients, as nodes'
/// are: the host's own would not do, and neither would a stranger's.
/// </summary>
internal sealed class PeerTls : IDisposable
{
    private const string ClientUsage = "1.3.6.1.5.5.7.3.2";

    private readonly X509Certificate2 certificate;

    public PeerTls(NodeIdentity identity)
    {
        (Node, Authorities) = (identity.Node, identity.OpenAuthorities());
        certificate = identity.OpenCertificate();
    }

    public string Node { get; }

    /// <summary>The one that signed this node's certificate first.</summary>
    public IReadOnlyList<X509Certificate2> Authorities { get; }

    /// <summary>As the one who was connected to.</summary>
    /// <returns>The stream, and the node at its other end.</returns>
    public async Task<(SslStream Stream, string Node)> AcceptAsync(Stream raw, CancellationToken cancellation)
    {
        var stream = new SslStream(raw);
        try
        {
            await stream.AuthenticateAsServerAsync(
                new SslServerAuthenticationOptions
                {
                    ServerCertificateContext = Context(),
                    ClientCertificateRequired = true,
                    CertificateChainPolicy = Policy(),
                    RemoteCertificateValidationCallback = IsNode,
                    EnabledSslProtocols = SslProtocols.Tls13,
                    AllowRenegotiation = false,
                },
                cancellation);
            return (stream, NodeOf(stream.RemoteCertificate!));
        }
        catch
        {
            await stream.DisposeAsync();
            throw;
        }
    }

    /// <summary>As the one who connects.</summary>
    /// <param name="node">Who must be at the other end.</param>
    public async Task<SslStream> ConnectAsync(Stream raw, string node, CancellationToken cancellation)
    {
        var stream = new SslStream(raw);
        try
        {
            await stream.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions
                {
                    TargetHost = node,
                    ClientCertificateContext = Context(),
                    CertificateChainPolicy = Policy(),
                    RemoteCertificateValidationCallback = (sender, leaf, chain, errors) =>
                        IsNode(sender, leaf, chain, errors) && NodeOf(leaf!) == node,
                    EnabledSslProtocols = SslProtocols.Tls13,
                },
                cancellation);
            return stream;
        }
        catch
        {
            await stream.DisposeAsync();
            throw;
        }
    }

    public void Dispose()
    {
        certificate.Dispose();
        foreach (var authority in Authorities) authority.Dispose();
    }

    private SslStreamCertificateContext Context() => SslStreamCertificateContext.Create(certificate, [Authorities[0]], offline: true);

    private X509ChainPolicy Policy()
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
            ApplicationPolicy = { new Oid(ClientUsage) },
        };
        foreach (var authority in Authorities) policy.CustomTrustStore.Add(authority);
        return policy;
    }

    // The name in it is the node's, which is no host name.
    private static bool IsNode(object sender, X509Certificate? leaf, X509Chain? chain, SslPolicyErrors errors) =>
        leaf is not null && (errors & ~SslPolicyErrors.RemoteCertificateNameMismatch) == SslPolicyErrors.None;

    private static string NodeOf(X509Certificate certificate) =>
        ((X509Certificate2)certificate).GetNameInfo(X509NameType.SimpleName, forIssuer: false);
}
