using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Monolith.Identity.Contracts;
using Monolith.Platform.Secrets;

namespace Monolith.Identity.Authority;

/// <summary>
/// The cloud's own certificate authority: P-256, self-signed, ten years, in <c>ca.key</c> (0600, sealed) and <c>ca.pem</c> of
/// the data directory. Made at the first start. Replicas share the two files.
/// </summary>
internal sealed class CertificateAuthority(IdentityOptions options, ISecrets secrets, TimeProvider time) : IHostCertificates, IDisposable
{
    static readonly TimeSpan Lifetime = TimeSpan.FromDays(3653);
    static readonly TimeSpan ServerLifetime = TimeSpan.FromDays(90);

    /// <summary>Certificates begin a little in the past: clocks differ.</summary>
    static readonly TimeSpan Skew = TimeSpan.FromMinutes(10);

    const string Purpose = "identity.ca_key", SealedLabel = "MONOLITH SEALED PRIVATE KEY";

    X509Certificate2? authority;
    ECDsa? key;

    public X509Certificate2 Authority =>
        authority ?? throw new InvalidOperationException("The certificate authority is there once Identity has started.");

    /// <summary>SHA-256 of the CA's certificate, lower-case hex.</summary>
    public string Digest => Convert.ToHexStringLower(SHA256.HashData(Authority.RawData));

    public async Task OpenAsync(CancellationToken cancel)
    {
        Directory.CreateDirectory(options.DataDirectory);
        var keyPath = Path.Combine(options.DataDirectory, "ca.key");
        var certificatePath = Path.Combine(options.DataDirectory, "ca.pem");
        if (!File.Exists(keyPath))
        {
            if (File.Exists(certificatePath))
                throw new InvalidOperationException($"{certificatePath} is there, but its key {keyPath} is not. Put the "
                    + "key back; or remove the certificate as well, and every node has to join anew.");
            using var made = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            await WriteKeyAsync(keyPath, made, cancel);
        }
        key = await ReadKeyAsync(keyPath, cancel);
        if (!File.Exists(certificatePath))
            await PrivateFile.WriteAsync(certificatePath, SignSelf().ExportCertificatePem() + "\n", secret: false, cancel);
        authority = X509Certificate2.CreateFromPem(await File.ReadAllTextAsync(certificatePath, cancel));
        using var inCertificate = authority.GetECDsaPublicKey();
        if (inCertificate?.ExportSubjectPublicKeyInfo().AsSpan().SequenceEqual(key.ExportSubjectPublicKeyInfo()) != true)
            throw new InvalidOperationException($"{keyPath} is not the key of {certificatePath}. Put the right one back.");
    }

    Task WriteKeyAsync(string path, ECDsa key, CancellationToken cancel) => PrivateFile.WriteAsync(path,
        PemEncoding.WriteString(SealedLabel, secrets.Seal(Purpose, key.ExportPkcs8PrivateKey())) + "\n", cancel: cancel);

    /// <exception cref="InvalidOperationException">It is no key, or one of another cloud.</exception>
    async Task<ECDsa> ReadKeyAsync(string path, CancellationToken cancel)
    {
        var text = await File.ReadAllTextAsync(path, cancel);
        var read = ECDsa.Create();
        try
        {
            var pem = PemEncoding.Find(text);
            if (!text.AsSpan(pem.Label).SequenceEqual(SealedLabel))
            {
                read.ImportFromPem(text);
                await WriteKeyAsync(path, read, cancel);
                return read;
            }
            read.ImportPkcs8PrivateKey(secrets.Open(Purpose, Convert.FromBase64String(text[pem.Base64Data])), out _);
            return read;
        }
        catch (Exception e) when (e is ArgumentException or FormatException or CryptographicException)
        {
            read.Dispose();
            throw new InvalidOperationException(
                $"{path} cannot be read: {e.Message} It belongs to the identity database beside it, and to no other. Put the right one back.", e);
        }
    }

    public X509Certificate2 IssueServerCertificate(IEnumerable<string> names)
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
        using var certificate = Sign(request, "1.3.6.1.5.5.7.3.1", time.GetUtcNow() + ServerLifetime);
        using var withKey = certificate.CopyWithPrivateKey(own);
        // A key that only memory knows does not survive in every TLS library; PKCS#12 makes one that does.
        return X509CertificateLoader.LoadPkcs12(withKey.Export(X509ContentType.Pkcs12), null,
            X509KeyStorageFlags.Exportable);
    }

    public byte[] Sign(byte[] data) => (key ?? throw new InvalidOperationException("There is no key yet."))
        .SignData(data, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);

    /// <summary>Signs an end-entity certificate.</summary>
    /// <param name="usage">The extended key usage's object identifier.</param>
    public X509Certificate2 Sign(CertificateRequest request, string usage, DateTimeOffset notAfter)
    {
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(usage)], false));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        request.CertificateExtensions.Add(
            X509AuthorityKeyIdentifierExtension.CreateFromCertificate(Authority, true, false));
        var now = time.GetUtcNow();
        return request.Create(Authority.SubjectName, X509SignatureGenerator.CreateForECDsa(key!), now - Skew,
            notAfter < Authority.NotAfter ? notAfter : Authority.NotAfter, Serial());
    }

    public static X500DistinguishedName CommonName(string name)
    {
        var builder = new X500DistinguishedNameBuilder();
        builder.AddCommonName(name);
        return builder.Build();
    }

    public void Dispose()
    {
        authority?.Dispose();
        key?.Dispose();
    }

    X509Certificate2 SignSelf()
    {
        var request = new CertificateRequest(CommonName("monolith authority"), key!, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 0, true));
        request.CertificateExtensions.Add(
            new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        var now = time.GetUtcNow();
        return request.CreateSelfSigned(now - TimeSpan.FromDays(1), now + Lifetime);
    }

    /// <summary>Positive, 127 bits.</summary>
    static byte[] Serial()
    {
        var serial = RandomNumberGenerator.GetBytes(16);
        serial[0] = (byte)(serial[0] & 0x7f | 0x40);
        return serial;
    }
}
