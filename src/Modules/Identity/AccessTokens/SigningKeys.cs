using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using Microsoft.IdentityModel.Tokens;
using Monolith.Platform.Calls;
using Monolith.Platform.Secrets;
using Monolith.Platform.Storage;

namespace Monolith.Identity.AccessTokens;

/// <summary>
/// A key for each period of 30 days. The next is published a period ahead, so that whoever keeps what they once read of the keys
/// knows it when it is used; the one before stays as long, though nothing that it signed is still good.
/// <code>
///   period    n-1         n           n+1
///   key       published   signs       published
/// </code>
/// Hosts that share a database share the keys.
/// </summary>
internal sealed class SigningKeys(Store<IdentityDb> store, ISecrets secrets, TimeProvider time) : IDisposable
{
    const string Purpose = "identity.signing_keys";
    static readonly TimeSpan Period = TimeSpan.FromDays(30);

    readonly SemaphoreSlim opening = new(1);
    volatile Task going = Task.CompletedTask;
    volatile Keys current = new(long.MinValue, new Dictionary<long, SigningKey>());

    sealed record Keys(long Period, IReadOnlyDictionary<long, SigningKey> Is);

    /// <summary>Those that are published.</summary>
    public async ValueTask<IReadOnlyList<SigningKey>> AllAsync(CancellationToken cancel) => [.. (await OfNowAsync(cancel)).Is.Values];

    /// <summary>The one that signs.</summary>
    public async ValueTask<SigningKey> CurrentAsync(CancellationToken cancel)
    {
        var keys = await OfNowAsync(cancel);
        return keys.Is[keys.Period];
    }

    /// <summary>Null: no token of that key is believed. A host that only looks on, and signs nothing for a month, has the next key
    /// already, and goes for the one after that.</summary>
    public SigningKey? Find(string id)
    {
        // Should it fail, the next token that is shown has another try.
        if (IsBehind && going.IsCompleted) going = OpenAsync(CancellationToken.None);
        return current.Is.Values.FirstOrDefault(k => k.Id == id);
    }

    /// <summary>It goes for the keys of this period, or is about to.</summary>
    internal bool IsBehind => current.Period != Now;

    long Now => time.GetUtcNow().UtcTicks / Period.Ticks;

    public async Task OpenAsync(CancellationToken cancel) => await OfNowAsync(cancel);

    async ValueTask<Keys> OfNowAsync(CancellationToken cancel)
    {
        var period = Now;
        if (current is { } keys && keys.Period == period) return keys;
        await opening.WaitAsync(cancel);
        try
        {
            if (current.Period == period) return current;
            var rows = await store.WriteAsync(Call.Of("identity/signingKeys"), unit => FillAsync(unit, period, cancel), cancel);
            return current = new(period, rows.ToDictionary(r => r.Period, r => current.Is.GetValueOrDefault(r.Period)
                ?? new SigningKey(secrets.Open(Purpose, r.SealedKey))));
        }
        finally
        {
            opening.Release();
        }
    }

    /// <summary>Makes those that there are not, and forgets what nobody needs.</summary>
    async Task<List<SigningKeyRow>> FillAsync(Unit<IdentityDb> unit, long period, CancellationToken cancel)
    {
        var rows = await unit.Db.SigningKeys.ToListAsync(cancel);
        unit.Db.SigningKeys.RemoveRange(rows.Where(r => r.Period < period - 1));
        rows.RemoveAll(r => r.Period < period - 1);
        for (var wanted = period; wanted <= period + 1; wanted++)
        {
            if (rows.Any(r => r.Period == wanted)) continue;
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var row = new SigningKeyRow { Period = wanted, SealedKey = secrets.Seal(Purpose, key.ExportPkcs8PrivateKey()), CreateTime = unit.Now };
            unit.Db.SigningKeys.Add(row);
            rows.Add(row);
        }
        return rows;
    }

    public void Dispose() => opening.Dispose();
}

/// <summary>P-256, for ES256 (RFC 7518, 3.4).</summary>
internal sealed class SigningKey
{
    public SigningKey(byte[] pkcs8)
    {
        var key = ECDsa.Create();
        key.ImportPkcs8PrivateKey(pkcs8, out _);
        Key = new ECDsaSecurityKey(key);
        Public = JsonWebKeyConverter.ConvertFromECDsaSecurityKey(new ECDsaSecurityKey(ECDsa.Create(key.ExportParameters(false))));
        Key.KeyId = Id = Base64UrlEncoder.Encode(Key.ComputeJwkThumbprint());
    }

    /// <summary>RFC 7638.</summary>
    public string Id { get; }

    public ECDsaSecurityKey Key { get; }

    public JsonWebKey Public { get; }
}
