using Microsoft.Extensions.Logging.Abstractions;
using Monolith.Agent.Emulated;
using Monolith.Agent.Tests.Vms;
using Monolith.Agent.Vms;

namespace Monolith.Agent.Tests.Conformance;

/// <summary>What every driver of VMs does, real or emulated: reconcilers rely on these and on nothing else.</summary>
public abstract class VmDriverConformance : IAsyncLifetime
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);
    private IVmDriver _driver = null!;

    protected static CancellationToken Stop => TestContext.Current.CancellationToken;

    private static VmPlan Plan { get; } = Plans.Small("conform");

    protected abstract Task<IVmDriver> OpenAsync();

    /// <summary>Another agent takes over what the driver left.</summary>
    protected abstract Task<IVmDriver> ReopenAsync(IVmDriver driver);

    protected abstract string BaseImage { get; }

    public async ValueTask InitializeAsync() => _driver = await OpenAsync();

    public virtual async ValueTask DisposeAsync()
    {
        foreach (var vm in await _driver.ObserveAsync(CancellationToken.None))
            await _driver.RemoveAsync(vm.Id, CancellationToken.None);
        await _driver.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    private async Task<VmObservation?> LookAsync() => (await _driver.ObserveAsync(Stop)).SingleOrDefault(v => v.Id == Plan.Id);

    private async Task StartAsync()
    {
        await _driver.EnsureDiskAsync(Plan, BaseImage, Stop);
        await _driver.StartAsync(Plan, Stop);
    }

    [Fact]
    public async Task Nothing_IsObserved_BeforeThereIsADisk() => Assert.Null(await LookAsync());

    [Fact]
    public async Task EnsureDisk_TwiceIsOnce_AndTheVmIsStopped()
    {
        await _driver.EnsureDiskAsync(Plan, BaseImage, Stop);
        var first = await LookAsync();
        await _driver.EnsureDiskAsync(Plan, BaseImage, Stop);
        Assert.Equal(VmPhase.Stopped, first?.Phase);
        Assert.Equal(first, await LookAsync());
    }

    [Fact]
    public async Task Start_TwiceIsOneRun_AndGivesTheGenerationActedOn()
    {
        await StartAsync();
        var first = await LookAsync();
        await _driver.StartAsync(Plan with { Generation = 2 }, Stop);
        Assert.Equal((VmPhase.Running, 1L, false), (first!.Phase, first.Generation, first.NeedsRestart));
        Assert.Equal(first with { Generation = 2 }, await LookAsync());
    }

    [Fact]
    public async Task Start_OfALargerPlanWhileItRuns_NeedsARestart()
    {
        await StartAsync();
        await _driver.StartAsync(Plan with { Generation = 2, Vcpus = 2 }, Stop);
        var before = await LookAsync();
        Assert.Equal((1L, true), (before!.Generation, before.NeedsRestart));
        await _driver.RestartAsync(Plan with { Generation = 2, Vcpus = 2 }, StopMode.Hard, Deadline, Stop);
        var after = await LookAsync();
        Assert.Equal((VmPhase.Running, 2L, false), (after!.Phase, after.Generation, after.NeedsRestart));
        Assert.True(after.Since > before.Since, "a later run is younger");
        Assert.NotEqual(before.Pid, after.Pid);
    }

    [Fact]
    public async Task Start_WithoutADisk_IsNotFound()
    {
        var fault = await Assert.ThrowsAsync<VmException>(() => _driver.StartAsync(Plan, Stop));
        Assert.Equal(VmFailure.NotFound, fault.Reason);
    }

    [Fact]
    public async Task WrongPlan_IsRefused_AndLeavesNothing()
    {
        var fault = await Assert.ThrowsAsync<VmException>(
            () => _driver.EnsureDiskAsync(Plan with { Vcpus = 0 }, BaseImage, Stop));
        Assert.Equal(VmFailure.InvalidPlan, fault.Reason);
        Assert.Null(await LookAsync());
    }

    [Fact]
    public async Task Stop_MayBeRepeated_AndOfNothingIsDone()
    {
        await _driver.StopAsync(new VmId("nobody"), StopMode.Hard, Deadline, Stop);
        await StartAsync();
        await _driver.StopAsync(Plan.Id, StopMode.Hard, Deadline, Stop);
        await _driver.StopAsync(Plan.Id, StopMode.Hard, Deadline, Stop);
        Assert.Equal((VmPhase.Stopped, null), ((await LookAsync())!.Phase, (await LookAsync())!.Pid));
        await _driver.StartAsync(Plan, Stop);
        Assert.Equal(VmPhase.Running, (await LookAsync())!.Phase);
    }

    [Fact]
    public async Task Remove_OfWhatRuns_LeavesNothing_AndMayBeRepeated()
    {
        await StartAsync();
        await _driver.RemoveAsync(Plan.Id, Stop);
        await _driver.RemoveAsync(Plan.Id, Stop);
        Assert.Null(await LookAsync());
    }

    [Fact]
    public async Task Reopen_FindsTheSameRun()
    {
        await StartAsync();
        var before = await LookAsync();
        _driver = await ReopenAsync(_driver);
        Assert.Equal(before, await LookAsync());
    }

    [Fact]
    public async Task Events_TellOfStartAndStop()
    {
        await StartAsync();
        await _driver.StopAsync(Plan.Id, StopMode.Hard, Deadline, Stop);
        var seen = new List<VmEventKind>();
        using var patience = new CancellationTokenSource(Deadline);
        while (!seen.Contains(VmEventKind.Stopped))
        {
            var happened = await _driver.Events.ReadAsync(patience.Token);
            Assert.Equal(Plan.Id, happened.Id);
            seen.Add(happened.Kind);
        }

        Assert.Contains(VmEventKind.Started, seen);
    }
}

public sealed class EmulatedVmConformance : VmDriverConformance
{
    protected override string BaseImage => "";

    protected override Task<IVmDriver> OpenAsync() => Task.FromResult<IVmDriver>(
        new EmulatedVms(Emulation.Instant, new EmulatedDataPlane(), TimeProvider.System));

    protected override Task<IVmDriver> ReopenAsync(IVmDriver driver) => Task.FromResult(driver);
}

[Trait("Needs", "root")]
[Collection("qemu")]
public sealed class QemuVmConformance : VmDriverConformance
{
    private readonly Scratch _scratch = new();

    protected override string BaseImage => _scratch.In("base.img");

    protected override async Task<IVmDriver> OpenAsync()
    {
        await File.WriteAllBytesAsync(BaseImage, new byte[1 << 20], Stop);
        return await QemuDriver.OpenAsync(
            new QemuOptions { VmsDirectory = _scratch.In("vms"), Accelerator = "tcg", CgroupName = "monolith-conformance" },
            TimeProvider.System, NullLogger.Instance, Stop);
    }

    protected override async Task<IVmDriver> ReopenAsync(IVmDriver driver)
    {
        await driver.DisposeAsync();
        return await OpenAsync();
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _scratch.Dispose();
        GC.SuppressFinalize(this);
    }
}
