using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using Monolith.Identity.Contracts;
using Monolith.Platform.Calls;
using Monolith.Platform.Secrets;
using Monolith.Platform.Storage;

namespace Monolith.Identity.Logins;

/// <summary>
/// Two keys, P-256, sealed in the database, where replicas share them: what signs for users must not be able to pass for a
/// server. Made at the first start.
/// </summary>
internal sealed class LoginAuthority(Store<IdentityDb> store, ISecrets secrets) : ILoginAuthority, IDisposable
{
    const string User = "user", Host = "host";

    ECDsa? user, host;

    public SshPublicKey UserKey { get => field ?? throw NotStarted(); private set; }

    public SshPublicKey HostKey { get => field ?? throw NotStarted(); private set; }

    public async Task OpenAsync(CancellationToken cancel)
    {
        user = await KeyAsync(User, cancel);
        host = await KeyAsync(Host, cancel);
        UserKey = PublicKey(user);
        HostKey = PublicKey(host);
    }

    public string CertifyUser(SshCertificateOrder order) => SshCertificate.Sign(order, isHost: false, user ?? throw NotStarted());

    public string CertifyHost(SshCertificateOrder order) => SshCertificate.Sign(order, isHost: true, host ?? throw NotStarted());

    public void Dispose()
    {
        user?.Dispose();
        host?.Dispose();
    }

    async Task<ECDsa> KeyAsync(string use, CancellationToken cancel)
    {
        // Of two hosts that start at once, one meets the other's, and looks again.
        var row = await store.WriteAsync(Call.Of("identity/logins"), async unit =>
        {
            if (await unit.Db.LoginKeys.FirstOrDefaultAsync(k => k.Use == use, cancel) is { } there) return there;
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var made = new LoginKeyRow { Use = use, SealedKey = secrets.Seal(Purpose(use), key.ExportPkcs8PrivateKey()), CreateTime = unit.Now };
            unit.Db.LoginKeys.Add(made);
            return made;
        }, cancel);
        var opened = ECDsa.Create();
        try
        {
            opened.ImportPkcs8PrivateKey(secrets.Open(Purpose(use), row.SealedKey), out _);
            return opened;
        }
        catch (CryptographicException e)
        {
            opened.Dispose();
            throw new InvalidOperationException($"The key that signs login certificates of {use}s does not open: it was changed in the identity "
                + "database. Bring the database back from a backup.", e);
        }
    }

    static string Purpose(string use) => "identity.login_key." + use;

    static SshPublicKey PublicKey(ECDsa key) => SshPublicKey.Parse("ecdsa-sha2-nistp256 " + Convert.ToBase64String(SshCertificate.PublicKey(key)));

    static InvalidOperationException NotStarted() => new("The login authority is there once Identity has started.");
}
