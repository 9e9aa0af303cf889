using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Monolith.Platform.Faults;

namespace Monolith.Identity.Authority;

/// <summary>A node's public key, out of a PKCS#10 request (RFC 2986) that its owner signed.</summary>
/// <param name="Digest">SHA-256 over the SubjectPublicKeyInfo.</param>
internal sealed record NodeKey(PublicKey Key, byte[] Digest)
{
    const int MaxBytes = 16 * 1024;

    /// <exception cref="Fault">INVALID_ARGUMENT for whatever is not a request with a key that is strong enough.</exception>
    public static NodeKey Read(ReadOnlySpan<byte> der, string field)
    {
        if (der.Length is 0 or > MaxBytes)
            throw Fault.Invalid(field, $"must be a PKCS#10 request in DER of at most {MaxBytes} bytes");
        try
        {
            // The loader checks the request's signature, that is, that the sender holds the key.
            var request = CertificateRequest.LoadSigningRequest(der, HashAlgorithmName.SHA256, out var read,
                signerSignaturePadding: RSASignaturePadding.Pkcs1);
            if (read != der.Length) throw Fault.Invalid(field, $"has {der.Length - read} bytes after its end");
            if (!IsStrong(request.PublicKey))
                throw Fault.Invalid(field, "must have an ECDSA key of 256 bits or more on a NIST curve, or an RSA key "
                    + "of 2048 to 8192 bits");
            return new(request.PublicKey, SHA256.HashData(request.PublicKey.ExportSubjectPublicKeyInfo()));
        }
        catch (Exception e) when (e is not Fault)
        {
            // Whatever the parser says of these bytes, it is the bytes that are wrong.
            throw Fault.Invalid(field, "is not a PKCS#10 request in DER with a good signature");
        }
    }

    static bool IsStrong(PublicKey key)
    {
        using var ec = key.GetECDsaPublicKey();
        if (ec is not null) return ec.KeySize >= 256 && ec.ExportParameters(false).Curve.IsNamed;
        using var rsa = key.GetRSAPublicKey();
        return rsa is { KeySize: >= 2048 and <= 8192 };
    }
}
