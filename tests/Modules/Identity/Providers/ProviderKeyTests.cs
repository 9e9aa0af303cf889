using System.Security.Cryptography;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Monolith.Platform.Faults;
using Monolith.Tests.Providers;

namespace Monolith.Modules.Tests.Identity.Providers;

/// <summary>Where keys come from: nothing of a provider's ails the host.</summary>
public class ProviderKeyTests
{
    static readonly TimeSpan Floor = TimeSpan.FromSeconds(5);

    [Fact]
    public async Task Keys_AreAskedForOnce()
    {
        await using var cloud = await SignInFixture.StartAsync("sqlite");
        var tokens = Enumerable.Range(0, 8).Select(_ => cloud.Token()).ToList();
        await Task.WhenAll(tokens.Select(t => cloud.ExchangeAsync(t)));
        await cloud.SignInAsync();
        Assert.Equal(1, cloud.Provider.Fetches);
    }

    [Fact]
    public async Task AProvider_MayChangeItsKeys_WithoutARestartHere()
    {
        await using var cloud = await SignInFixture.StartAsync("sqlite");
        await cloud.SignInAsync();
        cloud.Identity.Time.Advance(Floor);
        cloud.Provider.Keys.Insert(0, ("k2", RSA.Create(2048)));
        await cloud.SignInAsync();
        // What was signed before is good as long as the provider shows its key.
        await cloud.ExchangeAsync(cloud.Provider.Token(cloud.Identity.Time.GetUtcNow(), id: "k1",
            sign: bytes => StandInProvider.Sign(cloud.Provider.Keys[1].Key, bytes)));
        Assert.Equal(2, cloud.Provider.Fetches);
    }

    [Fact]
    public async Task AKeyThatWasTakenBack_IsRefused_WithinTheHour()
    {
        await using var cloud = await SignInFixture.StartAsync("sqlite");
        await cloud.SignInAsync();
        var old = (RSA)cloud.Provider.Keys[0].Key;
        cloud.Provider.Keys[0] = ("k2", RSA.Create(2048));
        cloud.Identity.Time.Advance(TimeSpan.FromHours(1));
        Assert.Equal("ID_TOKEN_KEY_UNKNOWN", (await cloud.RefusedAsync(cloud.Provider.Token(cloud.Identity.Time.GetUtcNow(), id: "k1",
            sign: bytes => StandInProvider.Sign(old, bytes)))).Reason);
        old.Dispose();
    }

    [Fact]
    public async Task InventedKeys_DoNotMakeTheHostAsk_MoreThanNowAndThen()
    {
        await using var cloud = await SignInFixture.StartAsync("sqlite");
        await cloud.SignInAsync();
        for (var i = 0; i < 100; i++)
        {
            cloud.Identity.Time.Advance(TimeSpan.FromMilliseconds(100));
            Assert.Equal("ID_TOKEN_KEY_UNKNOWN", (await cloud.RefusedAsync(cloud.Provider.Token(cloud.Identity.Time.GetUtcNow(), id: $"k{i + 2}"))).Reason);
        }
        Assert.InRange(cloud.Provider.Fetches, 2, 3);
    }

