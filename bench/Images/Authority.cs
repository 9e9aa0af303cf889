using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Monolith.Agent.Join;

namespace Monolith.Images.Bench;

/// <summary>The cloud's certificate authority, for an hour.</summary>
sealed class Authority : IDisposable
{
    readonly ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    readonly X509Certificate2 certificate;

    public Authority()
    {
        var request = new CertificateRequest("CN=bench", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 0, true));
        certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1));
    }

    public byte[] Sign(byte[] data) => key.SignData(data, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);

    public NodeIdentity Node(string name)
    {
        using var own = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", own, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.2")], false));
        using var issued = request.Create(certificate.SubjectName, X509SignatureGenerator.CreateForECDsa(key),
            DateTimeOffset.UtcNow.AddMinutes(-30), DateTimeOffset.UtcNow.AddMinutes(50), RandomNumberGenerator.GetBytes(8));
        return new NodeIdentity(name, "hypervisor", "127.0.0.1:1", own.ExportPkcs8PrivateKeyPem(), issued.ExportCertificatePem(),
            certificate.ExportCertificatePem());
    }

    public void Dispose()
    {
        certificate.Dispose();
        key.Dispose();
    }
}
