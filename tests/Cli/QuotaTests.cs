using Monolith.Cli.Completion;
using Monolith.Cli.Session;
using Monolith.Cli.Tests.Fake;
using Monolith.Identity.V1;

namespace Monolith.Cli.Tests;

/// <summary><c>monolith quota</c>.</summary>
public sealed class QuotaTests
{
    [Fact]
    public async Task Show_IsATableOfUsageAndLimit_AndNothingIsANumberToo()
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud);
        var outcome = await shell.RunAsync("quota", "show");
        Assert.Equal((ExitCode.Done, ""), (outcome.Code, outcome.Error));
        Assert.Equal("""
            QUOTA       USAGE      LIMIT  FROM
            servers         0        100
            memory_mib    512  unlimited  default

            """, outcome.Out);
        Assert.Equal("projects/demo/quota", Assert.IsType<GetQuotaRequest>(cloud.Quotas.Requests.Single()).Name);
    }

    [Fact]
    public async Task Set_ChangesWhatIsNamed_InNumbersAndSizes()
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud);
        Assert.Equal(ExitCode.Done, (await shell.RunAsync("quota", "set", "other", "servers=100", "vcpus=unlimited",
            "memory_mib=64GiB", "zones=default", "--validate-only")).Code);
        var request = Assert.IsType<UpdateQuotaRequest>(cloud.Quotas.Requests.Single());
        Assert.Equal(("projects/other/quota", true), (request.Quota.Name, request.ValidateOnly));
        Assert.Equal(["limits.servers", "limits.vcpus", "limits.memory_mib", "limits.zones"], request.UpdateMask.Paths);
        Assert.Equal([("memory_mib", 65_536L), ("servers", 100L), ("vcpus", -1L)],
            request.Quota.Limits.Select(l => (l.Key, l.Value)).Order());
    }

    [Theory]
    [InlineData("other", "more", "servers=1")]
    [InlineData("other")]
    [InlineData("servers=many")]
    [InlineData("other", "servers=1", "--default")]
    public async Task Set_OfWhatCannotBeMeant_IsAMistake(params string[] words)
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud);
        Assert.Equal(ExitCode.Usage, (await shell.RunAsync(["quota", "set", .. words])).Code);
        Assert.Empty(cloud.Quotas.Requests);
    }

    [Fact]
    public async Task TheDefault_IsTheClouds()
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud);
        await shell.RunAsync("quota", "set", "--default", "servers=10");
        Assert.Equal("quotas/default", Assert.IsType<UpdateQuotaRequest>(cloud.Quotas.Requests.Single()).Quota.Name);
    }

    [Fact]
    public async Task Explain_TurnsEveryPage()
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud);
        var outcome = await shell.RunAsync("quota", "explain", "addresses", "demo");
        Assert.Equal((ExitCode.Done, ""), (outcome.Code, outcome.Error));
        foreach (var word in new[] { "p1", "10.64.0.1", "p2", "2001:db8::1" })
            Assert.Contains(word, outcome.Out, StringComparison.Ordinal);
        Assert.Equal("projects/demo/ports/p1\nprojects/demo/ports/p2\n",
            (await shell.RunAsync("quota", "explain", "addresses", "-o", "name")).Out);
    }

    [Fact]
    public async Task Completion_KnowsQuotasAndProjects()
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud);
        var app = new App(shell.Around());
        Task<IReadOnlyList<string>> Complete(params string[] words) =>
            Completions.OfAsync(app.Root, app.Names, words, TestContext.Current.CancellationToken);
        Assert.Equal(["security_groups", "servers"], await Complete("quota", "explain", "se"));
        Assert.Contains("servers=", await Complete("quota", "set", "demo", "ser"));
    }
}
