using Grpc.Core;
using Microsoft.Extensions.Time.Testing;
using Monolith.Api.V1;
using Monolith.Cli.Session;
using Monolith.Cli.Tests.Fake;
using Monolith.Compute.V1;
using Monolith.Lb.V1;

namespace Monolith.Cli.Tests;

/// <summary>What a person meets on an ordinary day.</summary>
public sealed class EverydayTests
{
    [Fact]
    public async Task Watch_EndsWithItsTimeout_AndThatIsNoFailure()
    {
        await using var cloud = await Cloud.StartAsync();
        var clock = new FakeTimeProvider(DateTimeOffset.UtcNow);
        using var shell = Shell.Of(cloud, time: clock);
        var watching = shell.RunAsync("server", "watch", "--timeout", "5m", "-p", "demo");
        await cloud.Servers.Watching;
        Assert.False(watching.IsCompleted);
        clock.Advance(TimeSpan.FromMinutes(5));
        var outcome = await watching.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.Equal((ExitCode.Done, ""), (outcome.Code, outcome.Error));
    }

    [Fact]
    public async Task AnEmptyList_SaysSo_ToAPerson()
    {
        await using var cloud = await Cloud.StartAsync();
        using var person = Shell.Of(cloud, interactive: true);
        Assert.Contains("no servers here", (await person.RunAsync("server", "list")).Error, StringComparison.Ordinal);
        using var script = Shell.Of(cloud);
        Assert.Empty((await script.RunAsync("server", "list")).Error);
    }

    [Fact]
    public async Task Create_WithoutWaiting_SaysHowToFollow_ToAPerson()
    {
        await using var cloud = await Cloud.StartAsync();
        string[] line = ["server", "create", "web1", "--flavor", "small", "--image", "debian", "-p", "demo"];
        using var person = Shell.Of(cloud, interactive: true);
        Assert.Contains("`monolith server watch web1`", (await person.RunAsync(line)).Error, StringComparison.Ordinal);
        using var script = Shell.Of(cloud);
        Assert.Empty((await script.RunAsync(line)).Error);
    }

    [Fact]
    public async Task Create_OnlyValidated_SaysWhatItWouldWaitFor()
    {
        await using var cloud = await Cloud.StartAsync();
        cloud.Servers.Foreseen.Add(new Condition
        {
            Type = "Placed",
            Status = Condition.Types.Status.Pending,
            Reason = "NO_VALID_HYPERVISOR",
            Message = "None of 3 hypervisors can take it.",
        });
        string[] line = ["server", "create", "web1", "--flavor", "huge", "--image", "debian", "-p", "demo", "--validate-only"];
        using var shell = Shell.Of(cloud);
        var outcome = await shell.RunAsync(line);
        Assert.Equal("It would wait at Placed: NO_VALID_HYPERVISOR: None of 3 hypervisors can take it.", outcome.Error.Trim());
        // In the others it is part of what is written.
        outcome = await shell.RunAsync([.. line, "-o", "json"]);
        Assert.Empty(outcome.Error);
        Assert.Contains("NO_VALID_HYPERVISOR", outcome.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Delete_Waiting_ShowsWhatItWaitsFor_AndNoFailures()
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud);
        var going = new Server
        {
            Name = "projects/demo/servers/web1",
            State = Server.Types.State.Deleting,
            Conditions =
            {
                new Condition
                {
                    Type = "Running", Status = Condition.Types.Status.False, Reason = "DELETING", Message = "Stopping.",
                },
                new Condition { Type = "Named", Status = Condition.Types.Status.True },
            },
        };
        cloud.Servers.Watches.Enqueue(new Connection(
        [
            new() { Change = ChangeType.Added, Server = going }, new() { Change = ChangeType.InSync },
            new() { Change = ChangeType.Removed, Server = going },
        ]));
        var outcome = await shell.RunAsync("server", "delete", "web1", "-p", "demo", "--wait");
        Assert.Equal(ExitCode.Done, outcome.Code);
        Assert.Equal("projects/demo/servers/web1 is deleted\n", outcome.Out);
        Assert.Contains("Running waits: DELETING: Stopping.", outcome.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("failed", outcome.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("Named", outcome.Error, StringComparison.Ordinal);
    }

    static LoadBalancer Front => new()
    {
        Name = "projects/demo/loadBalancers/front",
        Listeners = { new Listener { Id = "http-80", Protocol = Listener.Types.Protocol.Http, Port = 80, Pool = "web" } },
        Pools =
        {
            new Pool
            {
                Id = "web",
                HealthCheck = new HealthCheck { Rise = 2, Fall = 3 },
                Members =
                {
                    new Member { Id = "web1", Server = "projects/demo/servers/web1", Port = 80, Weight = 100 },
                    new Member { Id = "m2", Address = "10.0.0.7", Port = 8080, Weight = 50, Drain = true },
                },
            },
        },
        MemberStatuses =
        {
            new MemberStatus
            {
                Pool = "web", Member = "web1", Node = "nodes/lb1", Health = MemberStatus.Types.Health.Up,
            },
            new MemberStatus
            {
                Pool = "web", Member = "web1", Node = "nodes/lb2", Health = MemberStatus.Types.Health.Down,
            },
        },
    };

    [Fact]
    public async Task ALoadBalancersParts_AreListed()
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud);
        cloud.Balancers.Kept = Front;
        Assert.Equal("""
            POOL  MEMBER  TARGET    PORT  WEIGHT  DRAIN  HEALTH
            web   web1    web1        80     100  no     lb1=UP lb2=DOWN
            web   m2      10.0.0.7  8080      50  yes    UNKNOWN

            """, (await shell.RunAsync("lb", "member", "list", "front", "-p", "demo")).Out);
        Assert.Contains("http-80", (await shell.RunAsync("lb", "listeners", "ls", "front", "-p", "demo")).Out,
            StringComparison.Ordinal);
        Assert.Contains("rise=2 fall=3", (await shell.RunAsync("lb", "pool", "list", "front", "-p", "demo")).Out,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("web1")]
    [InlineData("web1:80")]
    [InlineData("web=web1:80")]
    public async Task AMember_IsFoundAsItWasAdded(string written)
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud);
        cloud.Balancers.Kept = Front;
        var outcome = await shell.RunAsync("lb", "member", "remove", "front", written, "-p", "demo");
        Assert.Equal((ExitCode.Done, ""), (outcome.Code, outcome.Error));
        Assert.Equal(["m2"], cloud.Balancers.Kept.Pools[0].Members.Select(member => member.Id));
    }

    [Fact]
    public async Task Show_LeavesOutWhatIsEmpty_AndSpeaksNoJson()
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud);
        cloud.Servers.Known.Add(new Server
        {
            Name = "projects/demo/servers/web1",
            ReadyProbe = new ReadyProbe { TcpPort = 22 },
            Networks = { new ServerNetwork() },
        });
        var sheet = (await shell.RunAsync("server", "show", "web1", "-p", "demo")).Out;
        Assert.Contains("tcp_port=22", sheet, StringComparison.Ordinal);
        Assert.DoesNotContain("networks:", sheet, StringComparison.Ordinal);
        Assert.DoesNotContain("{", sheet, StringComparison.Ordinal);
    }
}
