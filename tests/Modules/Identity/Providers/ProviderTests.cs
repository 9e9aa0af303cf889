using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Monolith.Identity.Providers;
using Monolith.Identity.V1;
using Monolith.Modules.Tests.Calls;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;

namespace Monolith.Modules.Tests.Identity.Providers;

public class ProviderTests
{
    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task AProvider_IsMadeChangedListedAndDeleted(string database)
    {
        await using var identity = await IdentityFixture.StartAsync(database);
        var (service, admin) = (identity.Make<ProviderService>(), identity.As(identity.Admin));
        var made = await service.CreateIdentityProvider(new()
        {
            IdentityProviderId = "corp",
            IdentityProvider = new()
            {
                Issuer = "https://login.example.com/realms/corp", ClientId = "cloud", DisplayName = "Corp", RequiredClaims = { "hd=example.com" },
                GroupsClaim = "groups", Groups = { ["/Engineers of Corp"] = "groups/engineers" },
            },
        }, admin);
        Assert.Equal(["openid", "profile", "email"], made.Scopes);
        Assert.Equal(TimeSpan.FromHours(12), made.SessionTime.ToTimeSpan());
        var changed = await service.UpdateIdentityProvider(new()
        {
            IdentityProvider = new() { Name = made.Name, Etag = made.Etag, Scopes = { "openid", "groups" }, SessionTime = Duration.FromTimeSpan(TimeSpan.FromHours(1)) },
        }, admin);
        Assert.Equal(["openid", "groups"], changed.Scopes);
        Assert.Equal("groups/engineers", changed.Groups["/Engineers of Corp"]);
        Assert.Equal(changed, await service.GetIdentityProvider(new() { Name = made.Name }, admin));
        Assert.Equal([changed], (await service.ListIdentityProviders(new() { Filter = "issuer = \"https://login.example.com/realms/corp\"" }, admin)).IdentityProviders);
        // Anybody may know this much.
        Assert.Equal(
            [new SignInProvider { Name = made.Name, DisplayName = "Corp", Issuer = made.Issuer, ClientId = "cloud", Scopes = { "openid", "groups" } }],
            (await service.ListSignInProviders(new(), identity.As(Caller.Anonymous))).Providers);
        await service.DeleteIdentityProvider(new() { Name = made.Name, Etag = changed.Etag }, admin);
        Assert.Empty((await service.ListIdentityProviders(new(), admin)).IdentityProviders);
    }

    [Fact]
    public async Task AllThatIsWrong_IsSaidAtOnce()
    {
        await using var identity = await IdentityFixture.StartAsync("sqlite");
        var fault = await Assert.ThrowsAsync<Fault>(() => identity.Make<ProviderService>().CreateIdentityProvider(new()
        {
            IdentityProviderId = "Corp",
            IdentityProvider = new()
            {
                Issuer = "http://login.example.com", Scopes = { "profile" }, UserTemplate = "{user}", RequiredClaims = { "hd" }, UserClaim = "a b",
                Groups = { ["/eng"] = "engineers" }, SessionTime = Duration.FromTimeSpan(TimeSpan.FromSeconds(59)),
            },
        }, identity.As(identity.Admin)));
        Assert.Equal(
            [
                "identity_provider_id", "identity_provider.issuer", "identity_provider.client_id", "identity_provider.scopes", "identity_provider.user_claim",
                "identity_provider.user_template", "identity_provider.required_claims[0]", "identity_provider.groups[/eng]", "identity_provider.groups_claim",
                "identity_provider.session_time",
            ],
            fault.Fields.Select(f => f.Field));
    }

    [Theory]
    [InlineData("https://login.example.com", true)]
    [InlineData("https://login.example.com:8443/a/b/", true)]
    [InlineData("http://127.0.0.1:5000", true)]
    [InlineData("http://localhost/realms/x", true)]
    [InlineData("http://[::1]:80", true)]
    [InlineData("http://10.0.0.1", false)]
    [InlineData("https://user:secret@login.example.com", false)]
    [InlineData("https://login.example.com?x=1", false)]
    [InlineData("https://login.example.com#x", false)]
    [InlineData("https://login.example.com /", false)]
    [InlineData("file:///etc/passwd", false)]
    [InlineData("login.example.com", false)]
    [InlineData("", false)]
    public void AnIssuer_IsAnHttpsAddress(string text, bool isOne) => Assert.Equal(isOne, ProviderRules.IssuerOf(text) is not null);

    /// <summary>Who says whom a provider vouches for can be anybody.</summary>
    [Fact]
    public async Task WhoMayNotHandleTokens_ChangesNoProvider()
    {
        await using var cloud = await SignInFixture.StartAsync("sqlite");
        var some = cloud.Identity.As(new Caller("users/some", [new("", "roles/own", new PermissionSet([], ["identity.identityProviders."]))]));
        foreach (var change in new Func<Task>[]
        {
            () => cloud.Service.CreateIdentityProvider(new()
            {
                IdentityProviderId = "own", IdentityProvider = new() { Issuer = "https://evil.example.com", ClientId = "x" },
            }, some),
            () => cloud.Service.UpdateIdentityProvider(new() { IdentityProvider = new() { Name = "identityProviders/corp", Audiences = { "x" } } }, some),
        })
        {
            var fault = await Assert.ThrowsAsync<Fault>(change);
            Assert.Equal((StatusCode.PermissionDenied, "identity.tokens.manage"), (fault.Code, fault.Metadata["permission"]));
        }
    }

    /// <summary>Its subjects mean something only under it.</summary>
    [Fact]
    public async Task TheIssuer_StaysAsItIs()
    {
        await using var cloud = await SignInFixture.StartAsync("sqlite");
        var fault = await Assert.ThrowsAsync<Fault>(() => cloud.ChangeAsync(new() { Issuer = "https://login.example.com" }, "issuer"));
        Assert.Equal("update_mask", Assert.Single(fault.Fields).Field);
    }
}
