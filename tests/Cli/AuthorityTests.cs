using Google.Protobuf.WellKnownTypes;
using Monolith.Cli.Session;
using Monolith.Cli.Tests.Fake;
using State = Monolith.Identity.V1.CertificateAuthority.Types.State;
using Use = Monolith.Identity.V1.CertificateAuthority.Types.Use;

namespace Monolith.Cli.Tests;

/// <summary>The keys that the cloud signs with, and how one takes another's place.</summary>
public sealed class AuthorityTests
{
    const string Name = "certificateAuthorities/nodes-";

    static async Task<Cloud> StartAsync(params State[] states)
    {
        var cloud = await Cloud.StartAsync();
        for (var i = 0; i < states.Length; i++) cloud.Authorities.Add(Use.Nodes, i + 1, states[i]);
        return cloud;
    }

    [Fact]
    public async Task Rotate_TakesAllSteps_AndTellsWhatItWaitsFor()
    {
        await using var cloud = await StartAsync(State.Signing);
        cloud.Authorities.Behind = 2;
        using var shell = Shell.Of(cloud, time: new HurriedTime());
        var outcome = await shell.RunAsync("authority", "rotate", "nodes", "--yes");
        Assert.Equal((ExitCode.Done, Name + "2\n"), (outcome.Code, outcome.Out));
        Assert.Equal(["create", $"activate {Name}2", $"delete {Name}1"], cloud.Authorities.Steps);
        Assert.Contains("waits for 2 nodes to trust it: hv1, hv2", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("waits for 1 node to trust it", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("nodes-2 signs.", outcome.Error, StringComparison.Ordinal);
    }

    /// <summary>What was done is looked up: a second run does the rest.</summary>
    [Theory]
    [InlineData(State.Next, "activate nodes-2, delete nodes-1")]
    [InlineData(State.Former, "delete nodes-2")]
    public async Task Rotate_GoesOnWhereItStopped(State second, string steps)
    {
        await using var cloud = await StartAsync(State.Signing, second);
        using var shell = Shell.Of(cloud);
        Assert.Equal(ExitCode.Done, (await shell.RunAsync("authority", "rotate", "nodes", "--yes")).Code);
        Assert.Equal(steps, string.Join(", ", cloud.Authorities.Steps).Replace("certificateAuthorities/", "", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Rotate_WhenNobodyIsThereToSayThatClientsAreReady_Stops_AndSaysHowToGoOn()
    {
        await using var cloud = await StartAsync(State.Signing);
        using var shell = Shell.Of(cloud);
        var outcome = await shell.RunAsync("authority", "rotate", "nodes");
        Assert.Equal(["create"], cloud.Authorities.Steps);
        Assert.Equal(ExitCode.WaitedTooLong, outcome.Code);
        Assert.Contains("monolith authority certificates > ca.pem", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("digest 2", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("--yes", outcome.Error, StringComparison.Ordinal);
        Assert.Equal("key 1\nkey 2\n", (await shell.RunAsync("authority", "certificates")).Out);
    }

    [Fact]
    public async Task Rotate_DoesNotWaitForDays()
    {
        await using var cloud = await StartAsync(State.Signing, State.Next);
        cloud.Authorities.Ready = Timestamp.FromDateTime(DateTime.UtcNow.AddDays(2));
        using var shell = Shell.Of(cloud);
        var outcome = await shell.RunAsync("authority", "rotate", "nodes", "--yes");
        Assert.Empty(cloud.Authorities.Steps);
        Assert.Contains("Then go on by the same command.", outcome.Error, StringComparison.Ordinal);
        cloud.Authorities.Ready = null;
        cloud.Authorities.Behind = 1;
        outcome = await shell.RunAsync("authority", "rotate", "nodes", "--yes", "--no-wait");
        Assert.Empty(cloud.Authorities.Steps);
        Assert.Contains("waits for 1 node to trust it: hv1. ", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("`monolith authority activate nodes-2 --force`", outcome.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCode.WaitedTooLong, outcome.Code);
    }

    [Fact]
    public async Task EachStep_HasACommand_AndTheListSaysHowFarItIs()
    {
        await using var cloud = await StartAsync(State.Signing);
        using var shell = Shell.Of(cloud);
        await shell.RunAsync("authority", "create", "--use", "nodes");
        cloud.Authorities.Behind = 3;
        Assert.Matches(@"nodes-2 +NEXT +NODES +3", (await shell.RunAsync("authority", "list")).Out);
        await shell.RunAsync("authority", "activate", "nodes-2", "--force");
        await shell.RunAsync("authority", "delete", "nodes-1", "--force");
        Assert.Equal(["create", $"activate {Name}2 by force", $"delete {Name}1 by force"], cloud.Authorities.Steps);
    }
}
