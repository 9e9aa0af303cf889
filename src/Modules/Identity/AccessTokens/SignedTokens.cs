using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Monolith.Platform;
using Monolith.Platform.Calls;

namespace Monolith.Identity.AccessTokens;

/// <summary>
/// Access tokens: JWTs after RFC 9068, of a token that is kept. Nothing is kept of them; they are refused when they have expired,
/// and here as soon as the token is revoked that they are of.
/// </summary>
internal sealed class SignedTokens(SigningKeys keys, IdentityOptions options, TimeProvider time)
{
    const string Type = "at+jwt", Begin = "eyJ", Collection = "/accessTokens/";
    const int MostGroups = 100;

    static readonly JsonWebTokenHandler Handler = new() { MapInboundClaims = false, SetDefaultTimesOnTokenCreation = false };

    public static bool IsOne(string token) => token.StartsWith(Begin, StringComparison.Ordinal);

    /// <param name="credential">The name of the token that it is of.</param>
    public async Task<string> IssueAsync(Caller caller, string credential, string audience, IEnumerable<string> groups, DateTimeOffset expires,
        CancellationToken cancel)
    {
        var key = await keys.CurrentAsync(cancel);
        var claims = new Dictionary<string, object>
        {
            ["sub"] = caller.Name,
            ["client_id"] = credential,
            ["jti"] = Chance.NewUid().ToString(),
            ["groups"] = groups.Order(StringComparer.Ordinal).Take(MostGroups).ToArray(),
        };
        return Handler.CreateToken(new SecurityTokenDescriptor
        {
            TokenType = Type,
            Issuer = options.Issuer,
            Audience = audience.Length > 0 ? audience : options.Issuer,
            IssuedAt = time.GetUtcNow().UtcDateTime,
            Expires = expires.UtcDateTime,
            Claims = claims,
            SigningCredentials = new(key.Key, SecurityAlgorithms.EcdsaSha256),
        });
    }

    /// <returns>The name of the token that it is of, and its own below that; null when it is refused.</returns>
    /// <param name="refusal"><c>TOKEN_UNKNOWN</c> or <c>TOKEN_EXPIRED</c>.</param>
    public (string Of, string Name)? Read(string token, out string refusal)
    {
        // Every key is known beforehand, so that nothing is waited for.
        var read = Handler.ValidateTokenAsync(token, new TokenValidationParameters
        {
            ValidTypes = [Type],
            ValidAlgorithms = [SecurityAlgorithms.EcdsaSha256],
            ValidIssuer = options.Issuer,
            ValidAudience = options.Issuer,
            IssuerSigningKeyResolver = (_, _, id, _) => keys.Find(id) is { } key ? [key.Key] : [],
            TryAllIssuerSigningKeys = false,
            LifetimeValidator = (_, expires, _, _) => expires is { } end && end > time.GetUtcNow().UtcDateTime
                ? true : throw new SecurityTokenExpiredException(),
        }).GetAwaiter().GetResult();
        refusal = read.Exception is SecurityTokenExpiredException ? "TOKEN_EXPIRED" : "TOKEN_UNKNOWN";
        if (!read.IsValid || read.SecurityToken is not JsonWebToken jwt
            || !jwt.TryGetPayloadValue<string>("client_id", out var of) || !jwt.TryGetPayloadValue<string>("jti", out var id)) return null;
        return (of, of + Collection + id);
    }
}
