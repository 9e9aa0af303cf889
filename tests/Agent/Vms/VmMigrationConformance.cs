using Monolith.Agent.Tests.Lab;
using Monolith.Agent.Vms;

namespace Monolith.Agent.Tests.Vms;

/// <summary>What two hypervisors' drivers of one kind do alike when a guest goes from one to the other.</summary>
public abstract class VmMigrationConformance : IAsyncLifetime
{
    private static readonly string Secret = string.Concat(Enumerable.Repeat("0123456789abcdef", 4));

    private IVmDriver source = null!, target = null!;
    private VmDrive? drive;

    protected static CancellationToken Stop => TestContext.Current.CancellationToken;

    protected abstract string BaseImage { get; }

    protected abstract Task<IVmDriver> OpenAsync(string machine);

    public virtual async ValueTask InitializeAsync()
    {
        source = await OpenAsync("source");
        target = await OpenAsync("target");
    }

    public virtual async ValueTask DisposeAsync()
    {
        foreach (var driver in new[] { source, target })
        {
            foreach (var vm in await driver.ObserveAsync(CancellationToken.None))
                await driver.RemoveAsync(vm.Id, CancellationToken.None);
            await driver.DisposeAsync();
        }

        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task Receive_Repeated_WaitsForAGuestAndRunsNone()
    {
        var plan = await WaitingAsync("m-1");
        var first = await OneAsync(target);
        await target.ReceiveAsync(plan with { Generation = 2 }, Incoming("m-1"), Stop);
        Assert.Equal(first with { Generation = 2 }, await OneAsync(target));
        Assert.Equal((VmPhase.Incoming, MigrationPhase.Listening), (first.Phase, first.Migration!.Phase));
        var e = await Assert.ThrowsAsync<VmException>(() => target.StartAsync(plan, Stop));
        Assert.Equal(VmFailure.Migrating, e.Reason);
    }

    [Fact]
    public async Task Receive_WithoutDisk_IsNotFound()
    {
        var e = await Assert.ThrowsAsync<VmException>(
            () => target.ReceiveAsync(Plans.Small("none"), Incoming("m-1"), Stop));
        Assert.Equal(VmFailure.NotFound, e.Reason);
    }

    [Fact]
    public async Task Send_ToWhoWaits_TheGuestRunsThereAndNowhereElse()
    {
        var (before, after) = await MovedAsync();
        Assert.Equal((VmPhase.Left, MigrationPhase.Left), (before.Phase, before.Migration!.Phase));
        Assert.NotNull(before.Migration.Downtime);
        Assert.True(before.Migration.BytesTotal > 0);
        Assert.Equal(before.Migration.BytesTotal, before.Migration.BytesDone);
        Assert.Equal((VmPhase.Running, MigrationPhase.Arrived), (after.Phase, after.Migration!.Phase));
        Assert.False(after.NeedsRestart);
        // Again, and late: nothing more happens.
        await source.SendAsync(before.Id, await OutgoingAsync(after.Migration), Stop);
        await source.LetGoAsync(before.Id, Stop);
        await source.CancelSendAsync(before.Id, Stop);
        Assert.Equal(before, await OneAsync(source));
    }

    /// <summary>The machine is the same at both ends, or it would not arrive.</summary>
    [Fact]
    public async Task Send_OfWhatHasADrive_ArrivesWithOne()
    {
        drive = new("config-2") { Files = [new("openstack/latest/meta_data.json", new byte[100])] };
        var (_, after) = await MovedAsync();
        Assert.Equal((VmPhase.Running, false), (after.Phase, after.NeedsRestart));
    }

    [Fact]
    public async Task WhatHasLeft_IsNeitherStartedNorStoppedAndIsRemoved()
    {
        var (before, _) = await MovedAsync();
        var e = await Assert.ThrowsAsync<VmException>(() => source.StartAsync(Plans.Small("source"), Stop));
        Assert.Equal(VmFailure.Migrating, e.Reason);
        await source.StopAsync(before.Id, StopMode.Hard, TimeSpan.FromSeconds(1), Stop);
        Assert.Equal(before, await OneAsync(source));
        await source.RemoveAsync(before.Id, Stop);
        Assert.Empty(await source.ObserveAsync(Stop));
        Assert.Equal(VmPhase.Running, (await OneAsync(target)).Phase);
    }

    [Fact]
    public async Task WhatHasArrived_StopsAndStartsAsAnyOther()
    {
        var (_, after) = await MovedAsync();
        await target.StopAsync(after.Id, StopMode.Hard, TimeSpan.FromSeconds(1), Stop);
        Assert.Equal(VmPhase.Stopped, (await OneAsync(target)).Phase);
        await target.StartAsync(Plans.Small("target"), Stop);
        Assert.Equal(VmPhase.Running, (await OneAsync(target)).Phase);
    }

    [Fact]
    public async Task Reopened_Drivers_KnowWhoLeftAndWhoArrived()
    {
        var (before, after) = await MovedAsync();
        await source.DisposeAsync();
        await target.DisposeAsync();
        source = await OpenAsync("source");
        target = await OpenAsync("target");
        Assert.Equal(before, await OneAsync(source));
        Assert.Equal(after, await OneAsync(target));
    }

    [Fact]
    public async Task Send_ToNobody_FailsWithTheCauseAndTheGuestRunsOn()
    {
        var running = await RunningAsync();
        await source.SendAsync(running.Id, new VmOutgoing("m-1", Secret, "127.0.0.1", 9, 9), Stop);
        await source.LetGoAsync(running.Id, Stop);
        var failed = await EndedAsync(source);
        Assert.Equal(
            (VmPhase.Running, MigrationPhase.Failed, "TARGET_UNREACHABLE"),
            (failed.Phase, failed.Migration!.Phase, failed.Migration.Reason));
        Assert.Equal(running with { Migration = failed.Migration }, failed);
        // A new attempt may follow.
        await WaitingAsync("m-2");
        await source.SendAsync(running.Id, await OutgoingAsync((await OneAsync(target)).Migration!), Stop);
        await source.LetGoAsync(running.Id, Stop);
        Assert.Equal(VmPhase.Left, (await EndedAsync(source)).Phase);
    }

    [Fact]
    public async Task Send_WithAnotherSecret_IsRefusedAndTheTargetWaitsOn()
    {
        var running = await RunningAsync();
        await WaitingAsync("m-1");
        var to = await OutgoingAsync((await OneAsync(target)).Migration!);
        await source.SendAsync(running.Id, to with { Secret = new string('f', 64) }, Stop);
        await source.LetGoAsync(running.Id, Stop);
        var failed = await EndedAsync(source);
        Assert.Equal((VmPhase.Running, MigrationPhase.Failed), (failed.Phase, failed.Migration!.Phase));
        Assert.Equal(MigrationPhase.Listening, (await OneAsync(target)).Migration!.Phase);
    }

    [Fact]
    public async Task Reclaim_OfWhatWasLostAtTheTarget_RunsItHereAgain()
    {
        var (before, after) = await MovedAsync();
        await target.RemoveAsync(after.Id, Stop);
        await source.ReclaimAsync(Plans.Small("source") with { Generation = 5 }, Stop);
        await source.ReclaimAsync(Plans.Small("source") with { Generation = 5 }, Stop);
        var again = await OneAsync(source);
        Assert.Equal(
            (VmPhase.Running, 5L, MigrationPhase.Failed, "TARGET_LOST"),
            (again.Phase, again.Generation, again.Migration!.Phase, again.Migration.Reason));
        Assert.Equal(before.Id, again.Id);
    }

    [Fact]
    public async Task Send_OfWhatDoesNotRun_IsRefused()
    {
        await source.EnsureDiskAsync(Plans.Small("source"), BaseImage, Stop);
        var e = await Assert.ThrowsAsync<VmException>(
            () => source.SendAsync(new VmId("source"), new VmOutgoing("m-1", Secret, "127.0.0.1", 9, 9), Stop));
        Assert.Equal(VmFailure.NotFound, e.Reason);
        await source.CancelSendAsync(new VmId("source"), Stop);
        await source.CancelSendAsync(new VmId("nobody"), Stop);
    }

    [Fact]
    public async Task Stopped_ItsDiskGoes_AndNothingRunsAtEitherEnd()
    {
        var (before, after) = await CarriedAsync();
        Assert.Equal(
            (VmPhase.Left, MigrationPhase.Left, (TimeSpan?)null),
            (before.Phase, before.Migration!.Phase, before.Migration.Downtime));
        Assert.Equal(before.Migration.BytesTotal, before.Migration.BytesDone);
        Assert.Equal(
            (VmPhase.Stopped, MigrationPhase.Arrived, (int?)null), (after.Phase, after.Migration!.Phase, after.Pid));
        // Neither end's next driver thinks otherwise.
        await source.DisposeAsync();
        await target.DisposeAsync();
        source = await OpenAsync("source");
        target = await OpenAsync("target");
        Assert.Equal(before, await OneAsync(source));
        Assert.Equal(after, await OneAsync(target));
        var e = await Assert.ThrowsAsync<VmException>(() => source.StartAsync(Plans.Small("source"), Stop));
        Assert.Equal(VmFailure.Migrating, e.Reason);
        await target.StartAsync(Plans.Small("target"), Stop);
        Assert.Equal(VmPhase.Running, (await OneAsync(target)).Phase);
        await source.RemoveAsync(before.Id, Stop);
        Assert.Empty(await source.ObserveAsync(Stop));
    }

    [Fact]
    public async Task Stopped_SentToNobody_IsStoppedWhereItWas()
    {
        await source.EnsureDiskAsync(Plans.Small("source"), BaseImage, Stop);
        var id = (await OneAsync(source)).Id;
        await source.SendAsync(id, new VmOutgoing("m-1", Secret, "127.0.0.1", 9, 9, Stopped: true), Stop);
        var failed = await RestedAsync(source);
        Assert.Equal(
            (MigrationPhase.Failed, "TARGET_UNREACHABLE"), (failed.Migration!.Phase, failed.Migration.Reason));
        await source.StopAsync(id, StopMode.Graceful, TimeSpan.FromSeconds(1), Stop);
        await source.StartAsync(Plans.Small("source"), Stop);
        Assert.Equal(VmPhase.Running, (await OneAsync(source)).Phase);
    }

    [Fact]
    public async Task Stopped_AsARunningOneOrTheOtherWayRound_IsRefused()
    {
        var running = await RunningAsync();
        var to = new VmOutgoing("m-1", Secret, "127.0.0.1", 9, 9, Stopped: true);
        var e = await Assert.ThrowsAsync<VmException>(() => source.SendAsync(running.Id, to, Stop));
        Assert.Equal(VmFailure.Migrating, e.Reason);
        Assert.Equal(running, await OneAsync(source));
    }

    [Fact]
    public async Task Stopped_LostAtTheTarget_IsStoppedHereAgain()
    {
        var (before, after) = await CarriedAsync();
        await target.RemoveAsync(after.Id, Stop);
        for (var i = 0; i < 2; i++) await source.ReclaimAsync(Plans.Small("source") with { Generation = 5 }, Stop);
        var again = await RestedAsync(source);
        Assert.Equal(
            (before.Id, 5L, MigrationPhase.Failed, "TARGET_LOST"),
            (again.Id, again.Generation, again.Migration!.Phase, again.Migration.Reason));
        await source.StartAsync(Plans.Small("source"), Stop);
        Assert.Equal(VmPhase.Running, (await OneAsync(source)).Phase);
    }

    private async Task<(VmObservation Source, VmObservation Target)> CarriedAsync()
    {
        await source.EnsureDiskAsync(Plans.Small("source"), BaseImage, Stop);
        await target.EnsureDiskAsync(Plans.Small("target"), BaseImage, Stop);
        await target.ReceiveAsync(Plans.Small("target"), Incoming("m-1") with { Stopped = true }, Stop);
        var open = await OneAsync(target);
        Assert.Equal((VmPhase.Incoming, MigrationPhase.Listening), (open.Phase, open.Migration!.Phase));
        var id = (await OneAsync(source)).Id;
        var to = await OutgoingAsync(open.Migration);
        await source.SendAsync(id, to with { Stopped = true }, Stop);
        await source.LetGoAsync(id, Stop);
        var left = await EndedAsync(source);
        await source.SendAsync(id, to with { Stopped = true }, Stop);
        Assert.Equal(left, await OneAsync(source));
        return (left, await RestedAsync(target));
    }

    private static async Task<VmObservation> RestedAsync(IVmDriver driver)
    {
        await Eventually.HoldsAsync(
            async () => await OneAsync(driver) is { Phase: VmPhase.Stopped, Migration: not null }, "it is stopped", seconds: 60);
        return await OneAsync(driver);
    }

    private static VmIncoming Incoming(string migration) => new(migration, Secret, "127.0.0.1");

    private static Task<VmOutgoing> OutgoingAsync(VmMigration listening) => Task.FromResult(
        new VmOutgoing(listening.Id, Secret, listening.Host, listening.MemoryPort, listening.DiskPort));

    private async Task<VmObservation> RunningAsync()
    {
        var plan = Plans.Small("source") with { Drive = drive };
        await source.EnsureDiskAsync(plan, BaseImage, Stop);
        await source.StartAsync(plan, Stop);
        return await OneAsync(source);
    }

    private async Task<VmPlan> WaitingAsync(string migration)
    {
        var plan = Plans.Small("target") with { Drive = drive };
        await target.EnsureDiskAsync(plan, BaseImage, Stop);
        await target.ReceiveAsync(plan, Incoming(migration), Stop);
        return plan;
    }

    private async Task<(VmObservation Source, VmObservation Target)> MovedAsync()
    {
        var running = await RunningAsync();
        await WaitingAsync("m-1");
        await source.SendAsync(running.Id, await OutgoingAsync((await OneAsync(target)).Migration!), Stop);
        await source.LetGoAsync(running.Id, Stop);
        var left = await EndedAsync(source);
        await Eventually.HoldsAsync(
            async () => (await OneAsync(target)).Phase == VmPhase.Running,
            "the guest arrives", seconds: 60);
        return (left, await OneAsync(target));
    }

    private static async Task<VmObservation> EndedAsync(IVmDriver driver)
    {
        await Eventually.HoldsAsync(
            async () => (await OneAsync(driver)).Migration is { IsSending: false },
            "the sending ends", seconds: 60);
        return await OneAsync(driver);
    }

    private static async Task<VmObservation> OneAsync(IVmDriver driver) =>
        Assert.Single(await driver.ObserveAsync(Stop));
}
