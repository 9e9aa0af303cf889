using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Monolith.Api.V1;
using Monolith.Cli.Session;
using Monolith.Cli.Tests.Fake;
using Monolith.Compute.V1;

namespace Monolith.Cli.Tests;

public sealed class WaitTests
{
    static readonly string[] CreateWaiting =
        ["server", "create", "web1", "--flavor", "small", "--image", "demo/debian", "--project", "demo", "--wait"];

    [Fact]
    public async Task Create_WhenItGetsReady_ShowsEachStepOnceAndSucceeds()
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud);
        cloud.Servers.Watches.Enqueue(new Connection(
        [
            Is(Server.Types.State.Pending, ("PortsClaimed", Condition.Types.Status.True),
                ("Placed", Condition.Types.Status.Pending)),
            InSync(),
            Is(Server.Types.State.Pending, ("PortsClaimed", Condition.Types.Status.True),
                ("Placed", Condition.Types.Status.True)),
            Is(Server.Types.State.Ready, ("PortsClaimed", Condition.Types.Status.True),
                ("Placed", Condition.Types.Status.True)),
        ]));

        var outcome = await shell.RunAsync(CreateWaiting);

        Assert.Equal(ExitCode.Done, outcome.Code);
        Assert.Single(Lines(outcome.Error, "PortsClaimed done"));
        Assert.Single(Lines(outcome.Error, "Placed done"));
        Assert.Single(Lines(outcome.Error, "PENDING -> READY"));
        Assert.Contains("READY", outcome.Out, StringComparison.Ordinal);
        var watched = Assert.Single(cloud.Servers.Watched);
        Assert.Equal("projects/demo/servers/web1", watched.Name);
    }

    [Fact]
    public async Task Create_OnATerminal_EndsWithEveryStepAsItIs()
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud, interactive: true);
        var failed = Is(Server.Types.State.Failed, ("PortsClaimed", Condition.Types.Status.True),
            ("Placed", Condition.Types.Status.False));
        failed.Server.Conditions[1].Message = "[no] room";
        cloud.Servers.Watches.Enqueue(new Connection([failed, InSync()]));

        var outcome = await shell.RunAsync(CreateWaiting);

        Assert.Equal(ExitCode.WaitedFailed, outcome.Code);
        Assert.Matches("✓.*PortsClaimed", outcome.Error);
        Assert.Matches(@"✗.*Placed.*\[no\] room", outcome.Error);
        Assert.EndsWith("Placed: [no] room\n", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Create_WhenItFails_ExitsWithTheCause()
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud);
        var failed = Is(Server.Types.State.Failed, ("Placed", Condition.Types.Status.False));
        failed.Server.Conditions[0].Reason = "NO_VALID_HYPERVISOR";
        failed.Server.Conditions[0].Message = "3 hypervisors have too little memory.";
        cloud.Servers.Watches.Enqueue(new Connection([failed, InSync()]));

        var outcome = await shell.RunAsync(CreateWaiting);

        Assert.Equal(ExitCode.WaitedFailed, outcome.Code);
        Assert.Contains("Placed: NO_VALID_HYPERVISOR: 3 hypervisors have too little memory.", outcome.Error,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Create_WhenItTakesTooLong_NamesWhatIsAwaited()
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud);
        var pending = Is(Server.Types.State.Pending, ("ImageFetched", Condition.Types.Status.Pending));
        pending.Server.Conditions[0].Message = "hv1 fetches the image";
        cloud.Servers.Watches.Enqueue(new Connection([pending, InSync()]));

        var outcome = await shell.RunAsync([.. CreateWaiting, "--timeout", "1500ms"]);

        Assert.Equal(ExitCode.WaitedTooLong, outcome.Code);
        Assert.Contains("ImageFetched: hv1 fetches the image", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("monolith server events", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Wait_WhenTheConnectionBreaks_ResumesWhereItWas()
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud);
        cloud.Servers.Watches.Enqueue(
            new Connection([Is(Server.Types.State.Pending), InSync("seven")], StatusCode.Unavailable));
        cloud.Servers.Watches.Enqueue(new Connection([Is(Server.Types.State.Ready)]));

        var outcome = await shell.RunAsync(CreateWaiting);

        Assert.Equal(ExitCode.Done, outcome.Code);
        Assert.Equal(["", "seven"], cloud.Servers.Watched.Select(request => request.ResumeToken));
    }

    [Fact]
    public async Task Wait_WhenThePlaceIsForgotten_StartsAnewAndSeesThatTheServerIsGone()
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud);
        cloud.Servers.Watches.Enqueue(new Connection([Is(Server.Types.State.Deleting), InSync("old")], Ends: true));
        cloud.Servers.Watches.Enqueue(new Connection([], StatusCode.OutOfRange));
        cloud.Servers.Watches.Enqueue(new Connection([InSync("new")]));

        var outcome = await shell.RunAsync("server", "delete", "web1", "--project", "demo", "--wait");

        Assert.Equal(ExitCode.Done, outcome.Code);
        Assert.Equal(["", "old", ""], cloud.Servers.Watched.Select(request => request.ResumeToken));
    }

    [Fact]
    public async Task Create_WhenItIsDeletedMeanwhile_Fails()
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud);
        var removed = Is(Server.Types.State.Deleting);
        removed.Change = ChangeType.Removed;
        cloud.Servers.Watches.Enqueue(new Connection([Is(Server.Types.State.Pending), InSync(), removed]));

        var outcome = await shell.RunAsync(CreateWaiting);

        Assert.Equal(ExitCode.WaitedFailed, outcome.Code);
        Assert.Contains("deleted meanwhile", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stop_WaitsForStopped_NotForReady()
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud);
        cloud.Servers.Watches.Enqueue(new Connection(
            [Is(Server.Types.State.Stopping), InSync(), Is(Server.Types.State.Stopped)]));

        var outcome = await shell.RunAsync("server", "stop", "web1", "--project", "demo", "--wait");

        Assert.Equal(ExitCode.Done, outcome.Code);
        Assert.Contains("STOPPED", outcome.Out, StringComparison.Ordinal);
    }

    static WatchServersResponse Is(
        Server.Types.State state, params (string Type, Condition.Types.Status Status)[] conditions)
    {
        var server = new Server { Name = "projects/demo/servers/web1", State = state };
        foreach (var (type, status) in conditions)
            server.Conditions.Add(new Condition
            {
                Type = type,
                Status = status,
                Since = Timestamp.FromDateTime(DateTime.UtcNow),
            });
        return new WatchServersResponse { Change = ChangeType.Modified, Server = server };
    }

    static WatchServersResponse InSync(string token = "") => new() { Change = ChangeType.InSync, ResumeToken = token };

    static IEnumerable<string> Lines(string text, string part) =>
        text.Split('\n').Where(line => line.Contains(part, StringComparison.Ordinal));
}
