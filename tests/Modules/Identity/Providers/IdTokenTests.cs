using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Grpc.Core;
using Monolith.Modules.Tests.Calls;
using Monolith.Tests.Providers;

namespace Monolith.Modules.Tests.Identity.Providers;

/// <summary>One thing is wrong with an ID token, and it proves nothing.</summary>
public class IdTokenTests
{
    static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    /// <summary>What is wrong with the claims, and how that is called.</summary>
    public static TheoryData<string, string> Wrongs => new()
    {
        { "another issuer", "ID_TOKEN_ISSUER" },
        { "an issuer that begins alike", "ID_TOKEN_ISSUER" },
        { "no issuer", "ID_TOKEN_ISSUER" },
        { "another audience", "ID_TOKEN_AUDIENCE" },
        { "no audience", "ID_TOKEN_AUDIENCE" },
        { "several audiences, given to nobody", "ID_TOKEN_AUDIENCE" },
        { "several audiences, given to another", "ID_TOKEN_AUDIENCE" },
        { "given to another", "ID_TOKEN_AUDIENCE" },
        { "expired", "ID_TOKEN_EXPIRED" },
        { "no end", "ID_TOKEN_MALFORMED" },
        { "an end that is a text", "ID_TOKEN_MALFORMED" },
        { "no beginning", "ID_TOKEN_MALFORMED" },
        { "made in the future", "ID_TOKEN_NOT_YET_VALID" },
        { "good in the future", "ID_TOKEN_NOT_YET_VALID" },
        { "no subject", "ID_TOKEN_MALFORMED" },
        { "a subject of control characters", "ID_TOKEN_MALFORMED" },
        { "another sign-in's nonce", "ID_TOKEN_NONCE" },
    };

    static void Spoil(JsonObject claims, string wrong)
    {
        switch (wrong)
        {
            case "another issuer": claims["iss"] = "https://login.example.com"; break;
            case "an issuer that begins alike": claims["iss"] = claims["iss"]!.GetValue<string>() + "/other"; break;
            case "no issuer": claims.Remove("iss"); break;
            case "another audience": claims["aud"] = "somebody"; break;
            case "no audience": claims.Remove("aud"); break;
            case "several audiences, given to nobody": claims["aud"] = new JsonArray(StandInProvider.Client, "somebody"); break;
            case "several audiences, given to another":
                claims["aud"] = new JsonArray(StandInProvider.Client, "somebody");
                claims["azp"] = "somebody";
                break;
            case "given to another": claims["azp"] = "somebody"; break;
            case "expired": claims["exp"] = (Now - TimeSpan.FromSeconds(60)).ToUnixTimeSeconds(); break;
            case "no end": claims.Remove("exp"); break;
            case "an end that is a text": claims["exp"] = "tomorrow"; break;
            case "no beginning": claims.Remove("iat"); break;
            case "made in the future": claims["iat"] = (Now + TimeSpan.FromSeconds(61)).ToUnixTimeSeconds(); break;
            case "good in the future": claims["nbf"] = (Now + TimeSpan.FromSeconds(61)).ToUnixTimeSeconds(); break;
            case "no subject": claims.Remove("sub"); break;
            case "a subject of control characters": claims["sub"] = "a\nb"; break;
            case "another sign-in's nonce": claims["nonce"] = "theirs"; break;
            default: throw new ArgumentOutOfRangeException(nameof(wrong), wrong, null);
        }
    }

    [Theory]
    [MemberData(nameof(Wrongs))]
    public async Task OneWrongClaim_IsRefused_WithItsReason(string wrong, string reason)
    {
        await using var cloud = await SignInFixture.StartAsync("sqlite");
        Assert.Equal((StatusCode.Unauthenticated, reason), await cloud.RefusedAsync(cloud.Token(c => Spoil(c, wrong))));
        // Nothing else was wrong.
        await cloud.SignInAsync();
    }

    [Fact]
    public async Task Clocks_MayDifferByAMinute()
    {
        await using var cloud = await SignInFixture.StartAsync("sqlite");
        await cloud.SignInAsync(c => c["exp"] = (Now - TimeSpan.FromSeconds(59)).ToUnixTimeSeconds());
        await cloud.SignInAsync(c => c["nbf"] = (Now + TimeSpan.FromSeconds(60)).ToUnixTimeSeconds());
        await cloud.SignInAsync(c => c["iat"] = (Now + TimeSpan.FromSeconds(60)).ToUnixTimeSeconds());
    }

    [Fact]
    public async Task ANonce_MustBeTheTokensOwn()
    {
        await using var cloud = await SignInFixture.StartAsync("sqlite");
        Assert.Equal("ID_TOKEN_NONCE", (await cloud.RefusedAsync(cloud.Token(), "mine")).Reason);
        Assert.Equal("ID_TOKEN_NONCE", (await cloud.RefusedAsync(cloud.Token(c => c["nonce"] = "theirs"), "mine")).Reason);
        await cloud.ExchangeAsync(cloud.Token(c => c["nonce"] = "mine"), "mine");
    }

