using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Monolith.Protos;

namespace Monolith.Agent.Join;

/// <summary>
/// Whether a TLS server is the host: its certificate is for servers and leads to a CA of the cloud, and to no other. The
/// name in it is not looked at, since these CAs give certificates for servers to the host alone; so a host may move. The name that
/// it is asked by says which CA is trusted, so that the host can show a certificate of that one.
/// </summary>
internal static class HostTrust
{
    private const string ServerUsage = "1.3.6.1.5.5.7.3.1";

    /// <summary>Where a host that does not present its CA in its chain serves it, as DER.</summary>
    public const string AuthorityPath = "/ca.crt";

    private const int MaxAuthorityLength = 64 * 1024;
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(15);

    /// <summary>
    /// Gets the CA with this digest from whoever is there. Nothing is sent that is worth anything, and what comes back
    /// is believed for its digest alone.
    /// </summary>
    /// <returns>Null when the server has no such CA.</returns>
    /// <exception cref="HttpRequestException">It cannot be reached, or does not speak TLS.</exception>
    public static async Task<X509Certificate2?> FindAuthorityAsync(
        Uri host, string caSha256, CancellationToken cancellation)
    {
        X509Certificate2? presented = null;
        var endpoint = EndpointOf(host);
        using var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            AllowAutoRedirect = false,
            ConnectCallback = async (_, cancel) => await HostSocket.OpenAsync(endpoint, cancel),
            ConnectTimeout = Deadline,
            SslOptions = new SslClientAuthenticationOptions
            {
                RemoteCertificateValidationCallback = (_, _, chain, _) =>
                {
                    // The chain's own objects end with the handshake.
                    presented ??= Presented(chain).FirstOrDefault(c => DigestOf(c) == caSha256) is { } found
                        ? X509CertificateLoader.LoadCertificate(found.RawData)
                        : null;
                    return true;
                },
            },
        };
        using var client = new HttpClient(handler)
        {
            Timeout = Deadline,
            MaxResponseContentBufferSize = MaxAuthorityLength,
        };
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(AskingFor(caSha256), AuthorityPath))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionOrLower,
        };
        using var response = await client.SendAsync(request, cancellation);
        if (presented is not null) return presented;
        var served = await response.Content.ReadAsByteArrayAsync(cancellation);
        return response.IsSuccessStatusCode && Convert.ToHexStringLower(SHA256.HashData(served)) == caSha256
            ? X509CertificateLoader.LoadCertificate(served)
            : null;
    }

    /// <summary>
    /// Trusts what leads to one of the authorities, whatever its name. The machine's own authorities are left out of it: to gather
    /// them costs more than the handshake.
    /// </summary>
    public static SslClientAuthenticationOptions ByAuthorities(IReadOnlyList<X509Certificate2> authorities)
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
            ApplicationPolicy = { new Oid(ServerUsage) },
        };
        foreach (var authority in authorities) policy.CustomTrustStore.Add(authority);
        return new SslClientAuthenticationOptions
        {
            CertificateChainPolicy = policy,
            RemoteCertificateValidationCallback = (_, leaf, _, errors) => leaf is not null
                && (errors & ~SslPolicyErrors.RemoteCertificateNameMismatch) == SslPolicyErrors.None,
        };
    }

    /// <summary>
    /// What to call for a connection on which the host shows a certificate of this authority. A client sends its server's name
    /// only as part of the address, so where it connects to is told apart from that, by the connect callback.
    /// </summary>
    public static Uri AskingFor(string caSha256) => new("https://" + AuthorityName.Of(caSha256));

    public static DnsEndPoint EndpointOf(Uri host) => new(host.DnsSafeHost, host.Port);

    public static string DigestOf(X509Certificate2 certificate) => DigestOf(certificate.RawDataMemory.Span);

    /// <param name="certificate">DER.</param>
    public static string DigestOf(ReadOnlySpan<byte> certificate) => Convert.ToHexStringLower(SHA256.HashData(certificate));

    private static IEnumerable<X509Certificate2> Presented(X509Chain? chain) => chain is null
        ? []
        : chain.ChainElements.Select(e => e.Certificate).Concat(chain.ChainPolicy.ExtraStore);
}
