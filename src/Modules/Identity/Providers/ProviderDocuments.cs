using System.Net.Http.Headers;
using System.Text.Json;
using Microsoft.IdentityModel.Tokens;

namespace Monolith.Identity.Providers;

/// <summary>Why a provider's keys cannot be had.</summary>
/// <param name="reason">UPPER_SNAKE_CASE.</param>
/// <param name="message">Goes on behind the issuer's name; for whoever signs in.</param>
internal sealed class ProviderProblem(string reason, string message, Exception? cause = null) : Exception(message, cause)
{
    public string Reason { get; } = reason;
}

/// <summary>
/// Asks a provider for its keys: what its issuer's discovery document says (OpenID Connect Discovery 1.0), by https, within a
/// time and a size, and following nobody elsewhere.
/// </summary>
internal sealed class ProviderDocuments(TimeProvider time) : IDisposable
{
    const int MostBytes = 512 * 1024;
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    readonly HttpClient client = new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        ConnectTimeout = TimeSpan.FromSeconds(5),
        MaxResponseHeadersLength = 64,
        PooledConnectionLifetime = TimeSpan.FromMinutes(1),
    })
    { MaxResponseContentBufferSize = MostBytes, Timeout = Timeout.InfiniteTimeSpan };

    /// <summary>What the provider signs with, none of it secret.</summary>
    /// <exception cref="ProviderProblem">They cannot be had.</exception>
    public async Task<IReadOnlyList<JsonWebKey>> KeysAsync(string issuer)
    {
        using var patience = new CancellationTokenSource(Patience, time);
        var of = ProviderRules.IssuerOf(issuer) ?? throw Unusable("is no address that may be asked");
        using var discovery = Parse(await GetAsync(new Uri(issuer.TrimEnd('/') + "/.well-known/openid-configuration"), patience.Token));
        if (Text(discovery, "issuer") is var named && named != issuer)
            throw Unusable($"calls itself '{Clean(named)}': the issuer must be written as the provider writes it");
        if (!Uri.TryCreate(Text(discovery, "jwks_uri"), UriKind.Absolute, out var keys) || !IsAllowed(keys, of))
            throw Unusable("names no https address of its keys (jwks_uri)");
        try
        {
            var set = new JsonWebKeySet(await GetAsync(keys, patience.Token));
            return [.. set.Keys.Where(k => k.Kty is JsonWebAlgorithmsKeyTypes.RSA or JsonWebAlgorithmsKeyTypes.EllipticCurve && k.Use != "enc")];
        }
        catch (Exception e) when (e is ArgumentException or JsonException)
        {
            throw Unusable("has no set of keys (RFC 7517) where it says", e);
        }
    }

    public void Dispose() => client.Dispose();

    static bool IsAllowed(Uri address, Uri issuer) => address.UserInfo.Length == 0
        && (address.Scheme == Uri.UriSchemeHttps || address.Scheme == Uri.UriSchemeHttp && address.IsLoopback && issuer.Scheme == Uri.UriSchemeHttp);

    async Task<string> GetAsync(Uri address, CancellationToken patience)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, address);
            request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
            using var response = await client.SendAsync(request, HttpCompletionOption.ResponseContentRead, patience);
            return (int)response.StatusCode switch
            {
                200 => await response.Content.ReadAsStringAsync(patience),
                >= 300 and < 400 => throw Unusable($"leads from {address} elsewhere, which is not followed"),
                >= 500 => throw Unreachable($"answers {(int)response.StatusCode} at {address}"),
                var code => throw Unusable($"answers {code} at {address}"),
            };
        }
        catch (OperationCanceledException)
        {
            throw Unreachable($"does not answer at {address} within {Patience.TotalSeconds} seconds");
        }
        catch (HttpRequestException e) when (e.HttpRequestError == HttpRequestError.ConfigurationLimitExceeded)
        {
            throw Unusable($"answers more at {address} than {MostBytes / 1024} KiB", e);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or InvalidOperationException)
        {
            throw Unreachable($"cannot be reached at {address}", e);
        }
    }

    static JsonDocument Parse(string text)
    {
        try
        {
            return JsonDocument.Parse(text);
        }
        catch (JsonException e)
        {
            throw Unusable("has no discovery document: what it answers is no JSON", e);
        }
    }

    static string Text(JsonDocument document, string field) => document.RootElement.ValueKind == JsonValueKind.Object
        && document.RootElement.TryGetProperty(field, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";

    static string Clean(string text) => new([.. text.Where(c => !char.IsControl(c)).Take(100)]);

    static ProviderProblem Unusable(string message, Exception? cause = null) => new("PROVIDER_UNUSABLE", message, cause);

    static ProviderProblem Unreachable(string message, Exception? cause = null) => new("PROVIDER_UNREACHABLE", message, cause);
}
