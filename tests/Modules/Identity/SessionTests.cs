using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Monolith.Identity;
using Monolith.Identity.AccessTokens;
using Monolith.Identity.Contracts;
using Monolith.Identity.Sessions;
using Monolith.Identity.V1;
using Monolith.Modules.Tests.Calls;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Storage;
using NSec.Cryptography;
using SessionService = Monolith.Identity.Sessions.SessionService;
using TokenService = Monolith.Identity.Tokens.TokenService;
using UserService = Monolith.Identity.Users.UserService;

namespace Monolith.Modules.Tests.Identity;

/// <summary>Who knows a password has a session; who has a session has access tokens.</summary>
public sealed class SessionTests
{
    const string Right = "correct horse battery", Other = "another one altogether";

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task ASession_IsForWhoKnowsThePassword_AndEndsWithIt(string provider)
    {
        await using var identity = await IdentityFixture.StartAsync(provider);
        var scene = await Scene.SetAsync(identity);
        var set = await scene.Users.SetPassword(new() { Name = "users/bob", Password = Right }, identity.As(identity.Admin));
        Assert.True(set.HasPassword);
        var made = await scene.SignInAsync(Right);
        Assert.Equal((true, identity.Time.GetUtcNow().AddHours(12)), (made.Token.Session, made.Token.ExpireTime.ToDateTimeOffset()));
        Assert.Equal("users/bob", identity.Authentication.Authenticate(made.Secret)!.Name);
        // Of bytes that a thief of the database has, none is the password or what it could be tried on cheaply.
        var row = await identity.Get<Store<IdentityDb>>().ReadAsync(db => db.Users.SingleAsync(u => u.Name == "users/bob"));
        Assert.Matches(@"^\$argon2id\$v=19\$m=65536,t=3,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$", row.PasswordHash);

        foreach (var (user, password) in new[] { ("bob", Other), ("bob", Right + " "), ("nobody", Right), ("admin", Right) })
            await Expect.FaultAsync(StatusCode.Unauthenticated, "SIGN_IN_REFUSED", () => scene.SignInAsync(password, user));

        // Who has the session alone changes nothing.
        var bob = identity.Authentication.Authenticate(made.Secret)!;
        var change = new SetPasswordRequest { Name = "users/bob", Password = Other };
        await Expect.FaultAsync(StatusCode.Unauthenticated, "SIGN_IN_REFUSED", () => scene.Users.SetPassword(change, identity.As(bob)));
        change.CurrentPassword = Right;
        await Expect.FaultAsync(StatusCode.PermissionDenied, "PERMISSION_MISSING", () => scene.Users.SetPassword(change, identity.As(new Caller("users/eve", []))));
        var lasting = await identity.Make<TokenService>().CreateToken(new() { Parent = "users/bob" }, identity.As(bob));
        await scene.Users.SetPassword(change, identity.As(bob));
        Assert.Null(identity.Authentication.Authenticate(made.Secret));
        Assert.NotNull(identity.Authentication.Authenticate(lasting.Secret));
        await Expect.FaultAsync(StatusCode.Unauthenticated, "SIGN_IN_REFUSED", () => scene.SignInAsync(Right));
        await scene.SignInAsync(Other);

        await scene.Users.UpdateUser(new() { User = new() { Name = "users/bob", Disabled = true } }, identity.As(identity.Admin));
        await Expect.FaultAsync(StatusCode.Unauthenticated, "SIGN_IN_REFUSED", () => scene.SignInAsync(Other));
        await scene.Users.SetPassword(new() { Name = "users/bob" }, identity.As(identity.Admin));
        await scene.Users.UpdateUser(new() { User = new() { Name = "users/bob" }, UpdateMask = new() { Paths = { "disabled" } } }, identity.As(identity.Admin));
        await Expect.FaultAsync(StatusCode.Unauthenticated, "SIGN_IN_REFUSED", () => scene.SignInAsync(Other));
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task ARepeat_IsTheSameSession_AndKeepsNothingOfThePassword(string provider)
    {
        await using var identity = await IdentityFixture.StartAsync(provider);
        var scene = await Scene.SetAsync(identity);
        await scene.Users.SetPassword(new() { Name = "users/bob", Password = Right }, identity.As(identity.Admin));
        var request = new CreateSessionRequest { Parent = "users/bob", Password = Right, RequestId = Guid.NewGuid().ToString() };
        var first = await scene.Sessions.CreateSession(request, scene.Anybody());
        var again = await scene.Sessions.CreateSession(request, scene.Anybody());
        Assert.Equal((first.Token, ""), (again.Token, again.Secret));
        request.Password = Other;
        await Expect.FaultAsync(StatusCode.Unauthenticated, "SIGN_IN_REFUSED", () => scene.Sessions.CreateSession(request, scene.Anybody()));
        var tried = await scene.Sessions.CreateSession(new() { Parent = "users/bob", Password = Right, ValidateOnly = true }, scene.Anybody());
        Assert.Equal("", tried.Secret);
        Assert.Single((await identity.Make<TokenService>().ListTokens(new() { Parent = "users/bob" }, identity.As(identity.Admin))).Tokens);
        // Those that are long over are gone with the next.
        identity.Time.Advance(TimeSpan.FromDays(8));
        await scene.SignInAsync(Right);
        Assert.Single((await identity.Make<TokenService>().ListTokens(new() { Parent = "users/bob" }, identity.As(identity.Admin))).Tokens);
    }

    [Fact]
    public async Task WhatIsWrong_IsSaidAtOnce()
    {
        await using var identity = await IdentityFixture.StartAsync("sqlite");
        var scene = await Scene.SetAsync(identity);
        async Task<IEnumerable<string>> Wrong(Func<Task> call) => (await Expect.FaultAsync(StatusCode.InvalidArgument, "INVALID_REQUEST", call)).Fields.Select(f => f.Field);
        Assert.Equal(["parent", "password", "display_name", "ttl"], await Wrong(() => scene.Sessions.CreateSession(
            new() { Parent = "bob", DisplayName = "a\n", Ttl = new() { Seconds = -1 } }, scene.Anybody())));
        foreach (var bad in new[] { "short", "aaaaaaaaaaaaaaaa", new string('x', 257), "the-bobby-of-them" })
            Assert.Equal(["password"], await Wrong(() => scene.Users.SetPassword(new() { Name = bad.Contains("bobby", StringComparison.Ordinal) ? "users/bobby" : "users/bob", Password = bad },
                identity.As(identity.Admin))));
        Assert.Equal(["audience", "ttl"], await Wrong(() => scene.Sessions.IssueAccessToken(
            new() { Audience = new('a', 256), Ttl = new() { Seconds = 3601 } }, identity.As(identity.Admin))));
    }

    /// <summary>RFC 9106 is libsodium's business; that it is asked for what the text says is ours.</summary>
    [Fact]
    public void APassword_IsKeptAsTheTextSays_AndOlderStrengthsAreStillRead()
    {
        var kept = Password.Hash("pässword ☃", 8_192, 2);
        var parts = kept.Split('$');
        Assert.Equal("m=8192,t=2,p=1", parts[3]);
        var salt = Convert.FromBase64String(parts[4] + "==");
        var hash = PasswordBasedKeyDerivationAlgorithm.Argon2id(new() { DegreeOfParallelism = 1, MemorySize = 8_192, NumberOfPasses = 2 })
            .DeriveBytes(Encoding.UTF8.GetBytes("pässword ☃"), salt, 32);
        Assert.Equal(Convert.ToBase64String(hash).TrimEnd('='), parts[5]);
        Assert.True(Password.Verify("pässword ☃", kept));
        Assert.False(Password.Verify("pässword", kept));
        Assert.NotEqual(kept, Password.Hash("pässword ☃", 8_192, 2));
    }

    /// <summary>However somebody mixes users, addresses and waiting: of one user from one address no more are looked at than the table
    /// says, and who knows the password is let in when it is their turn.</summary>
    [Fact]
    public void Guesses_AreSlowedDown_AndNobodyIsLockedOut()
    {
        var seed = Random.Shared.Next();
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(50));
        var guesses = new Guesses(time);
        var looked = 0;
        for (var hour = 0; hour < 24; hour++)
        {
            for (var i = 0; i < 3_600; i++, time.Advance(TimeSpan.FromSeconds(1)))
                if (Try("bob", "198.51.100.1") is null) looked++;
            Assert.InRange(looked, 1, 5 + 10 + (hour + 1) * 4);
        }
        // From elsewhere at the same time.
        var own = Try("bob", "203.0.113.7");
        Assert.True(own is null || own < TimeSpan.FromSeconds(30), $"{own}");
        // Many users from one address.
        looked = Enumerable.Range(0, 1_000).Count(i => Try($"u{i}", "198.51.100.2") is null);
        Assert.Equal(100, looked);
        // A whole botnet at one user.
        looked = Enumerable.Range(0, 10_000).Count(i => Try("ann", $"10.0.{i / 256}.{i % 256}") is null);
        Assert.Equal(100, looked);
        time.Advance(TimeSpan.FromSeconds(31));
        Assert.Null(Try("ann", "203.0.113.8"));
        time.Advance(TimeSpan.FromHours(30));
        for (var i = 0; i < 200; i++) guesses.Begin("ann", "203.0.113.8").Right();
        Assert.Equal(5, Enumerable.Range(0, 100).Count(_ => Try("ann", "203.0.113.8") is null));
        // An office, for a week: somebody slips each minute, and somebody is right; nobody ever waits for a colleague.
        for (var minute = 0; minute < 7 * 24 * 60; minute++, time.Advance(TimeSpan.FromMinutes(1)))
        {
            Assert.Null(Try($"slips{minute}", "198.51.100.3"));
            guesses.Begin("right", "198.51.100.3").Right();
        }
        // What was not looked at is no guess.
        for (var i = 0; i < 200; i++) guesses.Begin("busy", "198.51.100.4").TakeBack();
        Assert.Null(Try("busy", "198.51.100.4"));

        TimeSpan? Try(string user, string address)
        {
            try
            {
                _ = guesses.Begin(user, address);
                return null;
            }
            catch (Fault fault) when (fault is { Code: StatusCode.ResourceExhausted, Reason: "TOO_MANY_GUESSES" })
            {
                return fault.RetryAfter;
            }
        }
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task AnAccessToken_IsGoodWhileItsTokenIs_AndNoLonger(string provider)
    {
        await using var identity = await IdentityFixture.StartAsync(provider);
        var scene = await Scene.SetAsync(identity);
        await scene.Users.SetPassword(new() { Name = "users/bob", Password = Right }, identity.As(identity.Admin));
        var session = await scene.SignInAsync(Right);
        Caller? By(string token) => identity.Authentication.Authenticate(token);
        var issued = await scene.Sessions.IssueAccessToken(new(), identity.As(By(session.Secret)!));
        var caller = By(issued.AccessToken)!;
        Assert.Equal(("users/bob", true), (caller.Name, caller.IsLimited));
        Assert.StartsWith(session.Token.Name + "/accessTokens/", caller.Credential, StringComparison.Ordinal);
        // What is lent makes nothing that lasts.
        await Expect.FaultAsync(StatusCode.PermissionDenied, "CREDENTIAL_IS_LENT", () => identity.Make<TokenService>().CreateToken(new() { Parent = "users/bob" }, identity.As(caller)));
        var admins = By((await scene.Sessions.IssueAccessToken(new(), identity.As(identity.Admin))).AccessToken)!;
        Assert.True(admins.May("identity.tokens.manage", null));
        foreach (var way in new Func<Task>[]
        {
            () => identity.Make<TokenService>().CreateToken(new() { Parent = "users/admin" }, identity.As(admins)),
            () => identity.Make<TokenService>().CreateJoinToken(new() { NodeId = "hv1", Role = NodeRole.Hypervisor }, identity.As(admins)),
            () => scene.Users.SetPassword(new() { Name = "users/bob", Password = Other }, identity.As(admins)),
            () => scene.Users.UpdateUser(new() { User = new() { Name = "users/bob", IdentityProvider = "identityProviders/x", Subject = "s" } }, identity.As(admins)),
        })
            await Expect.FaultAsync(StatusCode.PermissionDenied, "CREDENTIAL_IS_LENT", way);
        // Others cannot know what a token is limited to.
        var some = await identity.Make<TokenService>().CreateToken(new() { Parent = "users/bob", Token = new() { Permissions = { "compute.servers.get" } } },
            identity.As(identity.Admin));
        await scene.Sessions.IssueAccessToken(new(), identity.As(By(some.Secret)!));
        await Expect.FaultAsync(StatusCode.PermissionDenied, "CREDENTIAL_IS_LIMITED",
            () => scene.Sessions.IssueAccessToken(new() { Audience = "https://vault.example" }, identity.As(By(some.Secret)!)));
        await Expect.FaultAsync(StatusCode.FailedPrecondition, "CREDENTIAL_ISSUES_NONE", () => scene.Sessions.IssueAccessToken(new(), identity.As(caller)));
        // What is for another is not for this cloud.
        var others = await scene.Sessions.IssueAccessToken(new() { Audience = "https://vault.example" }, identity.As(By(session.Secret)!));
        Assert.Null(By(others.AccessToken));

        await identity.RestartAsync();
        scene = new Scene(identity);
        Assert.NotNull(By(issued.AccessToken));
        await identity.Make<TokenService>().RevokeToken(new() { Name = session.Token.Name }, identity.As(identity.Admin));
        Assert.Null(identity.Authentication.Authenticate(issued.AccessToken, out var refusal));
        Assert.Equal("TOKEN_UNKNOWN", refusal);

        session = await scene.SignInAsync(Right);
        identity.Time.Advance(TimeSpan.FromHours(11.9));
        issued = await scene.Sessions.IssueAccessToken(new() { Ttl = new() { Seconds = 3600 } }, identity.As(By(session.Secret)!));
        Assert.Equal(session.Token.ExpireTime, issued.ExpireTime);
        identity.Time.Advance(TimeSpan.FromHours(0.2));
        Assert.Null(identity.Authentication.Authenticate(issued.AccessToken, out refusal));
        Assert.Equal("TOKEN_EXPIRED", refusal);
    }

    /// <summary>Without a bus between them: what one host revoked, the other looks for twice a second.</summary>
    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task AnotherHost_BelievesThem_AndHonoursARevocationWithinASecond(string provider)
    {
        await using var identity = await IdentityFixture.StartAsync(provider);
        var scene = await Scene.SetAsync(identity);
        await scene.Users.SetPassword(new() { Name = "users/bob", Password = Right }, identity.As(identity.Admin));
        await using var other = await identity.OtherAsync();
        var elsewhere = other.GetRequiredService<IAuthentication>();
        var session = await scene.SignInAsync(Right);
        var access = (await scene.Sessions.IssueAccessToken(new(), identity.As(identity.Authentication.Authenticate(session.Secret)!))).AccessToken;
        await identity.HoldsWithinASecondAsync(() => elsewhere.Authenticate(session.Secret) is not null && elsewhere.Authenticate(access) is not null);
        await identity.Make<TokenService>().RevokeToken(new() { Name = session.Token.Name }, identity.As(identity.Admin));
        await identity.HoldsWithinASecondAsync(() => elsewhere.Authenticate(session.Secret) is null && elsewhere.Authenticate(access) is null);
    }

    /// <summary>The keys change by themselves, and whoever has the published ones never meets one that they do not know.</summary>
    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task Keys_Change_WithoutAnybodyNoticing(string provider)
    {
        await using var identity = await IdentityFixture.StartAsync(provider);
        var scene = await Scene.SetAsync(identity);
        var published = await PublishedAsync();
        Assert.Equal(2, published.Count);
        var kids = new HashSet<string>();
        for (var day = 0; day < 100; day += 10, identity.Time.Advance(TimeSpan.FromDays(10)))
        {
            var token = (await scene.Sessions.IssueAccessToken(new(), identity.As(identity.Admin))).AccessToken;
            kids.Add(Kid(token));
            // Read 10 days ago.
            Assert.Contains(Kid(token), published);
            published = await PublishedAsync();
            Assert.NotNull(identity.Authentication.Authenticate(token));
            Assert.InRange(published.Count, 2, 3);
        }
        Assert.InRange(kids.Count, 4, 5);
        // A host that only looks on.
        await using var other = await identity.OtherAsync();
        var elsewhere = other.GetRequiredService<IAuthentication>();
        for (var month = 0; month < 4; month++, identity.Time.Advance(TimeSpan.FromDays(30)))
        {
            var token = (await scene.Sessions.IssueAccessToken(new(), identity.As(identity.Admin))).AccessToken;
            Assert.NotNull(elsewhere.Authenticate(token));
            for (var patience = 0; patience < 3_000 && other.GetRequiredService<SigningKeys>().IsBehind; patience++) await Task.Delay(1);
        }
        var before = (await identity.Get<SigningKeys>().AllAsync(default)).Select(k => k.Id).Order();
        await identity.RestartAsync();
        Assert.Equal(before, (await identity.Get<SigningKeys>().AllAsync(default)).Select(k => k.Id).Order());

        async Task<HashSet<string>> PublishedAsync() => [.. (await identity.Get<SigningKeys>().AllAsync(default)).Select(k => k.Id)];
    }

    static string Kid(string token) => (string)Part(token, 0)["kid"]!;

    static JsonNode Part(string token, int part) => JsonNode.Parse(System.Buffers.Text.Base64Url.DecodeFromChars(token.Split('.')[part]))!;

    /// <summary>A token with one thing changed is none.</summary>
    [Fact]
    public async Task AForgery_IsRefused()
    {
        await using var identity = await IdentityFixture.StartAsync("sqlite");
        var scene = await Scene.SetAsync(identity);
        var token = (await scene.Sessions.IssueAccessToken(new(), identity.As(identity.Admin))).AccessToken;
        var key = await identity.Get<SigningKeys>().CurrentAsync(default);
        using var eve = System.Security.Cryptography.ECDsa.Create(System.Security.Cryptography.ECCurve.NamedCurves.nistP256);
        string Encode(byte[] bytes) => System.Buffers.Text.Base64Url.EncodeToString(bytes);
        string Made(Action<JsonNode, JsonNode> change, Func<byte[], byte[]> sign)
        {
            var (header, payload) = (Part(token, 0), Part(token, 1));
            change(header, payload);
            var text = Encode(JsonSerializer.SerializeToUtf8Bytes(header)) + "." + Encode(JsonSerializer.SerializeToUtf8Bytes(payload));
            return text + "." + Encode(sign(Encoding.ASCII.GetBytes(text)));
        }
        byte[] Own(byte[] text) => key.Key.ECDsa.SignData(text, System.Security.Cryptography.HashAlgorithmName.SHA256);
        byte[] Eve(byte[] text) => eve.SignData(text, System.Security.Cryptography.HashAlgorithmName.SHA256);
        byte[] Hmac(byte[] text) => System.Security.Cryptography.HMACSHA256.HashData(key.Key.ECDsa.ExportSubjectPublicKeyInfo(), text);
        Assert.NotNull(identity.Authentication.Authenticate(Made((_, _) => { }, Own)));
        string[] forged =
        [
            Made((_, _) => { }, Eve),
            Made((_, p) => p["sub"] = "users/eve", _ => Convert.FromBase64String("")),
            Made((h, _) => h["alg"] = "none", _ => []),
            Made((h, _) => h["alg"] = "HS256", Hmac),
            Made((h, _) => h["alg"] = "ES384", Own),
            Made((h, _) => h["kid"] = "another", Own),
            Made((h, _) => h.AsObject().Remove("kid"), Own),
            Made((h, _) => h["typ"] = "JWT", Own),
            Made((h, _) => h["jwk"] = JsonNode.Parse("""{"kty":"EC"}"""), Eve),
            Made((_, p) => p["iss"] = "https://elsewhere", Own),
            Made((_, p) => p["aud"] = "https://elsewhere", Own),
            Made((_, p) => p.AsObject().Remove("aud"), Own),
            Made((_, p) => p["exp"] = 1, Own),
            Made((_, p) => p.AsObject().Remove("exp"), Own),
            Made((_, p) => p.AsObject().Remove("client_id"), Own),
            Made((_, p) => p["client_id"] = "users/admin/tokens/none", Own),
            token[..^1], token + "A", token + ".", "eyJ", "eyJ.eyJ.eyJ", "eyJ" + new string('a', 100_000),
            string.Join('.', token.Split('.')[..2]) + ".",
        ];
        foreach (var (one, i) in forged.Select((f, i) => (f, i)))
            Assert.True(identity.Authentication.Authenticate(one) is null, $"forgery {i} was believed: {(one.Length > 400 ? one[..400] : one)}");
    }

    sealed class Scene(IdentityFixture identity)
    {
        public UserService Users { get; } = identity.Make<UserService>();
        public SessionService Sessions { get; } = identity.Make<SessionService>();

        public static async Task<Scene> SetAsync(IdentityFixture identity)
        {
            var scene = new Scene(identity);
            await scene.Users.CreateUser(new() { UserId = "bob" }, identity.As(identity.Admin));
            return scene;
        }

        public FakeCall Anybody() => identity.As(Caller.Anonymous);

        public Task<CreateTokenResponse> SignInAsync(string password, string user = "bob") =>
            Sessions.CreateSession(new() { Parent = "users/" + user, Password = password }, Anybody());
    }
}
