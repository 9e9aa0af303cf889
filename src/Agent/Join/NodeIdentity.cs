using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.Json.Serialization;
using Monolith.Agent.Native.Safe;

namespace Monolith.Agent.Join;

/// <summary>
/// Who this machine is: one file, replaced whole, so that key and certificate always belong together. It holds the
/// private key and is readable by its owner alone.
/// </summary>
/// <param name="Node">The node's name.</param>
/// <param name="Role"><c>hypervisor</c> or <c>load-balancer</c>.</param>
/// <param name="Host">The host's address, <c>name:port</c>.</param>
/// <param name="Key">PKCS#8, PEM.</param>
/// <param name="Certificate">PEM.</param>
/// <param name="Authority">Certificates of the CAs that are trusted, PEM; the one that signed <paramref name="Certificate"/> first.</param>
public sealed record NodeIdentity(
    string Node, string Role, string Host, string Key, string Certificate, string Authority)
{
    public const string FileName = "identity.json";
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <exception cref="JoinException">There is none, or the file is damaged.</exception>
    public static NodeIdentity Load(string stateDirectory)
    {
        var path = Path.Combine(stateDirectory, FileName);
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(path), NodeIdentityJson.Default.NodeIdentity)
                ?? throw new JsonException("it is empty");
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new JoinException(
                "NOT_JOINED",
                $"This machine is no node yet: there is no {path}. Run "
                + "`monolith-agent join --host ADDRESS:PORT --token TOKEN "
                    + $"--state {stateDirectory}` with a token from `monolith node token NODE`.");
        }
        catch (Exception e) when (e is JsonException or UnauthorizedAccessException or IOException)
        {
            throw new JoinException(
                "IDENTITY_UNREADABLE", $"{path} cannot be read ({e.Message}): restore it, or join anew.", e);
        }
    }

    public void Save(string stateDirectory) => DirectorySync.WriteFile(
        Path.Combine(stateDirectory, FileName),
        JsonSerializer.SerializeToUtf8Bytes(this, NodeIdentityJson.Default.NodeIdentity),
        Private);

    /// <summary>The certificate with its key, for TLS. Dispose it.</summary>
    public X509Certificate2 OpenCertificate() => X509Certificate2.CreateFromPem(Certificate, Key);

    /// <summary>The one that signed the certificate first. Dispose them.</summary>
    public IReadOnlyList<X509Certificate2> OpenAuthorities()
    {
        var read = new X509Certificate2Collection();
        read.ImportFromPem(Authority);
        return [.. read];
    }

    /// <summary>That key, certificate and its signer belong together: what does not would be kept in the place of what does.</summary>
    /// <exception cref="CryptographicException">They do not.</exception>
    internal void Check()
    {
        using var certificate = OpenCertificate();
        var authorities = OpenAuthorities();
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(authorities[0]);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.VerificationFlags = X509VerificationFlags.IgnoreNotTimeValid;
        var isWhole = chain.Build(certificate);
        foreach (var authority in authorities) authority.Dispose();
        if (!isWhole) throw new CryptographicException("the host sent a certificate that the authority beside it did not sign");
    }

    /// <summary>For <see cref="Authority"/>, each once.</summary>
    /// <param name="signer">DER.</param>
    /// <param name="others">DER.</param>
    /// <exception cref="CryptographicException">One is no certificate.</exception>
    internal static string AuthorityPem(ReadOnlyMemory<byte> signer, IEnumerable<ReadOnlyMemory<byte>> others)
    {
        var pem = new List<string>();
        foreach (var der in others.Prepend(signer))
        {
            using var certificate = X509CertificateLoader.LoadCertificate(der.Span);
            pem.Add(certificate.ExportCertificatePem() + "\n");
        }

        return string.Concat(pem.Distinct());
    }

    /// <summary>A key that was made for a join whose answer may be lost: the host knows it again.</summary>
    internal static ECDsa KeyOfJoin(string stateDirectory)
    {
        var path = Path.Combine(stateDirectory, "join.key");
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        if (File.Exists(path)) key.ImportFromPem(File.ReadAllText(path));
        else DirectorySync.WriteFile(
            path, System.Text.Encoding.ASCII.GetBytes(key.ExportPkcs8PrivateKeyPem()), Private);
        return key;
    }

    internal static void ForgetKeyOfJoin(string stateDirectory) =>
        File.Delete(Path.Combine(stateDirectory, "join.key"));

    /// <summary>PKCS#10 (RFC 2986) in DER, signed by the key.</summary>
    internal static byte[] RequestOf(ECDsa key, string node)
    {
        var name = new X500DistinguishedNameBuilder();
        name.AddCommonName(node);
        return new CertificateRequest(name.Build(), key, HashAlgorithmName.SHA256).CreateSigningRequest();
    }
}

[JsonSerializable(typeof(NodeIdentity))]
internal sealed partial class NodeIdentityJson : JsonSerializerContext;
