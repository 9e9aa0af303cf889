using System.Text;
using Monolith.Api.V1;
using Monolith.Cli.Session;
using Monolith.Cli.Tests.Fake;
using Monolith.Identity.V1;

namespace Monolith.Cli.Tests;

/// <summary>How a project goes with all that it owns: shown, asked, followed, taken back.</summary>
public sealed class ProjectTests
{
    const string Name = "projects/demo";

    [Fact]
    public async Task Delete_WithoutForce_IsAsItWas()
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud);
        var outcome = await shell.RunAsync("project", "delete", "demo");
        Assert.Equal((ExitCode.Done, Name + " is deleted\n"), (outcome.Code, outcome.Out));
        var request = Assert.IsType<DeleteProjectRequest>(cloud.Identity.Requests.Single());
        Assert.Equal((Name, false, null), (request.Name, request.Force, request.Wait));
        Assert.Equal(ExitCode.Usage, (await shell.RunAsync("project", "delete", "demo", "--wait-period", "1h")).Code);
    }

    /// <summary>Whoever means it types its name.</summary>
    [Theory]
    [InlineData("demo\n", ExitCode.Done)]
    [InlineData("yes\n", ExitCode.Usage)]
    [InlineData("", ExitCode.Usage)]
    public async Task Delete_WithForce_ShowsWhatWouldGo_AndAsks(string typed, int code)
    {
        await using var cloud = await Cloud.StartAsync();
        cloud.Identity.Owned.Add(new() { Kind = "servers", Count = 7, Names = { Name + "/servers/web1" } });
        cloud.Identity.Owned.Add(new() { Kind = "servers", Count = 1, Reason = "DELETE_PROTECTED", Message = "They are protected.", Held = true });
        using var shell = new Shell
        {
            Environment = { ["MONOLITH_ENDPOINT"] = cloud.Endpoint },
            Input = new MemoryStream(Encoding.UTF8.GetBytes(typed)),
            RawInput = () => Stream.Null,
        };
        var outcome = await shell.RunAsync("project", "delete", "demo", "--force");
        Assert.Equal(code, outcome.Code);
        foreach (var said in new[] { "web1", "DELETE_PROTECTED", "It begins in 3d", "monolith project undelete demo", "Type demo" })
            Assert.Contains(said, outcome.Error, StringComparison.Ordinal);
        Assert.Equal(code == ExitCode.Done ? 1 : 0, cloud.Identity.Requests.Count);
        if (code == ExitCode.Done) Assert.Contains("DELETING", outcome.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Delete_WithForce_WhereNobodyCanBeAsked_WantsYes()
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud);
        var outcome = await shell.RunAsync("project", "delete", "demo", "--force");
        Assert.Equal(ExitCode.Usage, outcome.Code);
        Assert.Contains("--yes", outcome.Error, StringComparison.Ordinal);
        Assert.Empty(cloud.Identity.Requests);
    }

    [Fact]
    public async Task Delete_IsFollowed_UntilItIsGone()
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud);
        cloud.Identity.Seen.AddRange([Purging("PURGING", "7 things that it owns are left."), null]);
        var outcome = await shell.RunAsync("project", "delete", "demo", "--force", "--wait-period", "0s", "--yes", "--wait");
        Assert.Equal((ExitCode.Done, Name + " is gone\n"), (outcome.Code, outcome.Out));
        Assert.Contains("7 things", outcome.Error, StringComparison.Ordinal);
        var request = Assert.IsType<DeleteProjectRequest>(cloud.Identity.Requests.Single());
        Assert.Equal((true, TimeSpan.Zero), (request.Force, request.Wait.ToTimeSpan()));
    }

    [Fact]
    public async Task Delete_ThatIsHeld_EndsWithTheCause()
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud);
        cloud.Identity.Seen.Add(Purging("PURGE_HELD", "servers: 1, DELETE_PROTECTED. They are protected."));
        var outcome = await shell.RunAsync("project", "delete", "demo", "--force", "--yes", "--wait");
        Assert.Equal(ExitCode.WaitedFailed, outcome.Code);
        Assert.Contains("They are protected.", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Undelete_BringsItBack()
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud);
        var outcome = await shell.RunAsync("project", "undelete", "demo");
        Assert.Equal(ExitCode.Done, outcome.Code);
        Assert.Contains("ACTIVE", outcome.Out, StringComparison.Ordinal);
        Assert.Equal(Name, Assert.IsType<UndeleteProjectRequest>(cloud.Identity.Requests.Single()).Name);
    }

    static Project Purging(string reason, string message) => new()
    {
        Name = Name,
        State = Project.Types.State.Purging,
        Conditions =
        {
            new Condition
            {
                Type = "Purged",
                Status = reason == "PURGE_HELD" ? Condition.Types.Status.False : Condition.Types.Status.Pending,
                Reason = reason,
                Message = message,
            },
        },
    };
}
