using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using Monolith.Identity.Access;
using Monolith.Identity.Contracts;
using Monolith.Identity.Logins;
using Monolith.Platform.Secrets;
using State = Monolith.Identity.V1.CertificateAuthority.Types.State;
using Use = Monolith.Identity.V1.CertificateAuthority.Types.Use;

namespace Monolith.Identity.Authority;

/// <summary>An authority with its key open. Immutable.</summary>
/// <param name="Certificate">Null: it signs none of X.509.</param>
/// <param name="Revision">Of the one that signs: rises whenever something changes in its use; microseconds of Unix time.</param>
internal sealed record OpenAuthority(Guid Uid, string Name, Use Use, State State, int Number, long Revision, X509Certificate2? Certificate, ECDsa Key)
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
internal sealed partial class Authorities(Registry registry, ISecrets secrets, ILogger<Authorities> log)
{
    readonly Lock gate = new();
    volatile Seen seen = new(ImmutableDictionary<string, AuthorityRow>.Empty, []);

    sealed record Seen(ImmutableDictionary<string, AuthorityRow> Rows, IReadOnlyList<OpenAuthority> All);

    /// <summary>The one that signs first, then the newest first.</summary>
    public IReadOnlyList<OpenAuthority> Of(Use use) => [.. All.Where(a => a.Use == use)];

    /// <exception cref="InvalidOperationException">Identity has not started.</exception>
    public OpenAuthority Signing(Use use) => All.FirstOrDefault(a => a.Use == use && a.State == State.Signing)
        ?? throw new InvalidOperationException($"There is no authority that signs for {use.ToString().ToLowerInvariant()}: Identity has not started, or its "
            + "key does not open, of which the log tells.");

    public OpenAuthority? Find(Guid uid) => All.FirstOrDefault(a => a.Uid == uid);

    /// <summary>But for those whose keys do not open.</summary>
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
                    .Select(row => seen.All.FirstOrDefault(a => a.Uid == row.Uid) is { } open ? open with { State = row.State, Revision = RevisionOf(row) } : Open(row))
                    .OfType<OpenAuthority>();
                return (seen = new(rows, [.. all])).All;
            }
        }
    }

    /// <summary>What is wrong with one is not the end of the others.</summary>
    OpenAuthority? Open(AuthorityRow row)
    {
        try
        {
            return Open(row, secrets);
        }
        catch (InvalidOperationException e)
        {
            LogNotOpened(e, row.Name);
            return null;
        }
    }

    [LoggerMessage(LogLevel.Error, "The key of {Name} does not open, and this host neither trusts it nor signs with it. Start the host anew; where that "
        + "does not help, bring the identity database back from a backup")]
    partial void LogNotOpened(Exception e, string name);

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
            throw new InvalidOperationException($"The key of {row.Name} does not open: {e.Message} Either it was changed in the identity database, or it was "
                + "sealed with a key that came after this host's start: start the host anew, and then bring the database back from a backup.", e);
        }
        return new(row.Uid, row.Name, row.Use, row.State, row.Number, RevisionOf(row), row.Certificate.Length > 0 ? X509CertificateLoader.LoadCertificate(row.Certificate) : null, key);
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

    static long RevisionOf(AuthorityRow row) => (row.UpdateTime - DateTime.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;

    static string Purpose(Use use) => use switch
    {
        Use.Nodes => "identity.ca_key",
        Use.Logins => "identity.login_key.user",
        _ => "identity.login_key.host",
    };
}
