using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Monolith.Identity.AccessTokens;

/// <summary>What others verify access tokens by: RFC 8414, and the keys (RFC 7517).</summary>
internal static class Discovery
{
    const string Keys = "/.well-known/jwks.json";

    // The next key is there a period before it signs.
    const string Caching = "public, max-age=3600";

    sealed record Metadata(string Issuer, string JwksUri, IReadOnlyList<string> ResponseTypesSupported,
        IReadOnlyList<string> SubjectTypesSupported, IReadOnlyList<string> IdTokenSigningAlgValuesSupported);

    sealed record Key(string Kty, string Crv, string X, string Y, string Kid, string Use, string Alg);

    public static void Map(IEndpointRouteBuilder endpoints)
    {
        endpoints.MapGet(Keys, async (HttpContext http, SigningKeys keys, CancellationToken cancel) =>
        {
            http.Response.Headers.CacheControl = Caching;
            return Results.Json(new
            {
                Keys = (await keys.AllAsync(cancel)).Select(k => new Key("EC", k.Public.Crv, k.Public.X, k.Public.Y, k.Id, "sig", "ES256")),
            });
        });
        foreach (var path in new[] { "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration" })
            endpoints.MapGet(path, (HttpContext http, IdentityOptions options) =>
            {
                http.Response.Headers.CacheControl = Caching;
                return Results.Json(new Metadata(options.Issuer, options.Issuer.TrimEnd('/') + Keys, [], ["public"], ["ES256"]), Snake);
            });
    }

    static readonly System.Text.Json.JsonSerializerOptions Snake = new() { PropertyNamingPolicy = System.Text.Json.JsonNamingPolicy.SnakeCaseLower };
}
