using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Monolith.Identity.V1;
using Monolith.Platform.Faults;

namespace Monolith.Identity.Providers;

/// <summary>
/// What an ID token proves (OpenID Connect Core 1.0, 3.1.3.7). The signature comes first and by the library; what follows is
/// read of what was signed, each thing with the refusal that says what is wrong.
/// </summary>
internal static class IdTokens
{
    /// <summary>What clocks may differ by.</summary>
    public static readonly TimeSpan Skew = TimeSpan.FromSeconds(60);

    // By key pairs alone: with a shared secret whoever can check could sign as well.
    static readonly string[] Algorithms =
    [
        SecurityAlgorithms.RsaSha256, SecurityAlgorithms.RsaSha384, SecurityAlgorithms.RsaSha512,
        SecurityAlgorithms.RsaSsaPssSha256, SecurityAlgorithms.RsaSsaPssSha384, SecurityAlgorithms.RsaSsaPssSha512,
        SecurityAlgorithms.EcdsaSha256, SecurityAlgorithms.EcdsaSha384, SecurityAlgorithms.EcdsaSha512,
    ];

    static readonly JsonWebTokenHandler Handler = new() { MaximumTokenSizeInBytes = ProviderRules.MostTokenCharacters * 4 };

    /// <exception cref="Fault">UNAUTHENTICATED, or UNAVAILABLE while the keys cannot be had.</exception>
    public static async Task<IdTokenClaims> ProveAsync(ExchangeIdTokenRequest request, ProviderRow provider, ProviderKeys keys,
        DateTimeOffset now, CancellationToken cancel)
    {
        var token = Read(request.IdToken);
        if (!Algorithms.Contains(token.Alg))
            throw Refused("ID_TOKEN_ALGORITHM", $"It is signed by '{Clean(token.Alg)}', and {string.Join(", ", Algorithms)} are believed. "
                + "Have the provider sign ID tokens with a key pair");
        var candidates = await keys.FindAsync(provider.Issuer, token.Kid ?? "", cancel);
        if (candidates.Count == 0)
            throw Refused("ID_TOKEN_KEY_UNKNOWN", $"It is signed with a key, '{Clean(token.Kid ?? "")}', that {provider.Issuer} does not have");
        await CheckSignatureAsync(token, candidates);
        var claims = Claims(token);
        CheckWhose(claims, provider);
        CheckWhen(claims, now);
        if (claims.Text("nonce") != request.Nonce)
            throw Refused("ID_TOKEN_NONCE", "It belongs to another sign-in than the one whose nonce is shown");
        return claims;
    }

    static JsonWebToken Read(string text)
    {
        try
        {
            var token = new JsonWebToken(text);
            // Providers sign other things with the same keys, and say so: access tokens, logout tokens.
            var isOther = token.Typ is { Length: > 0 } kind && !kind.Equals("JWT", StringComparison.OrdinalIgnoreCase);
            // What must be understood, and is not (RFC 7515, 4.1.11).
            if (!token.IsEncrypted && !isOther && !token.TryGetHeaderValue<object>("crit", out _)) return token;
        }
        catch (Exception e) when (e is ArgumentException or SecurityTokenException or JsonException or FormatException)
        {
            // The library says it in several ways.
        }
        throw Refused("ID_TOKEN_MALFORMED", "It is no signed JSON Web Token (RFC 7519), or another kind of token");
    }

    static async Task CheckSignatureAsync(JsonWebToken token, IReadOnlyList<JsonWebKey> keys)
    {
        var result = await Handler.ValidateTokenAsync(token, new TokenValidationParameters
        {
            ValidAlgorithms = Algorithms,
            IssuerSigningKeys = keys,
            TryAllIssuerSigningKeys = true,
            RequireSignedTokens = true,
            // Looked at below, in our words and by our clock.
            ValidateIssuer = false,
            ValidateAudience = false,
            ValidateLifetime = false,
        });
        if (!result.IsValid) throw Refused("ID_TOKEN_SIGNATURE", "Its signature is not the provider's");
    }

