using Monolith.Disks;
using Monolith.Agent.Images;
using Monolith.Agent.Tests.Lab;
using Monolith.Agent.Vms;

namespace Monolith.Agent.Tests.Vms;

/// <summary>What every hypervisor driver does alike when a disk is copied.</summary>
public abstract class VmSnapshotConformance : IAsyncLifetime
{
    protected static CancellationToken Stop => TestContext.Current.CancellationToken;

    protected IVmDriver Driver { get; private set; } = null!;

    protected abstract string BaseImage { get; }

    protected abstract Task<IVmDriver> OpenAsync();

    public virtual async ValueTask InitializeAsync() => Driver = await OpenAsync();

    public virtual async ValueTask DisposeAsync()
    {
        foreach (var vm in await Driver.ObserveAsync(CancellationToken.None))
            await Driver.RemoveAsync(vm.Id, CancellationToken.None);
        await Driver.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    protected async Task ReopenAsync()
    {
        await Driver.DisposeAsync();
        Driver = await OpenAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Copied_ItIsAFileThatStandsOnNoOther_AndTheVmIsAsItWas(bool runs)
    {
        var before = await MadeAsync(runs);
        await Driver.SnapshotAsync(before.Id, "s-1", Stop);
        await Driver.SnapshotAsync(before.Id, "s-1", Stop);
        var whole = await EndedAsync();
        Assert.Equal((SnapshotPhase.Copied, "s-1"), (whole.Snapshot!.Phase, whole.Snapshot.Id));
        Assert.Equal(1L << 30, whole.Snapshot.BytesTotal);
        Assert.Equal(whole.Snapshot.BytesTotal, whole.Snapshot.BytesDone);
        Assert.Equal(before, whole with { Snapshot = null });
        await using (var file = Driver.OpenSnapshot(before.Id, "s-1")!)
        {
            var head = new byte[Qcow2Header.Length];
            await file.ReadExactlyAsync(head, Stop);
            Assert.Null(Qcow2Header.Refuse(head, out var header));
            Assert.Equal(1UL << 30, header.VirtualSize);
        }
        Assert.Null(Driver.OpenSnapshot(before.Id, "s-2"));
        Assert.Null(Driver.OpenSnapshot(new VmId("nobody"), "s-1"));
        // It is not made again, and known to whoever comes.
        await Driver.SnapshotAsync(before.Id, "s-1", Stop);
        Assert.Equal(whole, await OneAsync());
        await ReopenAsync();
        Assert.Equal(whole, await OneAsync());
    }

    [Fact]
    public async Task Dropped_NothingOfItIsLeft_AndTheNextMayFollow()
    {
        var vm = await MadeAsync(runs: true);
        await Driver.SnapshotAsync(vm.Id, "s-1", Stop);
        await Driver.DropSnapshotAsync(vm.Id, Stop);
        await Driver.DropSnapshotAsync(vm.Id, Stop);
        Assert.Equal(vm, await OneAsync());
        Assert.Null(Driver.OpenSnapshot(vm.Id, "s-1"));
        await Driver.SnapshotAsync(vm.Id, "s-2", Stop);
        Assert.Equal(("s-2", SnapshotPhase.Copied), ((await EndedAsync()).Snapshot!.Id, (await OneAsync()).Snapshot!.Phase));
        // Another one takes its place.
        await Driver.SnapshotAsync(vm.Id, "s-3", Stop);
        Assert.Equal("s-3", (await EndedAsync()).Snapshot!.Id);
        Assert.Null(Driver.OpenSnapshot(vm.Id, "s-2"));
    }

    [Fact]
    public async Task StoppedAndStartedMeanwhile_ItIsCopiedAllTheSame()
    {
        var vm = await MadeAsync(runs: true);
        await Driver.SnapshotAsync(vm.Id, "s-1", Stop);
        await Driver.StopAsync(vm.Id, StopMode.Hard, TimeSpan.FromSeconds(1), Stop);
        Assert.Equal(VmPhase.Stopped, (await OneAsync()).Phase);
        await Driver.StartAsync(Plans.Small("vm"), Stop);
        Assert.Equal(VmPhase.Running, (await OneAsync()).Phase);
        Assert.Equal(SnapshotPhase.Copied, (await EndedAsync()).Snapshot!.Phase);
    }

    [Fact]
    public async Task Removed_ItsCopyIsGoneWithIt()
    {
        var vm = await MadeAsync(runs: false);
        await Driver.SnapshotAsync(vm.Id, "s-1", Stop);
        await Driver.RemoveAsync(vm.Id, Stop);
        Assert.Empty(await Driver.ObserveAsync(Stop));
        Assert.Null(Driver.OpenSnapshot(vm.Id, "s-1"));
    }

    [Fact]
    public async Task OfWhatIsNotHere_ThereIsNone()
    {
        var e = await Assert.ThrowsAsync<VmException>(() => Driver.SnapshotAsync(new VmId("nobody"), "s-1", Stop));
        Assert.Equal(VmFailure.NotFound, e.Reason);
        await Driver.DropSnapshotAsync(new VmId("nobody"), Stop);
    }

    protected async Task<VmObservation> MadeAsync(bool runs)
    {
        var plan = Plans.Small("vm");
        await Driver.EnsureDiskAsync(plan, BaseImage, Stop);
        if (runs) await Driver.StartAsync(plan, Stop);
        return await OneAsync();
    }

    protected async Task<VmObservation> EndedAsync()
    {
        await Eventually.HoldsAsync(
            async () => (await OneAsync()).Snapshot is { Phase: not SnapshotPhase.Copying }, "the copy ends", seconds: 60);
        return await OneAsync();
    }

    protected async Task<VmObservation> OneAsync() => Assert.Single(await Driver.ObserveAsync(Stop));
}
