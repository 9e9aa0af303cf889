using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Monolith.Identity.Access;
using Monolith.Identity.Contracts;
using Monolith.Identity.Logins;
using Monolith.Platform.Secrets;
using State = Monolith.Identity.V1.CertificateAuthority.Types.State;
using Use = Monolith.Identity.V1.CertificateAuthority.Types.Use;

namespace Monolith.Identity.Authority;

/// <summary>An authority with its key open. Immutable.</summary>
/// <param name="Certificate">Null: it signs none of X.509.</param>
internal sealed record OpenAuthority(string Name, Use Use, State State, int Number, X509Certificate2? Certificate, ECDsa Key)
{
    /// <summary>SHA-256 of the certificate, lower-case hex.</summary>
    public string Digest { get; } = Certificate is null ? "" : Convert.ToHexStringLower(SHA256.HashData(Certificate.RawData));

    public PublicAuthority Public { get; } = PublicOf(Certificate, Key);

    /// <summary>Of one that signs for OpenSSH.</summary>
    public SshPublicKey SshKey => SshPublicKey.Parse(Public.Text);

    static PublicAuthority PublicOf(X509Certificate2? certificate, ECDsa key)
    {
        if (certificate is not null)
            return new(certificate.ExportCertificatePem() + "\n", Convert.ToHexStringLower(SHA256.HashData(certificate.RawData)),
                certificate.NotAfter.ToUniversalTime());
        var ssh = SshPublicKey.Parse("ecdsa-sha2-nistp256 " + Convert.ToBase64String(SshCertificate.PublicKey(key)));
        return new(ssh.ToString(), ssh.Fingerprint, null);
    }
}

/// <summary>
/// The authorities as this process knows them: those that the rows had when the registry read them last, opened once each. All that
/// are there are trusted; one of each use signs.
/// </summary>
internal sealed class Authorities(Registry registry, ISecrets secrets)
{
    readonly Lock gate = new();
    volatile Seen seen = new(ImmutableDictionary<string, AuthorityRow>.Empty, []);

    sealed record Seen(ImmutableDictionary<string, AuthorityRow> Rows, IReadOnlyList<OpenAuthority> All);

    /// <summary>The one that signs first, then the newest first.</summary>
    public IReadOnlyList<OpenAuthority> Of(Use use) => [.. All.Where(a => a.Use == use)];

    /// <exception cref="InvalidOperationException">Identity has not started.</exception>
    public OpenAuthority Signing(Use use) => All.FirstOrDefault(a => a.Use == use && a.State == State.Signing)
        ?? throw new InvalidOperationException("The authorities are there once Identity has started.");

    public OpenAuthority? Find(string name) => All.FirstOrDefault(a => a.Name == name);

    /// <exception cref="InvalidOperationException">One's key does not open.</exception>
    public IReadOnlyList<OpenAuthority> All
    {
        get
        {
            var rows = registry.Known.Authorities;
            var known = seen;
            if (ReferenceEquals(rows, known.Rows)) return known.All;
            lock (gate)
            {
                // What is open already is kept: somebody may be signing with it.
                var all = rows.Values.OrderByDescending(r => r.State == State.Signing).ThenByDescending(r => r.Number)
                    .Select(row => seen.All.FirstOrDefault(a => a.Name == row.Name) is { } open ? open with { State = row.State } : Open(row));
                return (seen = new(rows, [.. all])).All;
            }
        }
    }

    OpenAuthority Open(AuthorityRow row) => Open(row, secrets);

    public static OpenAuthority Open(AuthorityRow row, ISecrets secrets)
    {
        var key = ECDsa.Create();
        try
        {
            key.ImportPkcs8PrivateKey(secrets.Open(Purpose(row.Use), row.SealedKey), out _);
        }
        catch (CryptographicException e)
        {
            key.Dispose();
            throw new InvalidOperationException($"The key of {row.Name} does not open: it was changed in the identity database. Bring the database back "
                + "from a backup.", e);
        }
        return new(row.Name, row.Use, row.State, row.Number, row.Certificate.Length > 0 ? X509CertificateLoader.LoadCertificate(row.Certificate) : null, key);
    }

    /// <summary>A new key with all that belongs to it. Nothing is signed with it yet.</summary>
    public static AuthorityRow Make(Use use, int number, State state, ISecrets secrets, DateTime now)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return Make(use, number, state, key, use == Use.Nodes ? NodeAuthority.SignSelf(key, number, now) : [], secrets, now);
    }

    /// <summary>With a key that there is already.</summary>
    /// <param name="certificate">DER, or empty.</param>
    public static AuthorityRow Make(Use use, int number, State state, ECDsa key, byte[] certificate, ISecrets secrets, DateTime now) => new()
    {
        Name = AuthorityRules.Name(use, number),
        Use = use,
        Number = number,
        State = state,
        Certificate = certificate,
        SealedKey = secrets.Seal(Purpose(use), key.ExportPkcs8PrivateKey()),
        CreateTime = now,
        UpdateTime = now,
        SignTime = state == State.Signing ? now : null,
    };

    static string Purpose(Use use) => use switch
    {
        Use.Nodes => "identity.ca_key",
        Use.Logins => "identity.login_key.user",
        _ => "identity.login_key.host",
    };
}
