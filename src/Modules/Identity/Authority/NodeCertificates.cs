using System.Collections.Concurrent;
using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Monolith.Identity.Nodes;
using Monolith.Identity.V1;

namespace Monolith.Identity.Authority;

/// <summary>Whom a node's certificate names.</summary>
/// <param name="Name"><c>nodes/{node}</c></param>
/// <param name="SignedBy">The authority's uid.</param>
internal sealed record NodeIdentity(string Name, Guid Uid, NodeRole Role, DateTimeOffset NotBefore,
    DateTimeOffset NotAfter, Guid SignedBy);

/// <summary>
/// Certificates of nodes. Who it is stands in a URI among the alternative names (RFC 5280, 4.2.1.6):
/// <c>monolith://nodes/{node}?role={role}&amp;uid={uid}</c>.
/// </summary>
internal sealed class NodeCertificates(NodeAuthority authority)
{
    public static readonly TimeSpan Lifetime = TimeSpan.FromDays(90);

    const string ClientUsage = "1.3.6.1.5.5.7.3.2";
    const int MaxRemembered = 10_000;

    /// <summary>Certificates that proved to be ours, by SHA-256: a signature is checked once, not with each call.</summary>
    readonly ConcurrentDictionary<string, NodeIdentity> proved = new(StringComparer.Ordinal);

    /// <summary>A certificate for the key, DER.</summary>
    public byte[] Issue(OpenAuthority by, NodeKey key, string name, Guid uid, NodeRole role, DateTime notAfter)
    {
        var node = name["nodes/".Length..];
        var request = new CertificateRequest(NodeAuthority.CommonName(node), key.Key, HashAlgorithmName.SHA256);
        var san = new SubjectAlternativeNameBuilder();
        san.AddUri(new Uri($"monolith://nodes/{node}?role={NodeRoles.Word(role)}&uid={uid}"));
        request.CertificateExtensions.Add(san.Build());
        using var certificate = authority.Sign(by, request, ClientUsage, notAfter);
        return certificate.RawData;
    }

    /// <summary>
    /// Whom the certificate names; null when no authority that this cloud trusts signed it for a node. Whether the node still
    /// exists and whether the certificate has expired is the caller's question.
    /// </summary>
    public NodeIdentity? Read(X509Certificate2 certificate)
    {
        var trusted = authority.Trusted;
        var key = certificate.GetCertHashString(HashAlgorithmName.SHA256);
        // What was proved stays proved as long as who signed it is believed.
        if (proved.TryGetValue(key, out var known) && trusted.Any(a => a.Uid == known.SignedBy)) return known;
        if (SignerOf(certificate, trusted) is not { } signer || Parse(certificate, signer) is not { } shown) return null;
        if (proved.Count >= MaxRemembered) proved.Clear();
        proved[key] = shown;
        return shown;
    }

    static Guid? SignerOf(X509Certificate2 certificate, IReadOnlyList<OpenAuthority> trusted)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        foreach (var one in trusted) chain.ChainPolicy.CustomTrustStore.Add(one.Certificate!);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.ApplicationPolicy.Add(new Oid(ClientUsage));
        // Time is judged by whoever asks: an expired node may do one thing.
        chain.ChainPolicy.VerificationFlags = X509VerificationFlags.IgnoreNotTimeValid;
        try
        {
            return chain.Build(certificate)
                ? trusted.FirstOrDefault(a => a.Certificate!.RawDataMemory.Span.SequenceEqual(chain.ChainElements[^1].Certificate.RawDataMemory.Span))?.Uid
                : null;
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    static NodeIdentity? Parse(X509Certificate2 certificate, Guid signedBy)
    {
        if (UriOf(certificate) is not { } text || !Uri.TryCreate(text, UriKind.Absolute, out var uri)
            || uri.Scheme != "monolith" || uri.Host != "nodes")
            return null;
        var role = NodeRole.Unspecified;
        var uid = Guid.Empty;
        foreach (var pair in uri.Query.TrimStart('?').Split('&'))
            if (pair.StartsWith("role=", StringComparison.Ordinal)) role = NodeRoles.Parse(pair["role=".Length..]);
            else if (pair.StartsWith("uid=", StringComparison.Ordinal)) _ = Guid.TryParse(pair["uid=".Length..], out uid);
        if (role == NodeRole.Unspecified || uid == Guid.Empty) return null;
        return new("nodes" + uri.AbsolutePath, uid, role, certificate.NotBefore.ToUniversalTime(),
            certificate.NotAfter.ToUniversalTime(), signedBy);
    }

    /// <summary>The first URI among the alternative names: GeneralName [6] IA5String.</summary>
    static string? UriOf(X509Certificate2 certificate)
    {
        var uriTag = new Asn1Tag(TagClass.ContextSpecific, 6);
        try
        {
            if (certificate.Extensions["2.5.29.17"] is not { } extension) return null;
            var names = new AsnReader(extension.RawData, AsnEncodingRules.DER).ReadSequence();
            while (names.HasData)
            {
                if (names.PeekTag() == uriTag) return names.ReadCharacterString(UniversalTagNumber.IA5String, uriTag);
                names.ReadEncodedValue();
            }
        }
        catch (AsnContentException)
        {
        }
        return null;
    }
}
