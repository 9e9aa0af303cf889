using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Monolith.Tests.Providers;

/// <summary>
/// A provider of OpenID Connect on loopback, with real keys, that a test makes say anything, right or wrong. It signs by hand,
/// so that what is tried is not tried against itself.
/// </summary>
internal sealed class StandInProvider : IAsyncDisposable
{
    public const string Client = "monolith-cli";

    readonly WebApplication web;
    readonly ConcurrentQueue<(string Path, string Form)> asked = new();

    StandInProvider(WebApplication web) => this.web = web;

    public string Issuer { get; private set; } = "";

    /// <summary>What it shows: ids and keys.</summary>
    public List<(string Id, AsymmetricAlgorithm Key)> Keys { get; } = [("k1", RSA.Create(2048))];

    /// <summary>Answers instead of it, for a path; it may leave what it does not care about by returning false.</summary>
    public Func<HttpContext, Task<bool>>? Instead { get; set; }

    /// <summary>What the device flow comes to, answer by answer: an error's word, or an ID token.</summary>
    public ConcurrentQueue<string> Polls { get; } = new();

    /// <summary>Of the answer to a device that begins.</summary>
    public JsonObject Device { get; set; } = new() { ["interval"] = 5, ["expires_in"] = 600 };

    public IEnumerable<(string Path, string Form)> Asked => asked;

    public int Fetches => asked.Count(a => a.Path == "/keys");

    public static async Task<StandInProvider> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        var provider = new StandInProvider(builder.Build());
        provider.web.Run(provider.AnswerAsync);
        await provider.web.StartAsync();
        provider.Issuer = provider.web.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        return provider;
    }

    /// <summary>A token of the client's that is right in every way, but for what the test changes.</summary>
    public string Token(DateTimeOffset now, Action<JsonObject>? change = null, string algorithm = "RS256", string? id = null,
        Func<byte[], byte[]>? sign = null, Action<JsonObject>? head = null)
    {
        var claims = new JsonObject
        {
            ["iss"] = Issuer,
            ["sub"] = "248289761001",
            ["aud"] = Client,
            ["iat"] = now.ToUnixTimeSeconds(),
            ["exp"] = now.AddMinutes(5).ToUnixTimeSeconds(),
            ["jti"] = Guid.NewGuid().ToString(),
            ["preferred_username"] = "jane",
            ["email"] = "jane@example.com",
        };
        change?.Invoke(claims);
        var header = new JsonObject { ["alg"] = algorithm, ["typ"] = "JWT" };
        if ((id ?? Keys[0].Id) is { Length: > 0 } kid) header["kid"] = kid;
        head?.Invoke(header);
        var signed = $"{Encode(header)}.{Encode(claims)}";
        var signature = (sign ?? (bytes => Sign(Keys[0].Key, bytes)))(Encoding.ASCII.GetBytes(signed));
        return $"{signed}.{Base64Url.EncodeToString(signature)}";
    }

    public static byte[] Sign(AsymmetricAlgorithm key, byte[] bytes) => key switch
    {
        RSA rsa => rsa.SignData(bytes, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1),
        ECDsa ec => ec.SignData(bytes, HashAlgorithmName.SHA256),
        _ => throw new NotSupportedException(key.GetType().Name),
    };

    public async ValueTask DisposeAsync()
    {
        await web.StopAsync(new CancellationToken(canceled: true));
        await web.DisposeAsync();
        foreach (var (_, key) in Keys) key.Dispose();
    }

    static string Encode(JsonObject json) => Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(json));

    async Task AnswerAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body);
        var path = context.Request.Path.Value!;
        asked.Enqueue((path, await reader.ReadToEndAsync()));
        if (Instead is not null && await Instead(context)) return;
        var (status, answer) = path switch
        {
            "/.well-known/openid-configuration" => (200, Discovery()),
            "/keys" => (200, new JsonObject { ["keys"] = new JsonArray([.. Keys.Select(k => (JsonNode)Shown(k.Id, k.Key))]) }),
            "/device" => (200, Begun()),
            "/token" => Polled(),
            _ => (404, new JsonObject()),
        };
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(answer.ToJsonString());
    }

    public JsonObject Discovery() => new()
    {
        ["issuer"] = Issuer,
        ["jwks_uri"] = Issuer + "/keys",
        ["token_endpoint"] = Issuer + "/token",
        ["device_authorization_endpoint"] = Issuer + "/device",
    };

    JsonObject Begun()
    {
        var device = (JsonObject)Device.DeepClone();
        device["device_code"] ??= "d-e-v-i-c-e";
        device["user_code"] ??= "WDJB-MJHT";
        device["verification_uri"] ??= Issuer + "/activate";
        return device;
    }

    (int, JsonObject) Polled()
    {
        if (!Polls.TryDequeue(out var next)) next = "authorization_pending";
        return next.Contains('.', StringComparison.Ordinal)
            ? (200, new() { ["access_token"] = "unused", ["token_type"] = "Bearer", ["id_token"] = next })
            : (400, new() { ["error"] = next });
    }

    public static JsonObject Shown(string id, AsymmetricAlgorithm key) => key switch
    {
        RSA rsa when rsa.ExportParameters(false) is var p => new()
        {
            ["kty"] = "RSA", ["use"] = "sig", ["kid"] = id,
            ["n"] = Base64Url.EncodeToString(p.Modulus), ["e"] = Base64Url.EncodeToString(p.Exponent),
        },
        ECDsa ec when ec.ExportParameters(false) is var p => new()
        {
            ["kty"] = "EC", ["use"] = "sig", ["kid"] = id, ["crv"] = "P-256",
            ["x"] = Base64Url.EncodeToString(p.Q.X), ["y"] = Base64Url.EncodeToString(p.Q.Y),
        },
        _ => throw new NotSupportedException(key.GetType().Name),
    };
}
