using Monolith.Cli.Session;
using Monolith.Cli.Tests.Fake;
using Monolith.Compute.V1;

namespace Monolith.Cli.Tests;

/// <summary>Ports that come to a server and go, as a person asks for them.</summary>
public sealed class PortChangeTests
{
    [Fact]
    public async Task AttachAndDetach_AreAskedForAsTyped()
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud);
        var outcome = await shell.RunAsync("server", "attach-port", "web1", "--network", "backend", "--security-group", "web",
            "--address", "10.0.0.17", "-p", "demo");
        Assert.Equal((ExitCode.Done, ""), (outcome.Code, outcome.Error));
        var attach = Assert.Single(cloud.Servers.Requests.OfType<AttachServerPortRequest>());
        Assert.Equal(("projects/demo/servers/web1", "projects/demo/networks/backend", "10.0.0.17"),
            (attach.Name, attach.Network, attach.Address));
        Assert.Equal(["projects/demo/securityGroups/web"], attach.SecurityGroups);
        outcome = await shell.RunAsync("server", "detach-port", "web1", "web1-1-0a1b2c3d4e5f", "-p", "demo");
        Assert.Equal(ExitCode.Done, outcome.Code);
        var detach = Assert.Single(cloud.Servers.Requests.OfType<DetachServerPortRequest>());
        Assert.Equal(("projects/demo/servers/web1", "projects/demo/ports/web1-1-0a1b2c3d4e5f"), (detach.Name, detach.Port));
    }
}
