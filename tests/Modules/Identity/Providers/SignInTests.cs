using System.Text.Json.Nodes;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Monolith.Identity;
using Monolith.Identity.Providers;
using Monolith.Identity.V1;
using Monolith.Modules.Tests.Calls;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Storage;
using TokenService = Monolith.Identity.Tokens.TokenService;

namespace Monolith.Modules.Tests.Identity.Providers;

/// <summary>Who somebody is here whom a provider vouches for.</summary>
public class SignInTests
{
    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task AFirstSignIn_MakesAUserWithoutRights_AndATokenThatEnds(string database)
    {
        await using var cloud = await SignInFixture.StartAsync(database);
        var made = await cloud.SignInAsync();
        var user = await cloud.Users.GetUser(new() { Name = "users/jane" }, cloud.Admin);
        Assert.Equal(("jane@example.com", "identityProviders/corp", "248289761001"), (user.Email, user.IdentityProvider, user.Subject));
        Assert.Equal("identityProviders/corp", made.Token.IdentityProvider);
        var caller = cloud.Identity.Authentication.Authenticate(made.Secret)!;
        Assert.Equal(("users/jane", 0, made.Token.Name), (caller.Name, caller.Grants.Count, caller.Credential));

        cloud.Identity.Time.Advance(TimeSpan.FromHours(12));
        Assert.Null(cloud.Identity.Authentication.Authenticate(made.Secret, out var refusal));
        Assert.Equal("TOKEN_EXPIRED", refusal);
        // The next takes the place of one that expired a week ago; until then a refusal can say that it has.
        cloud.Identity.Time.Advance(TimeSpan.FromDays(8));
        var next = await cloud.SignInAsync();
        Assert.Equal([next.Token], (await cloud.Identity.Make<TokenService>().ListTokens(new() { Parent = "users/jane" }, cloud.Admin)).Tokens);
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task ASubject_KeepsItsUser_AndNobodyElseGetsIt(string database)
    {
        await using var cloud = await SignInFixture.StartAsync(database);
        await cloud.SignInAsync();
        // Married, and called otherwise.
        Assert.StartsWith("users/jane/", (await cloud.SignInAsync(c => c["preferred_username"] = "doe")).Token.Name, StringComparison.Ordinal);
        // Another who takes the name that became free there.
        Assert.Equal((StatusCode.FailedPrecondition, "USER_NOT_LINKED"), await cloud.RefusedAsync(cloud.Token(c => c["sub"] = "2")));
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task AUserWhoWasThere_IsNobodysUntilAnAdministratorLinksIt(string database)
    {
        await using var cloud = await SignInFixture.StartAsync(database);
        var token = cloud.Token(c => c["preferred_username"] = "admin");
        var fault = await Assert.ThrowsAsync<Fault>(() => cloud.ExchangeAsync(token));
        Assert.Equal("USER_NOT_LINKED", fault.Reason);
        Assert.Contains("monolith user update admin --identity-provider corp --subject '248289761001'", fault.Message, StringComparison.Ordinal);

        var link = new UpdateUserRequest
        {
            User = new() { Name = "users/admin", IdentityProvider = "identityProviders/corp", Subject = "248289761001" },
        };
        // Who can link could be everybody.
        var manager = new Caller("users/manager", [new("", "roles/own", new PermissionSet(["identity.users.update"], []))]);
        var denied = await Assert.ThrowsAsync<Fault>(() => cloud.Users.UpdateUser(link, cloud.Identity.As(manager)));
        Assert.Equal("identity.tokens.manage", denied.Metadata["permission"]);
        await cloud.Users.UpdateUser(link, cloud.Admin);
        // What was refused was not used.
        Assert.StartsWith("users/admin/", (await cloud.ExchangeAsync(token)).Token.Name, StringComparison.Ordinal);

        var second = await Assert.ThrowsAsync<Fault>(() => cloud.Users.CreateUser(new()
        {
            UserId = "second",
            User = new() { IdentityProvider = "identityProviders/corp", Subject = "248289761001" },
        }, cloud.Admin));
        Assert.Equal((StatusCode.AlreadyExists, "SUBJECT_IS_LINKED"), (second.Code, second.Reason));
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task WhoIsUnlinked_IsSignedOut(string database)
    {
        await using var cloud = await SignInFixture.StartAsync(database);
        var made = await cloud.SignInAsync();
        // However they arranged to stay.
        var lasting = await cloud.Identity.Make<TokenService>().CreateToken(new() { Parent = "users/jane" },
            cloud.Identity.As(cloud.Identity.Authentication.Authenticate(made.Secret)!));
        await cloud.Users.SetPassword(new() { Name = "users/jane", Password = "let me in later" },
            cloud.Identity.As(cloud.Identity.Authentication.Authenticate(lasting.Secret)!));
        await cloud.Users.UpdateUser(new()
        {
            User = new() { Name = "users/jane" },
            UpdateMask = FieldMask.FromString("identity_provider,subject"),
        }, cloud.Admin);
        Assert.Null(cloud.Identity.Authentication.Authenticate(made.Secret));
        Assert.Null(cloud.Identity.Authentication.Authenticate(lasting.Secret));
        Assert.False((await cloud.Users.GetUser(new() { Name = "users/jane" }, cloud.Admin)).HasPassword);
        Assert.Equal("USER_NOT_LINKED", (await cloud.RefusedAsync(cloud.Token())).Reason);
    }

    /// <summary>Of the groups that it speaks of; in others somebody is for reasons of this cloud's own.</summary>
    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task WhatTheProviderSaysOfGroups_HoldsFromTheSignInOn_AsLongAsItSpeaksOfThem(string database)
    {
        await using var cloud = await SignInFixture.StartAsync(database, p =>
        {
            p.GroupsClaim = "groups";
            p.Groups.Add(new Dictionary<string, string> { ["/eng"] = "groups/eng", ["/ops"] = "groups/ops", ["/none"] = "groups/none" });
        });
        var groups = cloud.Identity.Make<Monolith.Identity.Groups.GroupService>();
        foreach (var group in new[] { "eng", "ops", "club" }) await groups.CreateGroup(new() { GroupId = group }, cloud.Admin);
        async Task<string> InAsync() => string.Join(' ', (await groups.ListGroups(new(), cloud.Admin)).Groups
            .Where(g => g.Members.Contains("users/jane")).Select(g => g.Name[7..]).Order(StringComparer.Ordinal));
        Task SignInAsync(params string[] of) => cloud.SignInAsync(c => c["groups"] = new System.Text.Json.Nodes.JsonArray([.. of.Select(g => (System.Text.Json.Nodes.JsonNode)g)]));
        await SignInAsync("/eng", "/none", "/hr");
        await groups.AddGroupMembers(new() { Name = "groups/club", Members = { "users/jane" } }, cloud.Admin);
        Assert.Equal("club eng", await InAsync());
        await SignInAsync("/ops", "/eng");
        Assert.Equal("club eng ops", await InAsync());
        await SignInAsync("/ops");
        Assert.Equal("club ops", await InAsync());
        await SignInAsync("/eng", "/ops");
        await cloud.ChangeAsync(new() { Name = "identityProviders/corp", Groups = { ["/eng"] = "groups/eng" } }, "groups");
        Assert.Equal("club eng", await InAsync());
        await cloud.Service.DeleteIdentityProvider(new() { Name = "identityProviders/corp" }, cloud.Admin);
        Assert.Equal("club", await InAsync());
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task AProviderThatGoes_TakesItsSignInsWithIt_AndLeavesTheUsers(string database)
    {
        await using var cloud = await SignInFixture.StartAsync(database);
        var made = await cloud.SignInAsync();
        var lasting = await cloud.Identity.Make<TokenService>().CreateToken(new() { Parent = "users/jane" }, cloud.Admin);
        await cloud.Service.DeleteIdentityProvider(new() { Name = "identityProviders/corp" }, cloud.Admin);
        Assert.Null(cloud.Identity.Authentication.Authenticate(made.Secret));
        Assert.NotNull(cloud.Identity.Authentication.Authenticate(lasting.Secret));
        Assert.Equal("", (await cloud.Users.GetUser(new() { Name = "users/jane" }, cloud.Admin)).Subject);
        Assert.Equal(StatusCode.NotFound, (await cloud.RefusedAsync(cloud.Token())).Code);
    }

    [Fact]
    public async Task ADisabledUser_AndADisabledProvider_LetNobodyIn()
    {
        await using var cloud = await SignInFixture.StartAsync("sqlite");
        await cloud.SignInAsync();
        await cloud.Users.UpdateUser(new() { User = new() { Name = "users/jane", Disabled = true } }, cloud.Admin);
        Assert.Equal((StatusCode.Unauthenticated, "USER_DISABLED"), await cloud.RefusedAsync(cloud.Token()));
        await cloud.ChangeAsync(new() { Disabled = true }, "disabled");
        Assert.Equal((StatusCode.FailedPrecondition, "PROVIDER_DISABLED"), await cloud.RefusedAsync(cloud.Token(c => c["sub"] = "2")));
        Assert.Empty((await cloud.Service.ListSignInProviders(new(), cloud.Admin)).Providers);
    }

    [Fact]
    public async Task OnlyKnownUsers_AreLetIn_WhereTheProviderSaysSo()
    {
        await using var cloud = await SignInFixture.StartAsync("sqlite", p => p.KnownUsersOnly = true);
        Assert.Equal((StatusCode.PermissionDenied, "USER_UNKNOWN"), await cloud.RefusedAsync(cloud.Token()));
        await cloud.Users.CreateUser(new()
        {
            UserId = "j",
            User = new() { IdentityProvider = "identityProviders/corp", Subject = "248289761001" },
        }, cloud.Admin);
        Assert.StartsWith("users/j/", (await cloud.SignInAsync()).Token.Name, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("hd=example.com", """{"hd":"example.com"}""", """{"hd":"example.org"}""")]
    [InlineData("groups=cloud-users", """{"groups":["a","cloud-users"]}""", """{"groups":["a","cloud-users2"]}""")]
    [InlineData("groups=cloud-users", """{"groups":"cloud-users"}""", """{"groups":{"cloud-users":true}}""")]
    [InlineData("email_verified=true", """{"email_verified":true}""", """{"email_verified":false}""")]
    [InlineData("tid=a=b", """{"tid":"a=b"}""", "{}")]
    public async Task ARequiredClaim_MustBeThere(string required, string held, string lacking)
    {
        await using var cloud = await SignInFixture.StartAsync("sqlite", p => p.RequiredClaims.Add(required));
        Assert.Equal((StatusCode.PermissionDenied, "CLAIM_REFUSED"), await cloud.RefusedAsync(cloud.Token(With(lacking))));
        await cloud.SignInAsync(With(held));
    }

    [Theory]
    [InlineData("", "", """{}""", "users/jane")]
    [InlineData("", "", """{"preferred_username":"Jane_Doe@example.com"}""", "users/jane-doe")]
    [InlineData("", "", """{"preferred_username":null,"email":"j.doe@example.com"}""", "users/j.doe")]
    [InlineData("upn", "", """{"upn":"doe"}""", "users/doe")]
    [InlineData("email", "{local}.{domain}", "{}", "users/jane.example.com")]
    [InlineData("", "corp-{claim}", "{}", "users/corp-jane")]
    [InlineData("upn", "", "{}", "USER_CLAIM_MISSING")]
    [InlineData("upn", "", """{"upn":7}""", "USER_CLAIM_MISSING")]
    [InlineData("", "", """{"preferred_username":null,"email":null}""", "USER_CLAIM_MISSING")]
    [InlineData("", "", """{"preferred_username":"李"}""", "USER_NAME_ILLEGAL")]
    [InlineData("", "", """{"preferred_username":"../admin"}""", "USER_NAME_ILLEGAL")]
    [InlineData("", "", """{"preferred_username":"@example.com"}""", "USER_NAME_ILLEGAL")]
    [InlineData("", "{claim}", """{"preferred_username":"jane@example.com"}""", "USER_NAME_ILLEGAL")]
    [InlineData("", "{domain}", "{}", "USER_NAME_ILLEGAL")]
    public async Task AUserIsCalled_AsTheSettingsSay(string claim, string template, string claims, string user)
    {
        await using var cloud = await SignInFixture.StartAsync("sqlite", p => (p.UserClaim, p.UserTemplate) = (claim, template));
        if (user.StartsWith("users/", StringComparison.Ordinal))
            Assert.StartsWith(user + "/tokens/", (await cloud.SignInAsync(With(claims))).Token.Name, StringComparison.Ordinal);
        else
            Assert.Equal((StatusCode.FailedPrecondition, user), await cloud.RefusedAsync(cloud.Token(With(claims))));
    }

    [Fact]
    public async Task AnAddressThatIsNotVerified_IsNotTaken()
    {
        await using var cloud = await SignInFixture.StartAsync("sqlite");
        await cloud.SignInAsync(With("""{"email_verified":false}"""));
        Assert.Equal("", (await cloud.Users.GetUser(new() { Name = "users/jane" }, cloud.Admin)).Email);
    }

    [Fact]
    public void GroupsHere_AreThoseThatTheTokenLists_OfThoseThatAreNamed()
    {
        var provider = new ProviderRow { Name = "identityProviders/corp", Issuer = "https://login.example.com" };
        provider.Set(new() { GroupsClaim = "groups", Groups = { ["/eng"] = "groups/engineers", ["/ops"] = "groups/operators" } }, _ => true);
        IReadOnlySet<string> Of(string claims) => SignInRules.GroupsOf(provider, new(System.Text.Json.JsonDocument.Parse(claims).RootElement, []));
        Assert.Equal(["groups/engineers"], Of("""{"groups":["/eng","/hr","/eng"]}"""));
        Assert.Equal(["groups/operators"], Of("""{"groups":"/ops"}"""));
        Assert.Empty(Of("{}"));
        Assert.Empty(Of("""{"groups":[{"/eng":1}, null]}"""));
    }

    /// <summary>Either of two hosts takes it, and one of them only once.</summary>
    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task AToken_ThatComesToTwoHostsAtOnce_IsGoodForOne(string database)
    {
        await using var cloud = await SignInFixture.StartAsync(database);
        await using var second = await cloud.Identity.SecondAsync();
        for (var i = 0; i < 5; i++)
        {
            var token = cloud.Token(c => c["sub"] = $"s{i}");
            var request = new ExchangeIdTokenRequest { Name = "identityProviders/corp", IdToken = token };
            var outcomes = await Task.WhenAll(new[] { cloud.Service, second.Make<ProviderService>() }.Select(async service =>
            {
                try
                {
                    return (await service.ExchangeIdToken(request, cloud.Identity.As(Caller.Anonymous))).Token.Name;
                }
                catch (Fault fault)
                {
                    return fault.Reason;
                }
            }));
            // The first of them is jane, and the others are refused for the name.
            if (i == 0) Assert.Single(outcomes, o => o == "ID_TOKEN_USED");
            Assert.True(outcomes.Count(o => o.StartsWith("users/", StringComparison.Ordinal)) == (i == 0 ? 1 : 0), string.Join(' ', outcomes));
        }
    }

    [Fact]
    public async Task ARepeatedExchange_AnswersTheSameToken_WithoutItsSecret_AndATrialLeavesNothing()
    {
        await using var cloud = await SignInFixture.StartAsync("sqlite");
        var request = new ExchangeIdTokenRequest { Name = "identityProviders/corp", IdToken = cloud.Token(), RequestId = Guid.NewGuid().ToString() };
        var trial = request.Clone();
        (trial.ValidateOnly, trial.RequestId) = (true, "");
        Assert.Equal("", (await cloud.Service.ExchangeIdToken(trial, cloud.Identity.As(Caller.Anonymous))).Secret);
        Assert.Equal(StatusCode.NotFound,
            (await Assert.ThrowsAsync<Fault>(() => cloud.Users.GetUser(new() { Name = "users/jane" }, cloud.Admin))).Code);
        var first = await cloud.Service.ExchangeIdToken(request, cloud.Identity.As(Caller.Anonymous));
        // However long it takes until it is repeated.
        cloud.Identity.Time.Advance(TimeSpan.FromHours(1));
        var again = await cloud.Service.ExchangeIdToken(request, cloud.Identity.As(Caller.Anonymous));
        Assert.Equal((first.Token, ""), (again.Token, again.Secret));
        Assert.NotEqual("", first.Secret);
    }

    [Fact]
    public async Task ASignIn_IsTheUsersDeed_AtTheProvider()
    {
        await using var cloud = await SignInFixture.StartAsync("sqlite");
        await cloud.SignInAsync();
        var origin = new CallOrigin("192.0.2.1", "");
        var call = FakeCall.By(Caller.Anonymous);
        call.SetCall(new Call(Caller.Anonymous, "", "/m", "") { Origin = origin });
        await cloud.ExchangeAsync(cloud.Token(), call: call);
        var told = await cloud.Identity.Get<Store<IdentityDb>>().ReadAsync(db => db.Events.Where(e => e.Method == "/m").ToListAsync());
        var signIn = Assert.Single(told);
        Assert.Equal(("monolith.identity.signIn.created", "identityProviders/corp", "users/jane", "192.0.2.1"),
            (signIn.Type, signIn.Resource, signIn.Actor, signIn.Peer));

        origin = new CallOrigin("192.0.2.1", "");
        call.SetCall(new Call(Caller.Anonymous, "", "/m", "") { Origin = origin });
        await Assert.ThrowsAsync<Fault>(() => cloud.ExchangeAsync(cloud.Token(c => c["sub"] = "2"), call: call));
        Assert.Equal("identityProviders/corp/subjects/2", origin.Proved);
    }

    static Action<JsonObject> With(string claims) => token =>
    {
        foreach (var (name, value) in JsonNode.Parse(claims)!.AsObject())
            if (value is null) token.Remove(name);
            else token[name] = value.DeepClone();
    };
}
