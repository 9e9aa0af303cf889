using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.EntityFrameworkCore;
using Monolith.Platform.Calls;
using Monolith.Platform.Secrets;
using Monolith.Platform.Storage;
using State = Monolith.Identity.V1.CertificateAuthority.Types.State;
using Use = Monolith.Identity.V1.CertificateAuthority.Types.Use;

namespace Monolith.Identity.Authority;

/// <summary>
/// An authority of each use, where there is none: made, or of nodes taken from <c>ca.key</c> and <c>ca.pem</c> of the data directory,
/// where they were kept before. Of two hosts that start at once, one meets the other's.
/// </summary>
internal sealed class FirstAuthorities(Store<IdentityDb> store, ISecrets secrets, IdentityOptions options)
{
    const string SealedLabel = "MONOLITH SEALED PRIVATE KEY";

    string KeyPath => Path.Combine(options.DataDirectory, "ca.key");

    string CertificatePath => Path.Combine(options.DataDirectory, "ca.pem");

    public async Task MakeAsync(CancellationToken cancel)
    {
        Directory.CreateDirectory(options.DataDirectory);
        var taken = await store.WriteAsync(Call.Of("identity/start"), async unit =>
        {
            var fromFiles = false;
            foreach (var use in new[] { Use.Nodes, Use.Logins, Use.Servers })
            {
                if (await unit.Db.Authorities.AnyAsync(a => a.Use == use, cancel)) continue;
                fromFiles |= use == Use.Nodes && (File.Exists(KeyPath) || File.Exists(CertificatePath));
                var row = use == Use.Nodes && fromFiles ? FromFiles(unit.Now) : Authorities.Make(use, 1, State.Signing, secrets, unit.Now);
                unit.Db.Authorities.Add(row);
                AuthorityService.Emit(unit, Change.Created, row, secrets);
            }
            return fromFiles;
        }, cancel);
        // Its key lies in the database now. The file is of use to nobody but who brings back a database of before.
        if (taken) File.Move(KeyPath, KeyPath + ".moved", overwrite: true);
    }

    AuthorityRow FromFiles(DateTime now)
    {
        if (!File.Exists(CertificatePath))
            throw new InvalidOperationException($"{KeyPath} is there, but its certificate {CertificatePath} is not. Put it back; or remove the key as "
                + "well, and every node has to join anew.");
        if (!File.Exists(KeyPath))
            throw new InvalidOperationException($"The authority of {CertificatePath} is not in the identity database, and its key {KeyPath} is not there. "
                + $"Bring back the database that has it, or the key ({KeyPath}.moved, where a host has taken it from there); or remove the certificate, "
                + "and every node has to join anew.");
        using var key = ReadKey();
        using var certificate = X509Certificate2.CreateFromPem(File.ReadAllText(CertificatePath));
        using var inCertificate = certificate.GetECDsaPublicKey();
        if (inCertificate?.ExportSubjectPublicKeyInfo().AsSpan().SequenceEqual(key.ExportSubjectPublicKeyInfo()) != true)
            throw new InvalidOperationException($"{KeyPath} is not the key of {CertificatePath}. Put the right one back.");
        return Authorities.Make(Use.Nodes, 1, State.Signing, key, certificate.RawData, secrets, now);
    }

    /// <exception cref="InvalidOperationException">It is no key, or one of another cloud.</exception>
    ECDsa ReadKey()
    {
        var text = File.ReadAllText(KeyPath);
        var read = ECDsa.Create();
        try
        {
            var pem = PemEncoding.Find(text);
            if (text.AsSpan(pem.Label).SequenceEqual(SealedLabel))
                read.ImportPkcs8PrivateKey(secrets.Open("identity.ca_key", Convert.FromBase64String(text[pem.Base64Data])), out _);
            else
                read.ImportFromPem(text);
            return read;
        }
        catch (Exception e) when (e is ArgumentException or FormatException or CryptographicException)
        {
            read.Dispose();
            throw new InvalidOperationException(
                $"{KeyPath} cannot be read: {e.Message} It belongs to the identity database beside it, and to no other. Put the right one back.", e);
        }
    }
}
