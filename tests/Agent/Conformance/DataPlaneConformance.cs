using System.Net;
using Monolith.Agent.Emulated;
using Monolith.Agent.Network;
using Monolith.Agent.Tests.Lab;

namespace Monolith.Agent.Tests.Conformance;

/// <summary>What every data plane does, real or emulated.</summary>
public abstract class DataPlaneConformance : IAsyncDisposable
{
    protected static CancellationToken Stop => TestContext.Current.CancellationToken;

    private static PortPlan Plan { get; } = DataPlaneLab.Plan(
        1, new RuleSpec(RuleDirection.Ingress, RemoteSetId: "friends"));

    protected abstract IDataPlane Plane { get; }

    /// <summary>A guest opens its side of the tap, and closes it.</summary>
    protected abstract void SetGuest(PortPlan plan, bool on);

    public abstract ValueTask DisposeAsync();

    private async Task<PortObservation?> LookAsync() =>
        (await Plane.ObserveAsync(Stop)).SingleOrDefault(p => p.PortId == Plan.PortId);

    private Task UntilAsync(Func<PortObservation?, bool> holds, string what) =>
        Eventually.HoldsAsync(async () => holds(await LookAsync()), what);

    [Fact]
    public async Task Ensure_TwiceIsOnce_AndIsFilteredWithoutCarrier()
    {
        await Plane.PrepareAsync(Stop);
        await Plane.EnsureSetsAsync([new AddressSetPlan("friends", [IPAddress.Parse("10.64.0.9")])], Stop);
        for (var i = 0; i < 2; i++)
        {
            await Plane.EnsurePortAsync(Plan, Stop);
            var port = await LookAsync();
            Assert.Equal(
                (true, true, true, false, ""), (port!.Exists, port.Filtered, port.Planned, port.Carrier, port.Problem));
            Assert.Empty(port.Routed);
            Assert.Equal(Plan.TapName, port.TapName);
        }
    }

    [Fact]
    public async Task Ensure_NamingASetThatNobodyMade_CountsItAsEmpty()
    {
        await Plane.PrepareAsync(Stop);
        await Plane.EnsurePortAsync(Plan, Stop);
        Assert.True((await LookAsync())!.Filtered);
    }

    [Fact]
    public async Task Guest_BringsRoutes_AndTakesThemAway()
    {
        await Plane.PrepareAsync(Stop);
        await Plane.EnsurePortAsync(Plan, Stop);
        SetGuest(Plan, on: true);
        await UntilAsync(p => p is { Carrier: true } && p.Routed.ToHashSet().SetEquals(Plan.Addresses), "routes");
        SetGuest(Plan, on: false);
        await UntilAsync(p => p is { Carrier: false, Routed.Count: 0 }, "no routes");
    }

    [Fact]
    public async Task WrongPlans_AreRefusedWithEveryViolation_AndChangeNothing()
    {
        await Plane.PrepareAsync(Stop);
        var fault = await Assert.ThrowsAsync<InvalidPlanException>(
            () => Plane.EnsurePortAsync(Plan with { Mtu = 1, Addresses = [] }, Stop));
        Assert.Equal(2, fault.Violations.Count);
        await Assert.ThrowsAsync<InvalidPlanException>(
            () => Plane.EnsureSetsAsync([new AddressSetPlan("no spaces", [])], Stop));
        Assert.Null(await LookAsync());
    }

    [Fact]
    public async Task Remove_MayBeRepeated_AndOfNothingIsDone()
    {
        await Plane.PrepareAsync(Stop);
        await Plane.RemovePortAsync("nobody", Stop);
        await Plane.RemoveSetsAsync(["nobody"], Stop);
        await Plane.EnsurePortAsync(Plan, Stop);
        await Plane.RemovePortAsync(Plan.PortId, Stop);
        await Plane.RemovePortAsync(Plan.PortId, Stop);
        Assert.Null(await LookAsync());
    }
}

public sealed class EmulatedDataPlaneConformance : DataPlaneConformance
{
    private readonly EmulatedDataPlane plane = new();

    protected override IDataPlane Plane => plane;

    protected override void SetGuest(PortPlan plan, bool on) => plane.SetCarrier(plan.TapName, on);

    public override ValueTask DisposeAsync() => plane.DisposeAsync();
}

[Trait("Needs", "root")]
public sealed class LinuxDataPlaneConformance : DataPlaneConformance
{
    private readonly DataPlaneLab lab = new();
    private Guest? guest;

    protected override IDataPlane Plane => lab.Plane;

    protected override void SetGuest(PortPlan plan, bool on)
    {
        guest ??= new Guest(lab.Hypervisor, plan.TapName, plan.Mac, "conform");
        if (on) guest.PowerOn();
        else guest.PowerOff();
    }

    public override async ValueTask DisposeAsync()
    {
        guest?.Dispose();
        await lab.DisposeAsync();
    }
}
