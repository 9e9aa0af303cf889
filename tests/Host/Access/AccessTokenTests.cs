using System.Net;
using Grpc.Core;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Monolith.Host.Tests.Cloud;
using Monolith.Identity.V1;

namespace Monolith.Host.Tests.Access;

/// <summary>Signing in over the wire, and what another service makes of an access token.</summary>
public sealed class AccessTokenTests(RunningHost host)
{
    const string Password = "correct horse battery";

    [Fact]
    public async Task AnotherService_VerifiesATokenByThePublishedKeysAlone()
    {
        using var http = Outside();
        var session = await SignedInAsync("verified");
        await new GroupService.GroupServiceClient(host.Invoker).CreateGroupAsync(
            new() { GroupId = "verified-group", Group = new() { Members = { "users/verified" } } }, host.Headers());
        await BindAsync("roles/reader", "groups/verified-group", "projects/own");
        var issued = await new SessionService.SessionServiceClient(host.Invoker).IssueAccessTokenAsync(
            new() { Audience = "https://vault.example" }, host.Headers(session.Secret));
        var metadata = System.Text.Json.Nodes.JsonNode.Parse(await http.GetStringAsync("/.well-known/oauth-authorization-server"))!;
        Assert.Equal(metadata.ToJsonString(), System.Text.Json.Nodes.JsonNode.Parse(await http.GetStringAsync("/.well-known/openid-configuration"))!.ToJsonString());
        var issuer = (string)metadata["issuer"]!;
        Assert.Equal($"https://localhost:{host.Tls.Port}", issuer);
        Assert.Equal(issuer + "/.well-known/jwks.json", (string)metadata["jwks_uri"]!);
        var keys = new JsonWebKeySet(await http.GetStringAsync("/.well-known/jwks.json"));
        Assert.All(keys.Keys, k => Assert.False(k.HasPrivateKey));
        var parameters = new TokenValidationParameters
        {
            ValidIssuer = issuer,
            ValidAudience = "https://vault.example",
            IssuerSigningKeys = keys.GetSigningKeys(),
            ValidTypes = ["at+jwt"],
        };
        var read = await new JsonWebTokenHandler().ValidateTokenAsync(issued.AccessToken, parameters);
        Assert.True(read.IsValid, read.Exception?.Message);
        Assert.Equal(("users/verified", session.Token.Name), (read.Claims["sub"], read.Claims["client_id"]));
        Assert.Equal("groups/verified-group", Assert.Single(((JsonWebToken)read.SecurityToken).GetPayloadValue<string[]>("groups")));
        parameters.ValidAudience = "https://elsewhere.example";
        Assert.False((await new JsonWebTokenHandler().ValidateTokenAsync(issued.AccessToken, parameters)).IsValid);
    }

    [Fact]
    public async Task Everything_IsCalledWithAnAccessToken_UntilItsSessionIsRevoked()
    {
        var session = await SignedInAsync("revoked", ("roles/reader", "projects/own"));
        var access = (await new SessionService.SessionServiceClient(host.Invoker).IssueAccessTokenAsync(new(), host.Headers(session.Secret))).AccessToken;
        var tokens = new TokenService.TokenServiceClient(host.Invoker);
        var caller = await tokens.GetCallerAsync(new(), host.Headers(access));
        Assert.Equal(("users/revoked", true), (caller.Name, caller.Limited));
        Assert.Equal("projects/own", Assert.Single(caller.Grants).Scope);
        await new Compute.V1.ServerService.ServerServiceClient(host.Invoker).GetServerAsync(new() { Name = "projects/own/servers/s1" }, host.Headers(access));
        await tokens.RevokeTokenAsync(new() { Name = session.Token.Name }, host.Headers());
        var e = await Assert.ThrowsAsync<RpcException>(() => tokens.GetCallerAsync(new(), host.Headers(access)).ResponseAsync);
        Assert.Equal(StatusCode.Unauthenticated, e.StatusCode);
    }

    [Fact]
    public async Task Guesses_AreRefusedAlike_ThenSlowedDown_AndSeenInTheAuditLog()
    {
        await SignedInAsync("guessed");
        using var channel = host.From("127.0.0.13");
        var sessions = new SessionService.SessionServiceClient(channel);
        var answers = new List<(StatusCode Code, string? Reason)>();
        for (var i = 0; i < 7; i++)
        {
            var e = await Assert.ThrowsAsync<RpcException>(() => sessions.CreateSessionAsync(new() { Parent = "users/guessed", Password = $"guess {i}" }).ResponseAsync);
            answers.Add((e.StatusCode, e.GetRpcStatus()?.GetDetail<Google.Rpc.ErrorInfo>()?.Reason));
            if (e.StatusCode == StatusCode.ResourceExhausted)
                Assert.True(e.GetRpcStatus()!.GetDetail<Google.Rpc.RetryInfo>()!.RetryDelay.ToTimeSpan() > TimeSpan.Zero);
        }
        Assert.All(answers.Take(5), a => Assert.Equal((StatusCode.Unauthenticated, "SIGN_IN_REFUSED"), a));
        Assert.Contains((StatusCode.ResourceExhausted, "TOO_MANY_GUESSES"), answers.Skip(5));
        await RunningHost.UntilAsync(async () => (await new Monolith.Events.V1.AuditService.AuditServiceClient(host.Invoker).ListAuditEntriesAsync(
            new() { Filter = "resource = \"users/guessed\" AND reason = \"SIGN_IN_REFUSED\"" }, host.Headers())).Entries.Count > 0, "the guesses are in the audit log");
    }

    async Task<CreateTokenResponse> SignedInAsync(string user, params (string Role, string Scope)[] bindings)
    {
        await host.UserAsync(user, bindings);
        await new UserService.UserServiceClient(host.Invoker).SetPasswordAsync(new() { Name = "users/" + user, Password = Password }, host.Headers());
        return await new SessionService.SessionServiceClient(host.Invoker).CreateSessionAsync(new() { Parent = "users/" + user, Password = Password });
    }

    async Task BindAsync(string role, string member, string scope) => await new RoleBindingService.RoleBindingServiceClient(host.Invoker)
        .CreateRoleBindingAsync(new() { RoleBinding = new() { Role = role, Member = member, Scope = scope } }, host.Headers());

    HttpClient Outside() => new(new SocketsHttpHandler
    {
        SslOptions = new() { RemoteCertificateValidationCallback = (_, _, _, _) => true },
    })
    { BaseAddress = new($"https://{host.Tls}"), DefaultRequestVersion = HttpVersion.Version11 };
}
