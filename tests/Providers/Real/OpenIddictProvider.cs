using System.Net;
using System.Net.Http.Json;
using System.Security.Claims;
using System.Text.Json;
using Microsoft.AspNetCore;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OpenIddict.Abstractions;
using OpenIddict.Server.AspNetCore;
using static OpenIddict.Abstractions.OpenIddictConstants;

namespace Monolith.Tests.Providers;

/// <summary>A provider that others wrote, on loopback, with somebody who says yes when the device has asked once in vain.</summary>
internal sealed class OpenIddictProvider : IAsyncDisposable
{
    readonly WebApplication web;
    readonly SqliteConnection connection = new("DataSource=:memory:");
    readonly HttpClient browser = new();
    string userCode = "";
    int polls;

    OpenIddictProvider(TimeProvider time)
    {
        connection.Open();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        builder.Services.AddDbContext<DbContext>(options => options.UseSqlite(connection).UseOpenIddict());
        builder.Services.AddRouting();
        builder.Services.AddOpenIddict()
            .AddCore(core => core.UseEntityFrameworkCore().UseDbContext<DbContext>())
            .AddServer(server =>
            {
                server.SetDeviceAuthorizationEndpointUris("device").SetEndUserVerificationEndpointUris("activate").SetTokenEndpointUris("token");
                server.AllowDeviceAuthorizationFlow().RegisterScopes(Scopes.Profile, Scopes.Email);
                server.AddEphemeralEncryptionKey().AddEphemeralSigningKey();
                server.Configure(options => options.TimeProvider = time);
                server.UseAspNetCore().DisableTransportSecurityRequirement().EnableEndUserVerificationEndpointPassthrough();
            });
        web = builder.Build();
        web.Use(WatchAsync);
        web.UseRouting();
        web.UseAuthentication();
        web.MapPost("activate", (Delegate)SayYesAsync);
    }

    /// <summary>As its tokens have it.</summary>
    public string Issuer { get; private set; } = "";

    public static async Task<OpenIddictProvider> StartAsync(TimeProvider time)
    {
        var provider = new OpenIddictProvider(time);
        await using (var scope = provider.web.Services.CreateAsyncScope())
        {
            await scope.ServiceProvider.GetRequiredService<DbContext>().Database.EnsureCreatedAsync();
            await scope.ServiceProvider.GetRequiredService<IOpenIddictApplicationManager>().CreateAsync(new OpenIddictApplicationDescriptor
            {
                ClientId = StandInProvider.Client,
                ClientType = ClientTypes.Public,
                Permissions =
                {
                    Permissions.Endpoints.DeviceAuthorization, Permissions.Endpoints.Token, Permissions.GrantTypes.DeviceCode,
                    Permissions.Scopes.Profile, Permissions.Scopes.Email,
                },
            });
        }
        await provider.web.StartAsync();
        provider.Issuer = provider.web.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single() + "/";
        return provider;
    }

    /// <summary>What a device gets in the end.</summary>
    public async Task<string> IdTokenAsync()
    {
        var begun = await PostAsync("device", ("client_id", StandInProvider.Client), ("scope", "openid profile email"));
        while (true)
        {
            var answer = await PostAsync("token", ("grant_type", GrantTypes.DeviceCode), ("client_id", StandInProvider.Client),
                ("device_code", begun.GetProperty("device_code").GetString()!));
            if (answer.TryGetProperty("id_token", out var token)) return token.GetString()!;
            if (answer.GetProperty("error").GetString() is not "authorization_pending" and var error) throw new InvalidOperationException(error);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await web.StopAsync(new CancellationToken(canceled: true));
        await web.DisposeAsync();
        await connection.DisposeAsync();
        browser.Dispose();
    }

    async Task<JsonElement> PostAsync(string path, params (string, string)[] form)
    {
        using var content = new FormUrlEncodedContent(form.Select(f => KeyValuePair.Create(f.Item1, f.Item2)));
        using var response = await browser.PostAsync(Issuer + path, content);
        return await response.Content.ReadFromJsonAsync<JsonElement>();
    }

    /// <summary>Reads the code off the device, and enters it in a browser.</summary>
    async Task WatchAsync(HttpContext context, RequestDelegate next)
    {
        if (context.Request.Path == "/token" && ++polls == 2)
        {
            using var content = new FormUrlEncodedContent([KeyValuePair.Create("user_code", userCode)]);
            using var response = await browser.PostAsync(Issuer + "activate", content);
            response.EnsureSuccessStatusCode();
        }
        if (context.Request.Path != "/device")
        {
            await next(context);
            return;
        }
        var (body, kept) = (context.Response.Body, new MemoryStream());
        context.Response.Body = kept;
        await next(context);
        userCode = JsonDocument.Parse(kept.ToArray()).RootElement.GetProperty("user_code").GetString()!;
        await body.WriteAsync(kept.ToArray());
    }

    static async Task<IResult> SayYesAsync(HttpContext context)
    {
        var asked = await context.AuthenticateAsync(OpenIddictServerAspNetCoreDefaults.AuthenticationScheme);
        if (asked.Principal is null) return Results.BadRequest();
        var identity = new ClaimsIdentity("browser", Claims.Name, Claims.Role);
        identity.SetClaim(Claims.Subject, "u-1").SetClaim(Claims.PreferredUsername, "jane").SetClaim(Claims.Email, "jane@example.com");
        identity.SetScopes(asked.Principal.GetScopes());
        identity.SetDestinations(_ => [Destinations.IdentityToken]);
        return Results.SignIn(new ClaimsPrincipal(identity), null, OpenIddictServerAspNetCoreDefaults.AuthenticationScheme);
    }
}
