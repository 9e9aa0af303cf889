using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Monolith.Identity.Tokens;
using Monolith.Identity.Users;
using Monolith.Identity.V1;
using Monolith.Modules.Tests.Calls;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using TokenService = Monolith.Identity.Tokens.TokenService;
using UserService = Monolith.Identity.Users.UserService;

namespace Monolith.Modules.Tests.Identity;

public class TokenTests
{
    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task TheAdministratorsToken_IsMadeOnce_AndAgainWhenTheFileIsMissing(string provider)
    {
        await using var identity = await IdentityFixture.StartAsync(provider);
        var first = File.ReadAllText(identity.TokenPath);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(identity.TokenPath));
        await identity.RestartAsync();
        Assert.Equal(first, File.ReadAllText(identity.TokenPath));
        File.Delete(identity.TokenPath);
        await identity.RestartAsync();
        Assert.NotEqual(first, File.ReadAllText(identity.TokenPath));
        Assert.Equal("users/admin", identity.Admin.Name);
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task AToken_IsRefused_WhenRevokedExpiredOrItsUserIsDisabled(string provider)
    {
        await using var identity = await IdentityFixture.StartAsync(provider);
        var admin = identity.As(identity.Admin);
        var users = identity.Make<UserService>();
        var tokens = identity.Make<TokenService>();
        await users.CreateUser(new CreateUserRequest { UserId = "bob" }, admin);
        var lasting = await tokens.CreateToken(new CreateTokenRequest { Parent = "users/bob" }, admin);
        var brief = await tokens.CreateToken(new CreateTokenRequest
        {
            Parent = "users/bob",
            Token = new Token { ExpireTime = (identity.Time.GetUtcNow() + TimeSpan.FromMinutes(1)).ToTimestamp() },
        }, admin);
        Assert.Equal("users/bob", identity.Authentication.Authenticate(brief.Secret)!.Name);

        identity.Time.Advance(TimeSpan.FromMinutes(1));
        Assert.Null(identity.Authentication.Authenticate(brief.Secret, out var refusal));
        Assert.Equal("TOKEN_EXPIRED", refusal);

        Task<User> Disable(bool to) => users.UpdateUser(new UpdateUserRequest
        {
            User = new User { Name = "users/bob", Disabled = to },
            UpdateMask = FieldMask.FromString("disabled"),
        }, admin);
        await Disable(true);
        Assert.Null(identity.Authentication.Authenticate(lasting.Secret, out refusal));
        Assert.Equal("USER_DISABLED", refusal);
        await Disable(false);
        Assert.NotNull(identity.Authentication.Authenticate(lasting.Secret));

        await tokens.RevokeToken(new RevokeTokenRequest { Name = lasting.Token.Name }, admin);
        Assert.Null(identity.Authentication.Authenticate(lasting.Secret, out refusal));
        Assert.Equal("TOKEN_UNKNOWN", refusal);
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task ARepeatedCreate_AnswersTheSameToken_WithoutItsSecret(string provider)
    {
        await using var identity = await IdentityFixture.StartAsync(provider);
        var tokens = identity.Make<TokenService>();
        var request = new CreateTokenRequest { Parent = "users/admin", RequestId = Guid.NewGuid().ToString() };
        var first = await tokens.CreateToken(request, identity.As(identity.Admin));
        var again = await tokens.CreateToken(request, identity.As(identity.Admin));
        Assert.Equal(47, first.Secret.Length);
        Assert.Equal(first.Token, again.Token);
        Assert.Equal("", again.Secret);
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task AnothersTokens_NeedThePermission(string provider)
    {
        await using var identity = await IdentityFixture.StartAsync(provider);
        var fault = await Assert.ThrowsAsync<Fault>(() => identity.Make<TokenService>().CreateToken(
            new CreateTokenRequest { Parent = "users/admin" }, identity.As(new Caller("users/bob", []))));
        Assert.Equal(StatusCode.PermissionDenied, fault.Code);
        Assert.Equal("identity.tokens.manage", fault.Metadata["permission"]);
    }
}
