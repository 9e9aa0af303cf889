using Microsoft.AspNetCore.Http;
using Monolith.Cli.Session;
using Monolith.Cli.Tests.Fake;
using Monolith.Tests.Providers;

namespace Monolith.Cli.Tests;

/// <summary><c>monolith login</c>, against a provider that speaks real HTTP.</summary>
public sealed class LoginTests
{
    [Fact]
    public async Task Login_ShowsWhereToSayYes_AsksUntilSomebodyHas_AndKeepsTheToken()
    {
        await using var stage = await Stage.StartAsync();
        foreach (var poll in new[] { "authorization_pending", "slow_down", "authorization_pending", "an.id.token" }) stage.Provider.Polls.Enqueue(poll);
        stage.Provider.Device["verification_uri_complete"] = "https://login.example.com/?code=WDJB-MJHT";
        using var shell = stage.Shell();
        var outcome = await shell.RunAsync("login");
        Assert.Equal($"""
            Open {stage.Provider.Issuer}/activate on any device, and enter the code WDJB-MJHT
            Or open https://login.example.com/?code=WDJB-MJHT, and see that it shows the same code.

            """, outcome.Error);
        Assert.Equal((ExitCode.Done, "Signed in as jane by corp, until 2026-03-01 12:00 UTC, in the context default.\n"), (outcome.Code, outcome.Out));
        Assert.Equal([5, 5, 10, 10], stage.Time.Waits.Select(w => w.TotalSeconds));
        var exchanged = Assert.Single(stage.Cloud.SignIns.Exchanged);
        Assert.Equal(("identityProviders/corp", "an.id.token"), (exchanged.Name, exchanged.IdToken));
        Assert.Contains(("/device", "client_id=monolith-cli&scope=openid+profile"), stage.Provider.Asked);
        Assert.Equal(4, stage.Provider.Asked.Count(a => a == ("/token",
            "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&device_code=d-e-v-i-c-e&client_id=monolith-cli")));

        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(shell.ConfigurationFile));
        var kept = Configuration.Read(shell.ConfigurationFile);
        Assert.Equal("default", kept.Current);
        Assert.Equal((stage.Cloud.Endpoint, SignIns.Secret, "users/jane/tokens/1"),
            (kept.CurrentContext!.Endpoint, kept.CurrentContext.Token, kept.CurrentContext.Session));
        // The next command shows it.
        shell.Environment.Remove("MONOLITH_ENDPOINT");
        Assert.Contains("token:     set", (await shell.RunAsync("config", "show")).Out, StringComparison.Ordinal);
    }

    /// <summary>Somebody says yes while it asks for the second time.</summary>
    [Fact]
    public async Task Login_WorksWithAProviderThatWasNotMadeForThis()
    {
        await using var stage = await Stage.StartAsync();
        await using var real = await OpenIddictProvider.StartAsync(TimeProvider.System);
        stage.Cloud.SignIns.Providers[0].Issuer = real.Issuer;
        using var shell = stage.Shell();
        var outcome = await shell.RunAsync("login");
        Assert.Equal((ExitCode.Done, 2), (outcome.Code, stage.Time.Waits.Count));
        Assert.Equal(3, Assert.Single(stage.Cloud.SignIns.Exchanged).IdToken.Split('.').Length);
    }

    [Theory]
    [InlineData("access_denied", ExitCode.NotAllowed, "was denied")]
    [InlineData("expired_token", ExitCode.WaitedTooLong, "has expired")]
    [InlineData("invalid_grant", ExitCode.Failed, "invalid_grant")]
    [InlineData("invalid_client", ExitCode.Failed, "invalid_client")]
    public async Task Login_ThatComesToNothing_SaysWhy_AndKeepsNothing(string answer, int code, string words)
    {
        await using var stage = await Stage.StartAsync();
        stage.Provider.Polls.Enqueue("authorization_pending");
        stage.Provider.Polls.Enqueue(answer);
        using var shell = stage.Shell();
        var outcome = await shell.RunAsync("login");
        Assert.Equal(code, outcome.Code);
        Assert.Contains(words, outcome.Error, StringComparison.Ordinal);
        Assert.Empty(stage.Cloud.SignIns.Exchanged);
        Assert.False(File.Exists(shell.ConfigurationFile));
    }

    [Fact]
    public async Task Login_EndsWithTheCode_OrWithTheTimeout()
    {
        await using var stage = await Stage.StartAsync();
        stage.Provider.Device["expires_in"] = 23;
        using var shell = stage.Shell();
        Assert.Equal(ExitCode.WaitedTooLong, (await shell.RunAsync("login")).Code);
        Assert.Equal([5, 5, 5, 5], stage.Time.Waits.Select(w => w.TotalSeconds));
        stage.Time.Waits.Clear();
        Assert.Equal(ExitCode.WaitedTooLong, (await shell.RunAsync("login", "--timeout", "12s")).Code);
        Assert.Equal([5, 5], stage.Time.Waits.Select(w => w.TotalSeconds));
    }

    [Fact]
    public async Task AProviderThatIsAway_IsAskedLessOften_UntilItIsBack()
    {
        await using var stage = await Stage.StartAsync();
        var away = 3;
        stage.Provider.Instead = context =>
        {
            if (context.Request.Path != "/token" || away-- <= 0) return Task.FromResult(false);
            if (away == 1) context.Abort();
            else context.Response.StatusCode = 503;
            return Task.FromResult(true);
        };
        stage.Provider.Polls.Enqueue("an.id.token");
        using var shell = stage.Shell();
        Assert.Equal(ExitCode.Done, (await shell.RunAsync("login")).Code);
        Assert.Equal([5, 10, 20, 40], stage.Time.Waits.Select(w => w.TotalSeconds));
    }

    [Fact]
    public async Task AProviderThatIsNoUse_IsNamed_AndNobodyIsLedElsewhere()
    {
        await using var stage = await Stage.StartAsync();
        await using var elsewhere = await StandInProvider.StartAsync();
        using var shell = stage.Shell();
        foreach (var (change, code) in new (Func<HttpContext, string?>, int)[]
        {
            (_ => "<html>", ExitCode.TryLater),
            (context => { context.Response.Redirect(elsewhere.Issuer + context.Request.Path); return ""; }, ExitCode.TryLater),
            (_ => elsewhere.Discovery().ToJsonString(), ExitCode.Failed),
            (_ => $$"""{"issuer":"{{stage.Provider.Issuer}}","token_endpoint":"http://login.example.com/token","device_authorization_endpoint":"{{stage.Provider.Issuer}}/device"}""",
                ExitCode.Failed),
            (_ => $$"""{"issuer":"{{stage.Provider.Issuer}}"}""", ExitCode.Failed),
            (_ => new string('x', 300_000), ExitCode.TryLater),
        })
        {
            stage.Provider.Instead = async context =>
            {
                if (change(context) is { } content) await context.Response.WriteAsync(content);
                return true;
            };
            var outcome = await shell.RunAsync("login");
            Assert.Equal(code, outcome.Code);
            Assert.Contains(stage.Provider.Issuer, outcome.Error, StringComparison.Ordinal);
        }
        Assert.Empty(elsewhere.Asked);
    }

    [Fact]
    public async Task OfSeveralProviders_OneIsSaid()
    {
        await using var stage = await Stage.StartAsync();
        using var shell = stage.Shell();
        stage.Cloud.SignIns.Providers.Add(new() { Name = "identityProviders/other" });
        var outcome = await shell.RunAsync("login");
        Assert.Equal((ExitCode.Usage, "error: Who vouches for you?\nSay --provider NAME, one of corp, other.\n"), (outcome.Code, outcome.Error));
        Assert.Contains("There are: corp, other.", (await shell.RunAsync("login", "--provider", "none")).Error, StringComparison.Ordinal);
        stage.Provider.Polls.Enqueue("an.id.token");
        Assert.Equal(ExitCode.Done, (await shell.RunAsync("login", "--provider", "corp")).Code);
        stage.Cloud.SignIns.Providers.Clear();
        Assert.Contains("identity-provider create", (await shell.RunAsync("login")).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AToken_GoesIntoNoOtherHostsContext()
    {
        await using var stage = await Stage.StartAsync();
        using var shell = stage.Shell();
        await shell.RunAsync("config", "save", "far", "--endpoint", "https://cloud.example:5443");
        stage.Provider.Polls.Enqueue("an.id.token");
        var outcome = await shell.RunAsync("login");
        Assert.Equal(ExitCode.Usage, outcome.Code);
        Assert.Contains("config save NAME --endpoint", outcome.Error, StringComparison.Ordinal);
        Assert.Empty(stage.Cloud.SignIns.Exchanged);
    }

    [Theory]
    [InlineData(Grpc.Core.StatusCode.OK)]
    [InlineData(Grpc.Core.StatusCode.Unauthenticated)]
    [InlineData(Grpc.Core.StatusCode.NotFound)]
    public async Task Logout_RevokesTheToken_AndForgetsIt(Grpc.Core.StatusCode answer)
    {
        await using var stage = await Stage.StartAsync();
        using var shell = stage.Shell();
        stage.Provider.Polls.Enqueue("an.id.token");
        await shell.RunAsync("login");
        stage.Cloud.Revoker.Answer = answer;
        // Whatever token is given otherwise.
        shell.Environment["MONOLITH_TOKEN"] = "mt1_other";
        var outcome = await shell.RunAsync("logout");
        Assert.Equal((ExitCode.Done, "Signed out of default.\n"), (outcome.Code, outcome.Out));
        Assert.Equal(("users/jane/tokens/1", "Bearer " + SignIns.Secret), Assert.Single(stage.Cloud.Revoker.Revoked));
        Assert.DoesNotContain("mt1_", File.ReadAllText(shell.ConfigurationFile), StringComparison.Ordinal);
        Assert.Equal(ExitCode.Usage, (await shell.RunAsync("logout")).Code);
    }

    [Fact]
    public async Task Logout_ThatFails_ForgetsNothing()
    {
        await using var stage = await Stage.StartAsync();
        using var shell = stage.Shell();
        stage.Provider.Polls.Enqueue("an.id.token");
        await shell.RunAsync("login");
        stage.Cloud.Revoker.Answer = Grpc.Core.StatusCode.Internal;
        Assert.NotEqual(ExitCode.Done, (await shell.RunAsync("logout")).Code);
        Assert.Equal(SignIns.Secret, Configuration.Read(shell.ConfigurationFile).CurrentContext!.Token);
    }

    /// <summary>A cloud, a provider that it believes, and a clock.</summary>
    sealed class Stage(Cloud cloud, StandInProvider provider) : IAsyncDisposable
    {
        public Cloud Cloud => cloud;

        public StandInProvider Provider => provider;

        public HurriedTime Time { get; } = new();

        public static async Task<Stage> StartAsync()
        {
            var stage = new Stage(await Cloud.StartAsync(), await StandInProvider.StartAsync());
            stage.Cloud.SignIns.Providers.Add(new()
            {
                Name = "identityProviders/corp", Issuer = stage.Provider.Issuer, ClientId = StandInProvider.Client, Scopes = { "openid", "profile" },
            });
            return stage;
        }

        public Shell Shell() => Fake.Shell.Of(cloud, time: Time);

        public async ValueTask DisposeAsync()
        {
            await cloud.DisposeAsync();
            await provider.DisposeAsync();
        }
    }
}