    [Fact]
    public async Task SeveralAudiences_AreTaken_WhenItWasGivenToOneThatIsAllowed()
    {
        await using var cloud = await SignInFixture.StartAsync("sqlite", p => p.Audiences.Add(["one", "two"]));
        Assert.Equal("ID_TOKEN_AUDIENCE", (await cloud.RefusedAsync(cloud.Token())).Reason);
        await cloud.SignInAsync(c => c["aud"] = "two");
        await cloud.SignInAsync(c => (c["aud"], c["azp"]) = (new JsonArray("three", "two"), "one"));
    }

    [Fact]
    public async Task WhatIsNotSignedByAKeyPair_IsRefused()
    {
        await using var cloud = await SignInFixture.StartAsync("sqlite");
        var (provider, now) = (cloud.Provider, cloud.Identity.Time.GetUtcNow());
        var unsigned = provider.Token(now, algorithm: "none", sign: _ => []);
        Assert.Equal("ID_TOKEN_ALGORITHM", (await cloud.RefusedAsync(unsigned)).Reason);
        Assert.Equal("ID_TOKEN_ALGORITHM", (await cloud.RefusedAsync(provider.Token(now, algorithm: "NONE", sign: _ => []))).Reason);
        // The public key is known to everybody: as a shared secret it would let everybody sign.
        var key = (RSA)provider.Keys[0].Key;
        foreach (var secret in new[] { key.ExportSubjectPublicKeyInfo(), key.ExportRSAPublicKey(), Encoding.ASCII.GetBytes(key.ExportSubjectPublicKeyInfoPem()) })
            Assert.Equal("ID_TOKEN_ALGORITHM",
                (await cloud.RefusedAsync(provider.Token(now, algorithm: "HS256", sign: bytes => HMACSHA256.HashData(secret, bytes)))).Reason);
        // Says one thing and does another.
        Assert.Equal("ID_TOKEN_SIGNATURE", (await cloud.RefusedAsync(provider.Token(now, algorithm: "ES256"))).Reason);
        Assert.Equal("ID_TOKEN_SIGNATURE", (await cloud.RefusedAsync(provider.Token(now, sign: _ => []))).Reason);
    }

    [Fact]
    public async Task AnothersKey_IsRefused_UnderTheSameIdAndUnderItsOwn()
    {
        await using var cloud = await SignInFixture.StartAsync("sqlite");
        using var other = RSA.Create(2048);
        var now = cloud.Identity.Time.GetUtcNow();
        Assert.Equal("ID_TOKEN_SIGNATURE",
            (await cloud.RefusedAsync(cloud.Provider.Token(now, sign: bytes => StandInProvider.Sign(other, bytes)))).Reason);
        Assert.Equal("ID_TOKEN_SIGNATURE",
            (await cloud.RefusedAsync(cloud.Provider.Token(now, id: "", sign: bytes => StandInProvider.Sign(other, bytes)))).Reason);
        Assert.Equal("ID_TOKEN_KEY_UNKNOWN",
            (await cloud.RefusedAsync(cloud.Provider.Token(now, id: "k9", sign: bytes => StandInProvider.Sign(other, bytes)))).Reason);
    }

    /// <summary>Keys come from the provider, and from nowhere that a token names.</summary>
    [Fact]
    public async Task AKeyThatTheTokenBringsAlong_IsNotLookedAt()
    {
        await using var cloud = await SignInFixture.StartAsync("sqlite");
        using var other = RSA.Create(2048);
        await using var elsewhere = await StandInProvider.StartAsync();
        foreach (var id in new[] { "k1", "" })
            Assert.Equal("ID_TOKEN_SIGNATURE", (await cloud.RefusedAsync(cloud.Provider.Token(cloud.Identity.Time.GetUtcNow(), id: id,
                sign: bytes => StandInProvider.Sign(other, bytes), head: header =>
                {
                    header["jwk"] = StandInProvider.Shown("k1", other);
                    header["jku"] = elsewhere.Issuer + "/keys";
                }))).Reason);
        Assert.Empty(elsewhere.Asked);
    }

    [Theory]
    [InlineData("typ", "at+jwt")]
    [InlineData("typ", "logout+jwt")]
    [InlineData("crit", "exp")]
    public async Task AnotherKindOfToken_IsRefused(string field, string value)
    {
        await using var cloud = await SignInFixture.StartAsync("sqlite");
        Assert.Equal("ID_TOKEN_MALFORMED", (await cloud.RefusedAsync(cloud.Provider.Token(cloud.Identity.Time.GetUtcNow(),
            head: header => header[field] = field == "crit" ? new JsonArray(value) : value))).Reason);
        await cloud.ExchangeAsync(cloud.Provider.Token(cloud.Identity.Time.GetUtcNow(), head: header => header.Remove("typ")));
    }

