using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Monolith.Agent.Emulated;
using Monolith.Agent.L7;
using Monolith.Agent.Native.Safe;
using Monolith.Agent.Tests.L7;
using Monolith.Agent.Tests.Lab;
using Monolith.Agent.Tests.Vms;

namespace Monolith.Agent.Tests.Conformance;

/// <summary>What every driver of load balancers does, real or emulated. Members refuse connections or answer.</summary>
public abstract class LoadBalancerConformance : IAsyncLifetime
{
    private readonly TcpListener member = new(IPAddress.Loopback, 0);
    private readonly int port = FreePort();

    protected static CancellationToken Stop => TestContext.Current.CancellationToken;

    protected abstract ILoadBalancerDriver Driver { get; }

    private LoadBalancerPlan Plan => Balancers.Plan("lb", port, Member("a"));

    /// <summary>The data plane ends, and nobody had asked for it.</summary>
    protected abstract void Crash();

    protected abstract Task OpenAsync();

    protected abstract ValueTask CloseAsync();

    public async ValueTask InitializeAsync()
    {
        member.Start();
        await OpenAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        member.Dispose();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task Nothing_IsInForce_AndHasNothingToShow()
    {
        await Driver.ApplyAsync([], Stop);
        Assert.True(Driver.InForce);
        Assert.Empty(await Driver.ObserveAsync(Stop));
        Assert.NotEmpty(Driver.Version);
    }

    [Fact]
    public async Task Apply_TwiceIsOnce_AndWhatIsNotNamedIsRemoved()
    {
        for (var i = 0; i < 2; i++)
        {
            await Driver.ApplyAsync([Plan], Stop);
            Assert.Equal((new("lb"), 1L, true, ""), Facts(await OneAsync()));
            Assert.True(Driver.InForce);
        }
        var other = Plan with { Id = new("other"), Generation = 7 };
        await Driver.ApplyAsync([other], Stop);
        Assert.Equal((new("other"), 7L, true, ""), Facts(await OneAsync()));
        await Driver.ApplyAsync([], Stop);
        Assert.Empty(await Driver.ObserveAsync(Stop));
    }

    [Fact]
    public async Task Members_OfUsedPoolsAreShown_EachByItsState()
    {
        var plan = Plan.With(Member("a"), Member("b") with { State = MemberState.Drain },
            Member("c") with { State = MemberState.Disabled }, Member("d") with { Weight = 0 });
        plan = plan with { Pools = [.. plan.Pools, plan.Pools[0] with { Id = new("unused") }] };
        await Driver.ApplyAsync([plan], Stop);
        var members = (await OneAsync()).Members;
        Assert.All(members, m => Assert.Equal("web", m.Pool.Value));
        Assert.Equal(
            [("a", MemberHealth.Unchecked), ("b", MemberHealth.Draining), ("c", MemberHealth.Disabled),
                ("d", MemberHealth.Draining)],
            members.Select(m => (m.Member.Value, m.Health)));
    }

    [Fact]
    public async Task Members_ThatAreChecked_AreUpOnceTheyAnswer()
    {
        var plan = Plan with { Pools = [Plan.Pools[0] with { Check = new(IntervalMilliseconds: 100, Rise: 1) }] };
        await Driver.ApplyAsync([plan], Stop);
        await Eventually.HoldsAsync(
            async () => (await OneAsync()).Members.Single().Health == MemberHealth.Up, "the member is up");
    }

    [Fact]
    public async Task Plan_ThatIsRefused_LeavesItsLastGoodOneAndTheOthers()
    {
        var good = Balancers.Plan("good", FreePort(), Member("g"));
        await Driver.ApplyAsync([Plan, good], Stop);
        var bad = Plan.With(Member("a"), Member("a") with { Port = 0 }, Member("b") with { Weight = 1000 });
        var never = bad with { Id = new("never") };
        await Driver.ApplyAsync([bad, good.With(Member("h")), never], Stop);
        var observed = (await Driver.ObserveAsync(Stop)).ToDictionary(o => o.Id.Value);
        Assert.Equal((2, false), (observed["lb"].Generation, observed["lb"].Applied));
        foreach (var part in new[] { "two members", "port 0", "weight 1000" })
            Assert.Contains(part, observed["lb"].Cause, StringComparison.Ordinal);
        // What was served before is served on, and what never was is not.
        Assert.Equal(["a"], observed["lb"].Members.Select(m => m.Member.Value));
        Assert.Equal((2, true), (observed["good"].Generation, observed["good"].Applied));
        Assert.Equal(["h"], observed["good"].Members.Select(m => m.Member.Value));
        Assert.False(observed["never"].Applied);
        Assert.Empty(observed["never"].Members);
        await Driver.ApplyAsync([bad with { Generation = 3, Pools = Plan.Pools }], Stop);
        Assert.Equal((new("lb"), 3L, true, ""), Facts(await OneAsync()));
    }

    [Fact]
    public async Task Addresses_ThatAreElsewhereOrAnothers_AreRefused()
    {
        var elsewhere = Plan with { Id = new("elsewhere"), Vips = [IPAddress.Parse("192.0.2.77")] };
        await Driver.ApplyAsync([Plan, elsewhere, Plan with { Id = new("thief") }], Stop);
        var observed = (await Driver.ObserveAsync(Stop)).ToDictionary(o => o.Id.Value);
        Assert.True(observed["lb"].Applied);
        Assert.Contains("192.0.2.77 is not on this node", observed["elsewhere"].Cause, StringComparison.Ordinal);
        Assert.Contains("belongs to load balancer lb", observed["thief"].Cause, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Plans_WithOneId_AreRefused()
    {
        await Driver.ApplyAsync([Plan, Plan with { Generation = 2 }], Stop);
        Assert.Contains("planned twice", (await OneAsync()).Cause, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Crash_IsToldAndShown_AndTheNextApplyStarts()
    {
        await Driver.ApplyAsync([Plan], Stop);
        var ended = new TaskCompletionSource();
        Driver.Ended += () => ended.TrySetResult();
        Crash();
        await ended.Task.WaitAsync(TimeSpan.FromSeconds(20), Stop);
        Assert.False(Driver.InForce);
        var crashed = await OneAsync();
        Assert.False(crashed.Applied);
        Assert.Contains("not running", crashed.Cause, StringComparison.Ordinal);
        Assert.Equal(MemberHealth.Unknown, Assert.Single(crashed.Members).Health);
        await Driver.ApplyAsync([Plan], Stop);
        Assert.True(Driver.InForce);
        Assert.Equal((new("lb"), 1L, true, ""), Facts(await OneAsync()));
    }

    private MemberPlan Member(string id) => Balancers.Member(id, ((IPEndPoint)member.LocalEndpoint).Port);

    private async Task<LoadBalancerObservation> OneAsync() => Assert.Single(await Driver.ObserveAsync(Stop));

    private static (LoadBalancerId Id, long Generation, bool Applied, string Cause) Facts(LoadBalancerObservation of) =>
        (of.Id, of.Generation, of.Applied, of.Cause);

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}

public sealed class EmulatedLoadBalancerConformance : LoadBalancerConformance
{
    private readonly EmulatedLoadBalancers driver = new(new EmulatedRouting(2));

    protected override ILoadBalancerDriver Driver => driver;

    protected override void Crash() => driver.Crash();

    protected override Task OpenAsync() => Task.CompletedTask;

    protected override ValueTask CloseAsync() => driver.DisposeAsync();
}

[Trait("Needs", "root")]
public sealed class HaproxyConformance : LoadBalancerConformance
{
    private readonly Scratch scratch = new();
    private HaproxyDriver driver = null!;

    protected override ILoadBalancerDriver Driver => driver;

    protected override void Crash()
    {
        using var handle = ProcessHandle.Adopt(ProcessIdentity.Of(driver.Pid!.Value)!.Value)!;
        handle.Kill();
    }

    protected override async Task OpenAsync() => driver = await HaproxyDriver.OpenAsync(
        new HaproxyOptions { Directory = scratch.In("l7") }, TimeProvider.System, NullLogger.Instance, Stop);

    protected override async ValueTask CloseAsync()
    {
        await driver.ApplyAsync([], CancellationToken.None);
        await driver.DisposeAsync();
        scratch.Dispose();
    }
}
