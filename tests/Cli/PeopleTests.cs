using Monolith.Cli.Session;
using Monolith.Cli.Tests.Fake;
using Monolith.Identity.V1;

namespace Monolith.Cli.Tests;

/// <summary>Who gets what: members as people write them, and passwords that are on no command line.</summary>
public sealed class PeopleTests
{
    [Theory]
    [InlineData("bob", "users/bob", "bob")]
    [InlineData("users/bob", "users/bob", "bob")]
    [InlineData("group:dev", "groups/dev", "group:dev")]
    [InlineData("groups/dev", "groups/dev", "group:dev")]
    [InlineData("sa:ci", "projects/demo/serviceAccounts/ci", "sa:ci")]
    [InlineData("sa:other/ci", "projects/other/serviceAccounts/ci", "sa:other/ci")]
    [InlineData("projects/other/serviceAccounts/ci", "projects/other/serviceAccounts/ci", "sa:other/ci")]
    public async Task AMember_IsWrittenInOneWay_AndShownInTheSame(string written, string meant, string shown)
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud);
        var outcome = await shell.RunAsync("role-binding", "create", "--role", "member", "--member", written, "--scope", "demo", "--project", "demo");
        Assert.Equal((ExitCode.Done, ""), (outcome.Code, outcome.Error));
        Assert.Equal(meant, Assert.IsType<CreateRoleBindingRequest>(cloud.People.Requests.Single()).RoleBinding.Member);
        Assert.Contains(shown, outcome.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Members_ComeAndGo()
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud);
        Assert.Equal(ExitCode.Done, (await shell.RunAsync("group", "create", "dev", "--member", "ann", "--member", "sa:demo/ci")).Code);
        Assert.Equal(ExitCode.Done, (await shell.RunAsync("group", "member", "add", "dev", "bob", "sa:demo/cd")).Code);
        Assert.Equal(ExitCode.Done, (await shell.RunAsync("group", "member", "rm", "dev", "ann")).Code);
        var requests = cloud.People.Requests.ToArray();
        Assert.Equal(["users/ann", "projects/demo/serviceAccounts/ci"], ((CreateGroupRequest)requests[0]).Group.Members);
        Assert.Equal(["users/bob", "projects/demo/serviceAccounts/cd"], ((AddGroupMembersRequest)requests[1]).Members);
        Assert.Equal(("groups/dev", "users/ann"), (((RemoveGroupMembersRequest)requests[2]).Name, ((RemoveGroupMembersRequest)requests[2]).Members.Single()));
    }

    [Theory]
    [InlineData("a new one entirely\n", "", "a new one entirely")]
    [InlineData("a new one entirely", "", "a new one entirely")]
    [InlineData("the one before\na new one entirely\n", "the one before", "a new one entirely")]
    public async Task APassword_ComesFromStandardInput(string given, string before, string password)
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud, input: given);
        var outcome = await shell.RunAsync("user", "set-password", "bob");
        Assert.Equal((ExitCode.Done, ""), (outcome.Code, outcome.Error));
        Assert.Equal(("users/bob", before, password), Asked(cloud));
        Assert.DoesNotContain(password, outcome.Out, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("långt nog nu\rlångt nog nu\r", "långt nog nu")]
    [InlineData("wrong\u0015långt nogé\u007f nu\r\u007flångt nog nu\r", "långt nog nu")]
    public async Task APassword_IsTypedTwice_WithoutBeingSeen(string typed, string password)
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud, input: typed, rawInput: true);
        var outcome = await shell.RunAsync("user", "set-password", "bob");
        Assert.Equal((ExitCode.Done, password), (outcome.Code, Assert.IsType<SetPasswordRequest>(cloud.People.Requests.Single()).Password));
        Assert.Equal("A new password of bob: \r\nOnce more: \r\n", outcome.Error);
        Assert.DoesNotContain(password, outcome.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task OnesOwnPassword_IsChangedByWhoKnowsTheOneBefore()
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud, input: "what it was\rwhat it will be\rwhat it will be\r", rawInput: true);
        await shell.RunAsync("user", "set-password", "admin");
        Assert.Equal(("users/admin", "what it was", "what it will be"), Asked(cloud));
    }

    static (string, string, string) Asked(Cloud cloud) => Assert.IsType<SetPasswordRequest>(cloud.People.Requests.Single()) is var asked
        ? (asked.Name, asked.CurrentPassword, asked.Password)
        : default;

    [Theory]
    [InlineData("one thing here\ranother thing\r", "The two are not the same.")]
    [InlineData("half of\u0003", "Given up.")]
    [InlineData("\r", "No password was given.")]
    public async Task ASlip_ChangesNothing(string typed, string words)
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud, input: typed, rawInput: true);
        var outcome = await shell.RunAsync("user", "set-password", "bob");
        Assert.Equal(ExitCode.Usage, outcome.Code);
        Assert.Contains(words, outcome.Error, StringComparison.Ordinal);
        Assert.Empty(cloud.People.Requests);
    }

    [Theory]
    [InlineData("what nobody knows\n", false)]
    [InlineData("what nobody knows\r", true)]
    public async Task ASignIn_WithAPassword_IsKept_AndShowsNeitherOfTheTwoSecrets(string typed, bool isTerminal)
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud, input: typed, rawInput: isTerminal);
        var outcome = await shell.RunAsync("login", "--user", "bob");
        Assert.Equal((ExitCode.Done, isTerminal ? "Password of bob: \r\n" : ""), (outcome.Code, outcome.Error));
        Assert.Equal("Signed in as bob by password, until 2033-05-18 03:33 UTC, in the context default.\n", outcome.Out);
        Assert.Equal(("users/bob", "what nobody knows"), Assert.IsType<CreateSessionRequest>(cloud.People.Requests.Single()) is var asked
            ? (asked.Parent, asked.Password) : default);
        Assert.Contains("mt1_of-the-session", await File.ReadAllTextAsync(shell.ConfigurationFile), StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnAccessToken_IsAloneOnStandardOutput()
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud);
        Assert.Equal("eyJ.a.b\n", (await shell.RunAsync("token", "access", "--audience", "https://vault.example", "--ttl", "5m")).Out);
        Assert.Equal(new IssueAccessTokenRequest { Audience = "https://vault.example", Ttl = new() { Seconds = 300 } }, cloud.People.Requests.Single());
    }
}
