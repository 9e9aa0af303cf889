using System.Text.Json.Nodes;
using Grpc.Core;
using Monolith.Identity.Providers;
using Monolith.Identity.V1;
using Monolith.Modules.Tests.Calls;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Tests.Providers;
using UserService = Monolith.Identity.Users.UserService;

namespace Monolith.Modules.Tests.Identity.Providers;

/// <summary>The module, and a provider <c>corp</c> that it believes.</summary>
internal sealed class SignInFixture : IAsyncDisposable
{
    SignInFixture(IdentityFixture identity, StandInProvider provider) => (Identity, Provider) = (identity, provider);

    public IdentityFixture Identity { get; }

    public StandInProvider Provider { get; }

    public ProviderService Service => Identity.Make<ProviderService>();

    public UserService Users => Identity.Make<UserService>();

    public FakeCall Admin => Identity.As(Identity.Admin);

    public static async Task<SignInFixture> StartAsync(string database, Action<IdentityProvider>? change = null)
    {
        var fixture = new SignInFixture(await IdentityFixture.StartAsync(database), await StandInProvider.StartAsync());
        var given = new IdentityProvider { Issuer = fixture.Provider.Issuer, ClientId = StandInProvider.Client };
        change?.Invoke(given);
        await fixture.Service.CreateIdentityProvider(new() { IdentityProviderId = "corp", IdentityProvider = given }, fixture.Admin);
        return fixture;
    }

    public string Token(Action<JsonObject>? change = null) => Provider.Token(Identity.Time.GetUtcNow(), change);

    public Task<ExchangeIdTokenResponse> ExchangeAsync(string token, string nonce = "", FakeCall? call = null) => Service.ExchangeIdToken(
        new() { Name = "identityProviders/corp", IdToken = token, Nonce = nonce }, call ?? Identity.As(Caller.Anonymous));

    public async Task<ExchangeIdTokenResponse> SignInAsync(Action<JsonObject>? change = null) => await ExchangeAsync(Token(change));

    /// <summary>The reason of a refusal, which says what to do.</summary>
    public async Task<(StatusCode Code, string Reason)> RefusedAsync(string token, string nonce = "")
    {
        var fault = await Assert.ThrowsAsync<Fault>(() => ExchangeAsync(token, nonce));
        Assert.True(fault.Message.Length is > 40 and < 700, fault.Message);
        return (fault.Code, fault.Reason);
    }

    public Task<IdentityProvider> ChangeAsync(IdentityProvider to, params string[] fields)
    {
        to.Name = "identityProviders/corp";
        return Service.UpdateIdentityProvider(new() { IdentityProvider = to, UpdateMask = new() { Paths = { fields } } }, Admin);
    }

    public async ValueTask DisposeAsync()
    {
        await Identity.DisposeAsync();
        await Provider.DisposeAsync();
    }
}