    [Theory]
    [InlineData("503", "PROVIDER_UNREACHABLE")]
    [InlineData("404", "PROVIDER_UNUSABLE")]
    [InlineData("elsewhere", "PROVIDER_UNUSABLE")]
    [InlineData("huge", "PROVIDER_UNUSABLE")]
    [InlineData("endless", "PROVIDER_UNUSABLE")]
    [InlineData("no JSON", "PROVIDER_UNUSABLE")]
    [InlineData("a list", "PROVIDER_UNUSABLE")]
    [InlineData("another issuer", "PROVIDER_UNUSABLE")]
    [InlineData("keys in the clear", "PROVIDER_UNUSABLE")]
    [InlineData("keys in a file", "PROVIDER_UNUSABLE")]
    [InlineData("no keys", "PROVIDER_UNUSABLE")]
    [InlineData("cut", "PROVIDER_UNREACHABLE")]
    [InlineData("silent", "PROVIDER_UNREACHABLE")]
    public async Task AProviderThatIsNoUse_IsUnavailable_AndFoundAgainWhenItIs(string how, string reason)
    {
        await using var cloud = await SignInFixture.StartAsync("sqlite");
        await using var elsewhere = await StandInProvider.StartAsync();
        var silent = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        cloud.Provider.Instead = async context =>
        {
            var isKeys = context.Request.Path == "/keys";
            switch (how)
            {
                case "503" or "404":
                    context.Response.StatusCode = int.Parse(how);
                    return true;
                case "elsewhere":
                    context.Response.Redirect(elsewhere.Issuer + context.Request.Path);
                    return true;
                case "huge":
                    context.Response.ContentLength = 600_000;
                    await context.Response.Body.WriteAsync(new byte[600_000]);
                    return true;
                case "endless":
                    while (!context.RequestAborted.IsCancellationRequested) await context.Response.Body.WriteAsync(new byte[10_000], context.RequestAborted);
                    return true;
                case "no JSON" or "a list":
                    await context.Response.WriteAsync(how == "a list" ? "[]" : "<html>");
                    return true;
                case "another issuer" or "keys in the clear" or "keys in a file" when !isKeys:
                    var discovery = cloud.Provider.Discovery();
                    if (how == "another issuer") discovery["issuer"] = elsewhere.Issuer;
                    else discovery["jwks_uri"] = how == "keys in a file" ? "file:///etc/passwd" : "http://login.example.com/keys";
                    await context.Response.WriteAsync(discovery.ToJsonString());
                    return true;
                case "no keys" when isKeys:
                    await context.Response.WriteAsync("[1]");
                    return true;
                case "cut":
                    context.Abort();
                    return true;
                case "silent":
                    silent.TrySetResult();
                    await Task.Delay(Timeout.Infinite, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                    return true;
                default:
                    return false;
            }
        };
        var exchanging = cloud.ExchangeAsync(cloud.Token());
        if (how == "silent")
        {
            await silent.Task;
            cloud.Identity.Time.Advance(TimeSpan.FromSeconds(10));
        }
        var fault = await Assert.ThrowsAsync<Fault>(() => exchanging);
        Assert.Equal((StatusCode.Unavailable, reason), (fault.Code, fault.Reason));
        Assert.Equal(Floor, fault.RetryAfter);
        Assert.Contains(cloud.Provider.Issuer, fault.Message, StringComparison.Ordinal);
        Assert.Empty(elsewhere.Asked);

        // Who comes at once is told the same, and the provider is left alone.
        cloud.Provider.Instead = null;
        var asked = cloud.Provider.Asked.Count();
        Assert.Equal((StatusCode.Unavailable, reason), await cloud.RefusedAsync(cloud.Token()));
        Assert.Equal(asked, cloud.Provider.Asked.Count());
        cloud.Identity.Time.Advance(Floor);
        await cloud.SignInAsync();
    }

    [Fact]
    public async Task WhoHasTheKeys_GoesOnForADay_WithoutTheProvider()
    {
        await using var cloud = await SignInFixture.StartAsync("sqlite");
        await cloud.SignInAsync();
        cloud.Provider.Instead = context =>
        {
            context.Abort();
            return Task.FromResult(true);
        };
        cloud.Identity.Time.Advance(TimeSpan.FromHours(23));
        await cloud.SignInAsync();
        // A key that it does not have may be one that the provider would have shown.
        Assert.Equal("PROVIDER_UNREACHABLE", (await cloud.RefusedAsync(cloud.Provider.Token(cloud.Identity.Time.GetUtcNow(), id: "k2"))).Reason);
        cloud.Identity.Time.Advance(TimeSpan.FromHours(2));
        Assert.Equal((StatusCode.Unavailable, "PROVIDER_UNREACHABLE"), await cloud.RefusedAsync(cloud.Token()));
    }
}