    [Fact]
    public async Task ATokenWithoutAKeysId_IsTriedWithAll_OfEitherKind()
    {
        await using var cloud = await SignInFixture.StartAsync("sqlite");
        var ec = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        cloud.Provider.Keys.Add(("e1", ec));
        var now = cloud.Identity.Time.GetUtcNow();
        await cloud.ExchangeAsync(cloud.Provider.Token(now, id: ""));
        await cloud.ExchangeAsync(cloud.Provider.Token(now, algorithm: "ES256", id: "e1", sign: bytes => StandInProvider.Sign(ec, bytes)));
        await cloud.ExchangeAsync(cloud.Provider.Token(now, algorithm: "ES256", id: "", sign: bytes => StandInProvider.Sign(ec, bytes)));
    }

    /// <summary>The other way to write an ECDSA signature makes no other token of it.</summary>
    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task AToken_IsGoodForOnce_HoweverItsSignatureIsWritten(string database)
    {
        await using var cloud = await SignInFixture.StartAsync(database);
        var ec = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        cloud.Provider.Keys.Insert(0, ("e1", ec));
        var token = cloud.Provider.Token(cloud.Identity.Time.GetUtcNow(), algorithm: "ES256");
        await cloud.ExchangeAsync(token);
        Assert.Equal((StatusCode.Unauthenticated, "ID_TOKEN_USED"), await cloud.RefusedAsync(token));
        Assert.Equal((StatusCode.Unauthenticated, "ID_TOKEN_USED"), await cloud.RefusedAsync(Mirrored(token)));
        // Once it has expired it need not be remembered.
        cloud.Identity.Time.Advance(TimeSpan.FromMinutes(7));
        Assert.Equal("ID_TOKEN_EXPIRED", (await cloud.RefusedAsync(token)).Reason);
        await cloud.ExchangeAsync(cloud.Provider.Token(cloud.Identity.Time.GetUtcNow(), algorithm: "ES256"));
    }

    /// <summary>Whatever bytes come, the answer is a refusal.</summary>
    [Fact]
    public async Task ATokenThatWasTamperedWith_IsRefused_WhereverThatWas()
    {
        await using var cloud = await SignInFixture.StartAsync("sqlite");
        var token = cloud.Token();
        var random = new Random(20261130);
        string[] refusals = ["ID_TOKEN_MALFORMED", "ID_TOKEN_SIGNATURE", "ID_TOKEN_ALGORITHM", "ID_TOKEN_KEY_UNKNOWN"];
        for (var i = 0; i < 300; i++)
        {
            // The last character of the signature has bits that stand for nothing.
            var at = random.Next(token.Length - 1);
            var spoilt = i % 3 == 0 ? token[..at] : token[..at] + (char)(token[at] == 'A' ? 'B' : 'A' + random.Next(0, 1)) + token[(at + 1)..];
            if (spoilt == token || spoilt.Length == 0) continue;
            Assert.Contains((await cloud.RefusedAsync(spoilt)).Reason, refusals);
        }
        await cloud.ExchangeAsync(token);
    }

    [Theory]
    [InlineData("x")]
    [InlineData("..")]
    [InlineData("a.b.c")]
    [InlineData("eyJhbGciOiJSUzI1NiJ9.W10.x")]
    [InlineData("eyJhbGciOiJSUzI1NiJ9.e30.x")]
    [InlineData("bnVsbA.bnVsbA.")]
    public async Task WhatIsNoToken_IsRefused(string text)
    {
        await using var cloud = await SignInFixture.StartAsync("sqlite");
        Assert.Equal(StatusCode.Unauthenticated, (await cloud.RefusedAsync(text)).Code);
    }

    /// <summary>(r, s) and (r, n - s) are signatures of the same.</summary>
    static string Mirrored(string token)
    {
        var order = Convert.FromHexString("FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551");
        var parts = token.Split('.');
        var signature = Base64Url.DecodeFromChars(parts[2]);
        var n = new System.Numerics.BigInteger(order, isUnsigned: true, isBigEndian: true);
        var s = n - new System.Numerics.BigInteger(signature.AsSpan(32), isUnsigned: true, isBigEndian: true);
        var bytes = s.ToByteArray(isUnsigned: true, isBigEndian: true);
        signature.AsSpan(32).Clear();
        bytes.CopyTo(signature.AsSpan(64 - bytes.Length));
        return $"{parts[0]}.{parts[1]}.{Base64Url.EncodeToString(signature)}";
    }
}
