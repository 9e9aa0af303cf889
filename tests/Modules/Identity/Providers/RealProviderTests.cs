using Monolith.Modules.Tests.Calls;
using Monolith.Platform.Calls;
using Monolith.Tests.Providers;

namespace Monolith.Modules.Tests.Identity.Providers;

/// <summary>Against a provider that was not made for this.</summary>
public class RealProviderTests
{
    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task ADeviceOfARealProvider_SignsIn(string database)
    {
        await using var cloud = await SignInFixture.StartAsync(database);
        await using var real = await OpenIddictProvider.StartAsync(cloud.Identity.Time);
        await cloud.Service.CreateIdentityProvider(new()
        {
            IdentityProviderId = "real",
            IdentityProvider = new() { Issuer = real.Issuer, ClientId = StandInProvider.Client },
        }, cloud.Admin);
        var made = await cloud.Service.ExchangeIdToken(
            new() { Name = "identityProviders/real", IdToken = await real.IdTokenAsync() }, cloud.Identity.As(Caller.Anonymous));
        Assert.Equal("users/jane", cloud.Identity.Authentication.Authenticate(made.Secret)!.Name);
    }
}
