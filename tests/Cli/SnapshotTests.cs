using Monolith.Api.V1;
using Monolith.Cli.Session;
using Monolith.Cli.Tests.Fake;
using Monolith.Compute.V1;
using Monolith.Image.V1;
using ImageMessage = Monolith.Image.V1.Image;

namespace Monolith.Cli.Tests;

/// <summary>Images of servers' disks, as a person asks for them.</summary>
public sealed class SnapshotTests
{
    static WatchImagesResponse Is(ImageMessage.Types.State state, Condition.Types.Status copied, string cause = "") => new()
    {
        Change = ChangeType.Added,
        Image = new()
        {
            Name = "projects/demo/images/golden",
            State = state,
            Conditions = { new Condition { Type = "Copied", Status = copied, Message = cause } },
        },
    };

    [Fact]
    public async Task Snapshot_AsksForTheImage_AndWaitsForItsContent()
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud);
        cloud.Images.Watches.Enqueue(
        [
            Is(ImageMessage.Types.State.Creating, Condition.Types.Status.Pending, "50 % of 1024 MiB"),
            Is(ImageMessage.Types.State.Ready, Condition.Types.Status.True),
        ]);
        var outcome = await shell.RunAsync("server", "snapshot", "web1", "golden", "--family", "web", "-p", "demo", "--wait");
        Assert.Equal(ExitCode.Done, outcome.Code);
        var asked = Assert.Single(cloud.Servers.Requests.OfType<SnapshotServerRequest>());
        Assert.Equal(("projects/demo/servers/web1", "golden", "web"), (asked.Name, asked.ImageId, asked.Family));
        Assert.Contains("Copied waits: 50 % of 1024 MiB", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("CREATING -> READY", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("READY", outcome.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Snapshot_ThatFails_SaysWhy()
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud);
        cloud.Images.Watches.Enqueue(
            [Is(ImageMessage.Types.State.Failed, Condition.Types.Status.False, "The hypervisor's disk is full.")]);
        var outcome = await shell.RunAsync("server", "snapshot", "web1", "golden", "-p", "demo", "--wait");
        Assert.Equal(ExitCode.WaitedFailed, outcome.Code);
        Assert.Contains("The hypervisor's disk is full.", outcome.Error, StringComparison.Ordinal);
    }
}
