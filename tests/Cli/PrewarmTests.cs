using Monolith.Api.V1;
using Monolith.Cli.Session;
using Monolith.Cli.Tests.Fake;
using Monolith.Compute.V1;
using State = Monolith.Compute.V1.ImagePrewarm.Types.State;

namespace Monolith.Cli.Tests;

/// <summary>Images that hypervisors hold ahead.</summary>
public sealed class PrewarmTests
{
    static ImagePrewarm Seen(State state, Condition.Types.Status status, string message, string reason = "") => new()
    {
        Name = "imagePrewarms/debian",
        Image = "projects/demo/images/debian",
        State = state,
        HypervisorCount = 40,
        HoldingCount = 12,
        FailedCount = 1,
        Conditions = { new Condition { Type = "Held", Status = status, Message = message, Reason = reason } },
    };

    [Fact]
    public async Task ImagePrewarm_MakesOne_CalledAsItsImage_AndTellsHowFarItIs()
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud);
        cloud.Prewarms.Seen.AddRange([
            Seen(State.Warming, Condition.Types.Status.Pending, "Of 40 hypervisors 12 hold it, 28 wait."),
            Seen(State.Warm, Condition.Types.Status.True, "Of 40 hypervisors 40 hold it."),
        ]);
        var outcome = await shell.RunAsync("image", "prewarm", "projects/demo/images/debian", "--zone", "az1", "--label", "rack=r7",
            "--label", "tier=web", "--wait");
        Assert.Equal(ExitCode.Done, outcome.Code);
        Assert.Contains("Of 40 hypervisors 12 hold it, 28 wait.", outcome.Error, StringComparison.Ordinal);
        var request = cloud.Prewarms.Created.Single();
        Assert.Equal("debian", request.ImagePrewarmId);
        Assert.Equal(new ImagePrewarm
        {
            Image = "projects/demo/images/debian",
            AvailabilityZone = "az1",
            HypervisorLabels = { ["rack"] = "r7", ["tier"] = "web" },
        }, request.ImagePrewarm);
    }

    [Fact]
    public async Task OneThatFailed_IsTold_AndEndsTheWait()
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud);
        cloud.Prewarms.Seen.Add(Seen(State.Failed, Condition.Types.Status.False, "hypervisors/hv1: the cache is full", "NO_ROOM"));
        var outcome = await shell.RunAsync("prewarm", "create", "debian", "--image", "demo/family/debian", "--wait");
        Assert.Equal(ExitCode.WaitedFailed, outcome.Code);
        Assert.Contains("NO_ROOM: hypervisors/hv1: the cache is full", outcome.Error, StringComparison.Ordinal);
        Assert.Equal(("debian", "projects/demo/imageFamilies/debian"),
            (cloud.Prewarms.Created.Single().ImagePrewarmId, cloud.Prewarms.Created.Single().ImagePrewarm.Image));
    }

    [Fact]
    public async Task AFamily_GivesItsName_AndAnotherMayBeSaid()
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud);
        Assert.Equal(ExitCode.Done, (await shell.RunAsync("image", "prewarm", "demo/family/debian")).Code);
        Assert.Equal(ExitCode.Done, (await shell.RunAsync("image", "prewarm", "demo/family/debian", "--as", "other")).Code);
        Assert.Equal(["debian", "other"], cloud.Prewarms.Created.Select(r => r.ImagePrewarmId));
    }

    [Fact]
    public async Task List_ShowsHowManyHoldIt()
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud);
        var family = Seen(State.Warming, Condition.Types.Status.Pending, "");
        (family.Image, family.HeldImage) = ("projects/demo/imageFamilies/debian", "projects/demo/images/debian-2");
        cloud.Prewarms.Seen.Add(family);
        var outcome = await shell.RunAsync("prewarm", "list");
        Assert.Equal(ExitCode.Done, outcome.Code);
        Assert.Contains("12/40", outcome.Out, StringComparison.Ordinal);
        Assert.Contains("debian-2 (family)", outcome.Out, StringComparison.Ordinal);
    }
}
