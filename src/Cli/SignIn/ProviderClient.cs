using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Monolith.Cli.Session;
using Monolith.Cli.Waiting;

namespace Monolith.Cli.SignIn;

/// <summary>Where a provider is asked.</summary>
internal sealed record Endpoints(Uri Device, Uri Token);

/// <summary>What a provider answered. Immutable.</summary>
/// <param name="Error">A word of RFC 6749 or 8628; empty when it is none.</param>
internal sealed record Answer(JsonObject Content, string Error)
{
    public string Text(string field) => Content[field] is JsonValue value && value.TryGetValue<string>(out var text) ? text : "";

    public TimeSpan? Seconds(string field) => Content[field] is JsonValue value
        && (value.TryGetValue<double>(out var seconds) || value.TryGetValue<string>(out var text)
            && double.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out seconds))
        && seconds is >= 0 and < 1_000_000 ? TimeSpan.FromSeconds(seconds) : null;

    /// <summary>For people.</summary>
    public string Reason => ProviderClient.Shown(Text("error_description") is { Length: > 0 } words ? $"{Error}, {words.TrimEnd('.')}" : Error);
}

/// <summary>Speaks with a provider of OpenID Connect: over TLS, unless it is on this machine, and following nobody elsewhere.</summary>
internal sealed class ProviderClient : IDisposable
{
    /// <summary>The provider said nothing: it may the next time.</summary>
    public const string NoAnswer = "no answer";
    const int MostBytes = 256 * 1024;

    readonly HttpClient http = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, ConnectTimeout = TimeSpan.FromSeconds(5) })
    {
        MaxResponseContentBufferSize = MostBytes, Timeout = TimeSpan.FromSeconds(30),
    };

    /// <exception cref="WaitException">It cannot be had, or offers no device flow.</exception>
    public async Task<Endpoints> DiscoverAsync(string issuer, CancellationToken cancel)
    {
        if (!Uri.TryCreate(issuer, UriKind.Absolute, out var at) || !IsAllowed(at, at))
            throw new WaitException($"{Shown(issuer)} is no address that is to be asked: it must be https.", ExitCode.Failed);
        using var request = new HttpRequestMessage(HttpMethod.Get, issuer.TrimEnd('/') + "/.well-known/openid-configuration");
        var found = await SendAsync(request, cancel);
        if (found.Error.Length > 0)
            throw new WaitException($"{issuer} cannot be asked how to sign in: {found.Reason}.", ExitCode.TryLater);
        if (found.Text("issuer") != issuer)
            throw new WaitException($"{issuer} calls itself {Shown(found.Text("issuer"))}. Tell an administrator of the cloud.", ExitCode.Failed);
        Uri Endpoint(string field) => Uri.TryCreate(found.Text(field), UriKind.Absolute, out var endpoint) && IsAllowed(endpoint, at)
            ? endpoint
            : throw new WaitException($"{issuer} offers no sign-in on a device ({field} is not in its discovery document).", ExitCode.Failed);
        return new(Endpoint("device_authorization_endpoint"), Endpoint("token_endpoint"));
    }

    /// <summary>Posts a form. An error is an answer.</summary>
    public async Task<Answer> PostAsync(Uri address, IEnumerable<KeyValuePair<string, string>> form, CancellationToken cancel)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, address) { Content = new FormUrlEncodedContent(form) };
        return await SendAsync(request, cancel);
    }

    public void Dispose() => http.Dispose();

    /// <summary>Text of others, for a terminal.</summary>
    public static string Shown(string text) => new([.. text.Where(c => !char.IsControl(c)).Take(500)]);

    static bool IsAllowed(Uri address, Uri issuer) => address.Scheme == Uri.UriSchemeHttps
        || address.Scheme == Uri.UriSchemeHttp && address.IsLoopback && issuer.Scheme == Uri.UriSchemeHttp;

    async Task<Answer> SendAsync(HttpRequestMessage request, CancellationToken cancel)
    {
        request.Headers.Accept.Add(new("application/json"));
        try
        {
            using var response = await http.SendAsync(request, cancel);
            var content = Parse(await response.Content.ReadAsStringAsync(cancel));
            if (response.IsSuccessStatusCode && content is not null) return new(content, "");
            if (content is not null && new Answer(content, "").Text("error") is { Length: > 0 } error) return new(content, error);
            return new([], (int)response.StatusCode >= 500 ? NoAnswer : $"its answer is {(int)response.StatusCode}, and nothing that is understood");
        }
        catch (Exception error) when (error is HttpRequestException or IOException or InvalidOperationException
            || error is OperationCanceledException && !cancel.IsCancellationRequested)
        {
            return new([], NoAnswer);
        }
    }

    static JsonObject? Parse(string text)
    {
        try
        {
            return JsonNode.Parse(text) as JsonObject;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
