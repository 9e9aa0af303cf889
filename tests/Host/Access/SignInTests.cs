using Grpc.Core;
using Monolith.Events.V1;
using Monolith.Host.Tests.Cloud;
using Monolith.Identity.V1;
using Monolith.Tests.Providers;

namespace Monolith.Host.Tests.Access;

/// <summary>Who has nothing but a provider's word, over the wire.</summary>
public sealed class SignInTests(RunningHost host)
{
    static IdentityProviderService.IdentityProviderServiceClient Client(RunningHost host) => new(host.Invoker);

    static async Task<string> BelieveAsync(RunningHost host, StandInProvider provider, string id) =>
        (await Client(host).CreateIdentityProviderAsync(new()
        {
            IdentityProviderId = id,
            IdentityProvider = new() { Issuer = provider.Issuer, ClientId = StandInProvider.Client },
        }, host.Headers())).Name;

    [Fact]
    public async Task WhoIsVouchedFor_GetsAToken_WithoutAnyCredential()
    {
        await using var provider = await StandInProvider.StartAsync();
        var name = await BelieveAsync(host, provider, "wire");
        Assert.Contains((await Client(host).ListSignInProvidersAsync(new())).Providers, p => p.Name == name && p.Issuer == provider.Issuer);
        var made = await Client(host).ExchangeIdTokenAsync(new()
        {
            Name = name,
            IdToken = provider.Token(DateTimeOffset.UtcNow, c => c["preferred_username"] = "wired"),
        });
        var caller = await new TokenService.TokenServiceClient(host.Invoker).GetCallerAsync(new(), host.Headers(made.Secret));
        Assert.Equal(("users/wired", 0), (caller.Name, caller.Grants.Count));
        // What has served may end itself.
        await new TokenService.TokenServiceClient(host.Invoker).RevokeTokenAsync(new() { Name = made.Token.Name }, host.Headers(made.Secret));
        var gone = await Assert.ThrowsAsync<RpcException>(() =>
            new TokenService.TokenServiceClient(host.Invoker).GetCallerAsync(new(), host.Headers(made.Secret)).ResponseAsync);
        Assert.Equal(StatusCode.Unauthenticated, gone.StatusCode);
    }

    [Fact]
    public async Task TheAuditLog_SaysWhoSignedInWhere_AndWhoDidNot()
    {
        await using var provider = await StandInProvider.StartAsync();
        var name = await BelieveAsync(host, provider, "audited");
        using var channel = host.From("127.0.0.12");
        var client = new IdentityProviderService.IdentityProviderServiceClient(channel);
        async Task<StatusCode> TryAsync(string subject, string user, string audience = StandInProvider.Client)
        {
            try
            {
                await client.ExchangeIdTokenAsync(new()
                {
                    Name = name,
                    IdToken = provider.Token(DateTimeOffset.UtcNow, c => (c["sub"], c["preferred_username"], c["aud"]) = (subject, user, audience)),
                });
                return StatusCode.OK;
            }
            catch (RpcException e)
            {
                return e.StatusCode;
            }
        }
        Assert.Equal(StatusCode.OK, await TryAsync("1", "signed"));
        Assert.Equal(StatusCode.FailedPrecondition, await TryAsync("2", "admin"));
        Assert.Equal(StatusCode.Unauthenticated, await TryAsync("3", "other", "somebody"));
        List<AuditEntry> entries = [];
        await RunningHost.UntilAsync(async () =>
        {
            entries = [.. (await new AuditService.AuditServiceClient(host.Invoker).ListAuditEntriesAsync(new()
            {
                Filter = $"resource = \"{name}\"", PageSize = 100,
            }, host.Headers())).Entries.Where(e => e.Method.EndsWith("/ExchangeIdToken", StringComparison.Ordinal))];
            return entries.Count >= 3;
        }, "all three are in the log");
        Assert.Equal(
            [("", (int)StatusCode.Unauthenticated), ("identityProviders/audited/subjects/2", (int)StatusCode.FailedPrecondition), ("users/signed", 0)],
            entries.Select(e => (e.Caller, (int)e.Code)).OrderBy(e => e.Caller, StringComparer.Ordinal));
        Assert.All(entries, e => Assert.Equal("127.0.0.12", e.Peer));
    }

    /// <summary>As a token that is none does.</summary>
    [Fact]
    public async Task AnIdTokenThatIsNone_CostsItsAddress()
    {
        await using var own = new RunningHost { Fleet = 0, Limits = new() { Refusals = 2 } };
        await own.InitializeAsync();
        await using var provider = await StandInProvider.StartAsync();
        var name = await BelieveAsync(own, provider, "guessed");
        var codes = new List<StatusCode>();
        for (var i = 0; i < 60; i++)
            codes.Add((await Assert.ThrowsAsync<RpcException>(() =>
                Client(own).ExchangeIdTokenAsync(new() { Name = name, IdToken = $"guess{i}" }).ResponseAsync)).StatusCode);
        Assert.Equal(StatusCode.Unauthenticated, codes[0]);
        Assert.Contains(StatusCode.ResourceExhausted, codes);
    }
}