    static IdTokenClaims Claims(JsonWebToken token)
    {
        try
        {
            var payload = JsonDocument.Parse(Base64UrlEncoder.DecodeBytes(token.EncodedPayload));
            // An ECDSA signature can be written in two ways: what is signed is what is one token.
            var digest = SHA256.HashData(Encoding.ASCII.GetBytes($"{token.EncodedHeader}.{token.EncodedPayload}"));
            if (payload.RootElement.ValueKind == JsonValueKind.Object) return new(payload.RootElement, digest);
        }
        catch (JsonException)
        {
        }
        throw Refused("ID_TOKEN_MALFORMED", "What it says is no JSON object");
    }

    static void CheckWhose(IdTokenClaims claims, ProviderRow provider)
    {
        if (claims.Text("iss") != provider.Issuer)
            throw Refused("ID_TOKEN_ISSUER", $"It is of '{Clean(claims.Text("iss"))}', and {provider.Name} is {provider.Issuer}");
        var (audiences, allowed) = (claims.All("aud"), provider.AllowedAudiences);
        var party = claims.Text("azp");
        // Made out to several, it says which of them it was given to.
        if (!audiences.Any(allowed.Contains) || (party.Length > 0 ? !allowed.Contains(party) : audiences.Count > 1))
            throw Refused("ID_TOKEN_AUDIENCE", $"It is made out to '{Clean(string.Join(' ', audiences))}', and {provider.Name} takes those for "
                + $"{string.Join(", ", allowed)}. An administrator can add to the provider's audiences");
        if (claims.Subject.Length is 0 or > 255 || claims.Subject.Any(c => c is < ' ' or > '~'))
            throw Refused("ID_TOKEN_MALFORMED", "It names no subject of 1 to 255 ASCII characters");
    }

    static void CheckWhen(IdTokenClaims claims, DateTimeOffset now)
    {
        if (claims.Time("exp") is not { } until || claims.Time("iat") is not { } since)
            throw Refused("ID_TOKEN_MALFORMED", "It does not say when it was made and until when it is good");
        if (until + Skew <= now) throw Refused("ID_TOKEN_EXPIRED", "It has expired. Sign in again: monolith login");
        if (since - Skew > now || claims.Time("nbf") is { } from && from - Skew > now)
            throw Refused("ID_TOKEN_NOT_YET_VALID", "It is of the future. See that the clocks of the host and of the provider are right");
    }

    static Fault Refused(string reason, string message) => Fault.Unauthenticated(reason, $"The ID token is not believed. {message}.");

    static string Clean(string text) => new([.. text.Where(c => !char.IsControl(c)).Take(100)]);
}

/// <summary>The claims of an ID token that is proved. Immutable.</summary>
/// <param name="Digest">SHA-256 of what is signed.</param>
internal sealed record IdTokenClaims(JsonElement Payload, byte[] Digest)
{
    public string Subject => Text("sub");

    /// <summary>When it proves nothing any more. UTC.</summary>
    public DateTime End => (Time("exp")!.Value + IdTokens.Skew).UtcDateTime;

    /// <summary>A claim that is a text, or empty.</summary>
    public string Text(string claim) => Payload.TryGetProperty(claim, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";

    /// <summary>The texts of a claim that is one or a list of them; numbers and truths as they are written.</summary>
    public IReadOnlyList<string> All(string claim) => !Payload.TryGetProperty(claim, out var value) ? []
        : value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray().Select(Word).OfType<string>()]
        : Word(value) is { } word ? [word] : [];

    /// <summary>A time in whole seconds of Unix; null when there is none.</summary>
    public DateTimeOffset? Time(string claim) => Payload.TryGetProperty(claim, out var value) && value.ValueKind == JsonValueKind.Number
        && value.TryGetDouble(out var seconds) && seconds is > 0 and < 253_402_300_000 ? DateTimeOffset.FromUnixTimeSeconds((long)seconds) : null;

    static string? Word(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString(),
        JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False => value.GetRawText(),
        _ => null,
    };
}
