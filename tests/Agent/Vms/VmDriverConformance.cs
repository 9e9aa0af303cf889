using Monolith.Agent.Vms;

namespace Monolith.Agent.Tests.Vms;

/// <summary>
/// What every hypervisor driver does alike. A driver's tests derive from it and say how to open theirs; the guest need
/// not answer to anything.
/// </summary>
public abstract class VmDriverConformance : IAsyncLifetime
{
    protected static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    private IVmDriver driver = null!;

    protected static CancellationToken Stop => TestContext.Current.CancellationToken;

    /// <summary>A raw image of 1 MiB or less, or whatever the driver takes for one.</summary>
    protected abstract string BaseImage { get; }

    /// <summary>A driver over the same VMs as the one opened before.</summary>
    protected abstract Task<IVmDriver> OpenAsync();

    public virtual async ValueTask InitializeAsync() => driver = await OpenAsync();

    public virtual async ValueTask DisposeAsync()
    {
        foreach (var vm in await driver.ObserveAsync(CancellationToken.None))
            await driver.RemoveAsync(vm.Id, CancellationToken.None);
        await driver.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task Disk_Ensured_IsAStoppedVm()
    {
        var plan = Plans.Small("disk");
        await driver.EnsureDiskAsync(plan, BaseImage, Stop);
        await driver.EnsureDiskAsync(plan, BaseImage, Stop);
        var vm = await OneAsync();
        Assert.Equal((plan.Id, VmPhase.Stopped, null), (vm.Id, vm.Phase, vm.Pid));
    }

    [Fact]
    public async Task Start_Repeated_ActsOnceAndEchoesTheGeneration()
    {
        var plan = await StartedAsync("again");
        var first = await OneAsync();
        Assert.Equal((VmPhase.Running, 1L, false), (first.Phase, first.Generation, first.NeedsRestart));
        await driver.StartAsync(plan with { Generation = 2, Name = "renamed" }, Stop);
        Assert.Equal(first with { Generation = 2 }, await OneAsync());
    }

    [Fact]
    public async Task Start_OfWhatNeedsARestart_SaysSoAndChangesNothing()
    {
        var plan = await StartedAsync("cold");
        var first = await OneAsync();
        var larger = plan with { Generation = 2, Vcpus = 2 };
        await driver.StartAsync(larger, Stop);
        Assert.Equal(first with { NeedsRestart = true }, await OneAsync());
        await driver.RestartAsync(larger, StopMode.Hard, Deadline, Stop);
        var second = await OneAsync();
        Assert.Equal((VmPhase.Running, 2L, false), (second.Phase, second.Generation, second.NeedsRestart));
        Assert.NotEqual(first.Pid, second.Pid);
    }

    [Fact]
    public async Task Rescued_ItNeedsARestart_AndAnotherToBeItselfAgain()
    {
        var plan = await StartedAsync("rescued");
        var rescue = plan with { Generation = 2, Rescue = new VmRescue(plan.Image, plan.ImageFormat, BaseImage) };
        await driver.StartAsync(rescue, Stop);
        Assert.True((await OneAsync()).NeedsRestart);
        await driver.RestartAsync(rescue, StopMode.Hard, Deadline, Stop);
        Assert.Equal((VmPhase.Running, 2L, false), ((await OneAsync()).Phase, (await OneAsync()).Generation, (await OneAsync()).NeedsRestart));
        await driver.StopAsync(plan.Id, StopMode.Hard, Deadline, Stop);
        await driver.StartAsync(rescue, Stop);
        Assert.Equal(VmPhase.Running, (await OneAsync()).Phase);
        await driver.RestartAsync(plan with { Generation = 3 }, StopMode.Hard, Deadline, Stop);
        Assert.Equal((VmPhase.Running, 3L, false), ((await OneAsync()).Phase, (await OneAsync()).Generation, (await OneAsync()).NeedsRestart));
    }

    /// <summary>Makes a tap, as the data plane does before it is used.</summary>
    protected abstract Task MakeTapAsync(VmPort port);

    [Fact]
    public async Task Plug_GivesARunningGuestACard_Once_AndItKeepsItAcrossARestart()
    {
        var plan = await StartedAsync("cards");
        var before = await OneAsync();
        Assert.Equal("", before.Cards);
        var port = Plans.Port(1) with { Tap = "vtcard1", Slot = 2 };
        var more = plan with { Generation = 2, Ports = [port], Slots = 5 };
        await Assert.ThrowsAsync<VmException>(() => driver.PlugAsync(more with { Slots = 2 }, Stop));
        await MakeTapAsync(port);
        await driver.PlugAsync(more, Stop);
        await driver.PlugAsync(more, Stop);
        var plugged = await OneAsync();
        Assert.Equal((before.Pid, before.Since, 2L, false), (plugged.Pid, plugged.Since, plugged.Generation, plugged.NeedsRestart));
        Assert.Equal(more.Cards, plugged.Cards);
        await driver.RestartAsync(more, StopMode.Hard, Deadline, Stop);
        Assert.Equal(more.Cards, (await OneAsync()).Cards);
        await driver.StopAsync(plan.Id, StopMode.Hard, Deadline, Stop);
        var e = await Assert.ThrowsAsync<VmException>(() => driver.PlugAsync(plan, Stop));
        Assert.Equal(VmFailure.NotRunning, e.Reason);
        await driver.StartAsync(plan with { Generation = 3 }, Stop);
        Assert.Equal("", (await OneAsync()).Cards);
    }

    [Fact]
    public async Task Start_WithoutDisk_IsNotFound()
    {
        var e = await Assert.ThrowsAsync<VmException>(() => driver.StartAsync(Plans.Small("none"), Stop));
        Assert.Equal(VmFailure.NotFound, e.Reason);
        Assert.Empty(await driver.ObserveAsync(Stop));
    }

    [Fact]
    public async Task Plan_ThatBreaksARule_IsRefusedAndLeavesNothing()
    {
        var e = await Assert.ThrowsAsync<VmException>(
            () => driver.EnsureDiskAsync(Plans.Small("bad") with { Vcpus = 0, MemoryMib = 0 }, BaseImage, Stop));
        Assert.Equal(VmFailure.InvalidPlan, e.Reason);
        Assert.Contains("vcpus", e.Message, StringComparison.Ordinal);
        Assert.Contains("memory_mib", e.Message, StringComparison.Ordinal);
        Assert.Empty(await driver.ObserveAsync(Stop));
    }

    [Fact]
    public async Task StopAndRemove_OfWhatIsNotHere_AreDone()
    {
        await driver.StopAsync(new VmId("nobody"), StopMode.Graceful, Deadline, Stop);
        await driver.RemoveAsync(new VmId("nobody"), Stop);
        Assert.Empty(await driver.ObserveAsync(Stop));
    }

    [Fact]
    public async Task Stop_ThenStart_RunsAgain()
    {
        var plan = await StartedAsync("turn");
        await driver.StopAsync(plan.Id, StopMode.Hard, Deadline, Stop);
        await driver.StopAsync(plan.Id, StopMode.Hard, Deadline, Stop);
        var stopped = await OneAsync();
        Assert.Equal((VmPhase.Stopped, null), (stopped.Phase, stopped.Pid));
        await driver.StartAsync(plan, Stop);
        Assert.Equal(VmPhase.Running, (await OneAsync()).Phase);
    }

    [Fact]
    public async Task HardStop_OvertakesAGracefulOne()
    {
        var plan = await StartedAsync("hurry");
        var graceful = driver.StopAsync(plan.Id, StopMode.Graceful, TimeSpan.FromHours(1), Stop);
        await driver.StopAsync(plan.Id, StopMode.Hard, Deadline, Stop).WaitAsync(Deadline, Stop);
        await graceful.WaitAsync(Deadline, Stop);
        Assert.Equal(VmPhase.Stopped, (await OneAsync()).Phase);
    }

    [Fact]
    public async Task Remove_OfARunningVm_LeavesNoneAndTheIdIsFree()
    {
        var plan = await StartedAsync("gone");
        await driver.RemoveAsync(plan.Id, Stop);
        Assert.Empty(await driver.ObserveAsync(Stop));
        await driver.EnsureDiskAsync(plan, BaseImage, Stop);
        Assert.Equal(VmPhase.Stopped, (await OneAsync()).Phase);
    }

    [Fact]
    public async Task Reopened_Driver_SeesWhatRuns()
    {
        await StartedAsync("kept");
        var before = await OneAsync();
        await driver.DisposeAsync();
        driver = await OpenAsync();
        Assert.Equal(before, await OneAsync());
    }

    private async Task<VmPlan> StartedAsync(string id)
    {
        var plan = Plans.Small(id);
        await driver.EnsureDiskAsync(plan, BaseImage, Stop);
        await driver.StartAsync(plan, Stop);
        return plan;
    }

    private async Task<VmObservation> OneAsync() => Assert.Single(await driver.ObserveAsync(Stop));
}
