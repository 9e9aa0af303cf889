using Monolith.Cli.Session;
using Monolith.Cli.Tests.Fake;
using Monolith.Identity.V1;

namespace Monolith.Cli.Tests;

/// <summary><c>monolith access</c>: scripts go by how it ends.</summary>
public sealed class AccessTests
{
    [Fact]
    public async Task Test_IsATable_AndEndsWithOneWhenSomethingIsLacking()
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud);
        var outcome = await shell.RunAsync("access", "test", "compute.servers.get", "compute.servers.create");
        Assert.Equal(ExitCode.Failed, outcome.Code);
        Assert.Equal("""
            PERMISSION              HELD
            compute.servers.get     yes
            compute.servers.create  no

            """, outcome.Out);
        Assert.Equal("projects/demo", Assert.IsType<TestPermissionsRequest>(cloud.Access.Requests.Single()).Resource);
        Assert.Equal(ExitCode.Done, (await shell.RunAsync("access", "test", "compute.servers.get", "--on", "cloud")).Code);
        Assert.Equal("", Assert.IsType<TestPermissionsRequest>(cloud.Access.Requests.Last()).Resource);
    }

    [Theory]
    [InlineData("compute.servers.get", "other", "projects/other", ExitCode.Done)]
    [InlineData("compute.servers.create", "projects/other/servers/web1", "projects/other/servers/web1", ExitCode.Failed)]
    public async Task Explain_IsASentence_AndEndsAsItSays(string permission, string on, string resource, int code)
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud);
        var outcome = await shell.RunAsync("access", "explain", permission, "--member", "bob", "--on", on);
        Assert.Equal((code, permission + ": so it is.\n", ""), (outcome.Code, outcome.Out, outcome.Error));
        Assert.Equal(new ExplainAccessRequest { Member = "users/bob", Permission = permission, Resource = resource },
            cloud.Access.Requests.Single());
    }
}
