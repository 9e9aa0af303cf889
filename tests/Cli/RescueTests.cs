using Monolith.Cli.Session;
using Monolith.Cli.Tests.Fake;
using Monolith.Compute.V1;

namespace Monolith.Cli.Tests;

/// <summary>Rescue and unrescue, as a person asks for them.</summary>
public sealed class RescueTests
{
    [Fact]
    public async Task RescueAndUnrescue_AreAskedForAsTyped()
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud);
        var outcome = await shell.RunAsync("server", "rescue", "web1", "--image", "demo/family/debian", "--hard", "-p", "demo");
        Assert.Equal((ExitCode.Done, ""), (outcome.Code, outcome.Error));
        var rescue = Assert.Single(cloud.Servers.Requests.OfType<RescueServerRequest>());
        Assert.Equal(("projects/demo/servers/web1", "projects/demo/imageFamilies/debian", true),
            (rescue.Name, rescue.Image, rescue.Hard));
        outcome = await shell.RunAsync("server", "unrescue", "web1", "-p", "demo");
        Assert.Equal(ExitCode.Done, outcome.Code);
        Assert.Equal("projects/demo/servers/web1", Assert.Single(cloud.Servers.Requests.OfType<UnrescueServerRequest>()).Name);
    }
}
