using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;
using Monolith.Platform.Calls;
using Monolith.Platform.Secrets;
using Monolith.Platform.Storage;

namespace Monolith.Identity.Secrets;

/// <summary>
/// Two steps, so that the outer key can change without anything being sealed anew but a few keys:
/// <code>
///   key-encryption key (a file, the environment) ── seals ──▶ data keys (a table) ── seal ──▶ user data, signing keys
/// </code>
/// </summary>
internal sealed partial class DataKeys(Store<IdentityDb> store, IdentityOptions options, ILogger<DataKeys> log) : ISecrets
{
    const string Purpose = "identity.data_keys";

    Dictionary<Guid, byte[]> keys = [];
    Guid current;

    /// <summary>Opens the keys, makes the first, and seals them with the key-encryption key that is given now. A new one of
    /// those comes with a new data key.</summary>
    /// <exception cref="InvalidOperationException">The key that they are sealed with was not given.</exception>
    public async Task OpenAsync(CancellationToken cancel)
    {
        var outer = await KeyEncryptionKey.CurrentAsync(options, cancel);
        var earlier = await KeyEncryptionKey.EarlierAsync(options, cancel);
        (keys, current) = await store.WriteAsync(Call.Of("identity/secrets"), async unit =>
        {
            var (opened, changed) = (new Dictionary<Guid, byte[]>(), false);
            var rows = await unit.Db.DataKeys.OrderBy(k => k.CreateTime).ThenBy(k => k.Id).ToListAsync(cancel);
            foreach (var row in rows)
            {
                var id = Sealed.KeyOf(row.SealedKey);
                opened[row.Id] = OpenWith(earlier.Prepend(outer).FirstOrDefault(k => k.Id == id) ?? throw Unknown(id), row.SealedKey);
                if (id == outer.Id) continue;
                row.SealedKey = Sealed.Seal(outer.Id, outer.Key, Purpose, opened[row.Id]);
                changed = true;
            }
            if (rows.Count > 0 && !changed) return (opened, rows[^1].Id);
            var made = new DataKeyRow { Id = Guid.CreateVersion7(), SealedKey = [], CreateTime = unit.Now };
            opened[made.Id] = RandomNumberGenerator.GetBytes(Sealed.KeyLength);
            made.SealedKey = Sealed.Seal(outer.Id, outer.Key, Purpose, opened[made.Id]);
            unit.Db.DataKeys.Add(made);
            if (changed) LogSealedAnew(rows.Count);
            return (opened, made.Id);
        }, cancel);
    }

    public byte[] Seal(string purpose, ReadOnlySpan<byte> secret) => secret.IsEmpty
        ? []
        : Sealed.Seal(current, keys.Count > 0 ? keys[current] : throw new InvalidOperationException("Identity has not started."),
            purpose, secret);

    public byte[] Open(string purpose, ReadOnlySpan<byte> secret)
    {
        if (!Sealed.Is(secret)) return secret.ToArray();
        var id = Sealed.KeyOf(secret);
        return keys.TryGetValue(id, out var key)
            ? Sealed.Open(key, purpose, secret)
            : throw new CryptographicException($"A secret ({purpose}) is sealed with the key {id}, which this cloud does not have.");
    }

    static byte[] OpenWith(KeyEncryptionKey outer, byte[] sealedKey)
    {
        try
        {
            return Sealed.Open(outer.Key, Purpose, sealedKey);
        }
        catch (CryptographicException e)
        {
            throw new InvalidOperationException("A data key in the identity database was changed: it does not open. Bring the database "
                + "back from a backup.", e);
        }
    }

    static InvalidOperationException Unknown(Guid id) => new(
        $"This cloud's secrets are sealed with the key-encryption key {id}, which was not given. Give its file with --kek; or, when "
        + "another shall take its place, that one with --kek and the old one with --kek-before.");

    [LoggerMessage(LogLevel.Information, "{Count} keys are sealed with the new key-encryption key; the old one is no longer needed")]
    partial void LogSealedAnew(int count);
}
