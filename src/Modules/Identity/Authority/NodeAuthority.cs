using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Monolith.Identity.Contracts;
using Monolith.Protos;
using Use = Monolith.Identity.V1.CertificateAuthority.Types.Use;

namespace Monolith.Identity.Authority;

/// <summary>
/// Signs for nodes and for the host's own endpoints: P-256, self-signed, ten years. Whichever of the cloud's authorities for nodes
/// signs at the time does.
/// </summary>
internal sealed class NodeAuthority(Authorities authorities, TimeProvider time) : IHostCertificates
{
    static readonly TimeSpan Lifetime = TimeSpan.FromDays(3653);
    static readonly TimeSpan ServerLifetime = TimeSpan.FromDays(90);

    /// <summary>Certificates begin a little in the past: clocks differ.</summary>
    static readonly TimeSpan Skew = TimeSpan.FromMinutes(10);

    /// <summary>All that are trusted, the one that signs first.</summary>
    public IReadOnlyList<OpenAuthority> Trusted => authorities.Of(Use.Nodes);

    public OpenAuthority Signing => authorities.Signing(Use.Nodes);

    IReadOnlyList<X509Certificate2> IHostCertificates.Trusted => [.. Trusted.Select(a => a.Certificate!)];

    X509Certificate2 IHostCertificates.AuthorityFor(string? serverName) => AuthorityFor(serverName).Certificate!;

    /// <summary>What the name asks for (<see cref="AuthorityName"/>), else the one that signs.</summary>
    OpenAuthority AuthorityFor(string? serverName) => Trusted.FirstOrDefault(a => AuthorityName.Names(serverName, a.Digest)) ?? Signing;

    public X509Certificate2 IssueServerCertificate(X509Certificate2 authority, IEnumerable<string> names)
    {
        var list = names.Distinct(StringComparer.OrdinalIgnoreCase).ToList();
        if (list.Count == 0) throw new ArgumentException("A server's certificate needs a name.", nameof(names));
        using var own = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var san = new SubjectAlternativeNameBuilder();
        foreach (var name in list)
            if (IPAddress.TryParse(name, out var address)) san.AddIpAddress(address);
            else san.AddDnsName(name);
        var request = new CertificateRequest(CommonName("monolith host"), own, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(san.Build());
        var by = Trusted.FirstOrDefault(a => a.Certificate!.Equals(authority))
            ?? throw new InvalidOperationException("That authority was deleted just now.");
        using var certificate = Sign(by, request, "1.3.6.1.5.5.7.3.1", time.GetUtcNow() + ServerLifetime);
        using var withKey = certificate.CopyWithPrivateKey(own);
        // A key that only memory knows does not survive in every TLS library; PKCS#12 makes one that does.
        return X509CertificateLoader.LoadPkcs12(withKey.Export(X509ContentType.Pkcs12), null,
            X509KeyStorageFlags.Exportable);
    }

    public byte[] Sign(byte[] data) => Signing.Key.SignData(data, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);

    /// <summary>Signs an end-entity certificate.</summary>
    /// <param name="usage">The extended key usage's object identifier.</param>
    public X509Certificate2 Sign(OpenAuthority by, CertificateRequest request, string usage, DateTimeOffset notAfter)
    {
        var authority = by.Certificate!;
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(usage)], false));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(authority, true, false));
        return request.Create(authority.SubjectName, X509SignatureGenerator.CreateForECDsa(by.Key), time.GetUtcNow() - Skew,
            notAfter < authority.NotAfter ? notAfter : authority.NotAfter, Serial());
    }

    public static X500DistinguishedName CommonName(string name)
    {
        var builder = new X500DistinguishedNameBuilder();
        builder.AddCommonName(name);
        return builder.Build();
    }

    /// <summary>The certificate of a new authority, DER. Each has a name of its own, so that a chain is looked for at the right one.</summary>
    public static byte[] SignSelf(ECDsa key, int number, DateTimeOffset now)
    {
        var request = new CertificateRequest(CommonName(number == 1 ? "monolith authority" : $"monolith authority {number}"), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        using var certificate = request.CreateSelfSigned(now - TimeSpan.FromDays(1), now + Lifetime);
        return certificate.RawData;
    }

    /// <summary>Positive, 127 bits.</summary>
    static byte[] Serial()
    {
        var serial = RandomNumberGenerator.GetBytes(16);
        serial[0] = (byte)(serial[0] & 0x7f | 0x40);
        return serial;
    }
}
