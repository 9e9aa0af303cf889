using System.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;
using Monolith.Agent.Images;
using Monolith.Agent.Native.Safe;
using Monolith.Agent.Tests.Lab;
using Monolith.Agent.Vms;
using Monolith.Disks.Iso;
using Monolith.Disks;
using Monolith.Agent.Vms.Qmp;

namespace Monolith.Agent.Tests.Vms;

/// <summary>Real QEMU with a blank disk: its life needs no operating system.</summary>
[Trait("Needs", "root")]
[Collection("qemu")]
public sealed class QemuDriverTests : IAsyncLifetime
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);
    private readonly Scratch scratch = new();
    private QemuDriver driver = null!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private string Base => scratch.In("base.img");

    /// <summary>Longer than the address of a unix socket may be.</summary>
    private string Vms => scratch.In(new string('d', 120), "vms");

    public async ValueTask InitializeAsync()
    {
        await File.WriteAllBytesAsync(Base, new byte[1 << 20], Stop);
        driver = await OpenAsync();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var vm in await driver.ObserveAsync(CancellationToken.None))
            await driver.RemoveAsync(vm.Id, CancellationToken.None);
        await driver.DisposeAsync();
        scratch.Dispose();
    }

    [Fact]
    public async Task Life_StartAdoptStopRemove_LeavesNothing()
    {
        var plan = Plans.Small("life");
        await driver.EnsureDiskAsync(plan, Base, Stop);
        await driver.EnsureDiskAsync(plan, Base, Stop);
        Assert.Equal(VmPhase.Stopped, (await OneAsync()).Phase);
        await driver.StartAsync(plan, Stop);
        var running = await OneAsync();
        Assert.Equal((VmPhase.Running, 1, false), (running.Phase, running.Generation, running.NeedsRestart));

        // Starting what runs changes nothing but the generation that was acted on.
        await driver.StartAsync(plan with { Generation = 2 }, Stop);
        Assert.Equal(running with { Generation = 2 }, await OneAsync());
        await driver.StartAsync(plan with { Generation = 3, Vcpus = 2 }, Stop);
        Assert.Equal(running with { Generation = 2, NeedsRestart = true }, await OneAsync());

        await ReopenAsync();
        Assert.Equal(running with { Generation = 2, NeedsRestart = true }, await OneAsync());
        Assert.Contains(plan.Image, driver.ImagesInUse());

        await driver.RestartAsync(plan with { Generation = 3, Vcpus = 2 }, StopMode.Hard, Deadline, Stop);
        var restarted = await OneAsync();
        Assert.Equal((VmPhase.Running, 3, false), (restarted.Phase, restarted.Generation, restarted.NeedsRestart));
        Assert.NotEqual(running.Pid, restarted.Pid);
        Assert.Null(ProcessIdentity.Of(running.Pid!.Value));

        await driver.StopAsync(plan.Id, StopMode.Hard, Deadline, Stop);
        await driver.StopAsync(plan.Id, StopMode.Hard, Deadline, Stop);
        Assert.Equal(VmPhase.Stopped, (await OneAsync()).Phase);
        Assert.Null(ProcessIdentity.Of(restarted.Pid!.Value));
        await driver.StartAsync(plan with { Generation = 4 }, Stop);
        var last = await OneAsync();
        await driver.RemoveAsync(plan.Id, Stop);
        await driver.RemoveAsync(plan.Id, Stop);
        Assert.Empty(await driver.ObserveAsync(Stop));
        Assert.Empty(Directory.EnumerateFileSystemEntries(Vms));
        Assert.Null(ProcessIdentity.Of(last.Pid!.Value));
        Assert.False(Directory.Exists("/sys/fs/cgroup/memory/monolith-test/life"));
    }

    /// <summary>Its own disk has nothing to boot from; what it is rescued with powers off at once.</summary>
    [Fact]
    public async Task Rescued_ItBootsFromTheImage_OnADiskThatIsGoneAfterwards()
    {
        var plan = await StartedAsync("rescue");
        await File.WriteAllBytesAsync(scratch.In("rescue.img"), BootGuests.PowersOffAtOnce, Stop);
        var rescue = new VmRescue(plan.Image, DiskFormat.Raw, scratch.In("rescue.img"));
        await driver.RestartAsync(plan with { Generation = 2, Rescue = rescue }, StopMode.Hard, Deadline, Stop);
        await Eventually.HoldsAsync(async () => (await OneAsync()).Phase == VmPhase.Stopped, "its guest powers off", 60);
        Assert.Equal("its guest powered off", (await OneAsync()).Cause);
        Assert.False(File.Exists(Path.Combine(Vms, "rescue", "rescue.qcow2")));
        await driver.StartAsync(plan with { Generation = 3 }, Stop);
        Assert.Equal((VmPhase.Running, 3), ((await OneAsync()).Phase, (await OneAsync()).Generation));
    }

    /// <summary>Secrets are on it: others do not read it, and it is there while it is used.</summary>
    [Fact]
    public async Task Drive_IsTheVmsAlone_AndGoneAfterwards()
    {
        var plan = Plans.Small("told") with
        {
            Drive = new("cidata") { Files = [new("user-data", new byte[] { 1, 2, 3 }), new("meta-data", new byte[9])] },
        };
        var file = Path.Combine(Vms, "told", "drive.iso");
        await driver.EnsureDiskAsync(plan, Base, Stop);
        await driver.StartAsync(plan, Stop);
        Assert.Equal(IsoImage.Of("cidata", plan.Drive.Files), await File.ReadAllBytesAsync(file, Stop));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        Assert.DoesNotContain("AQID", await File.ReadAllTextAsync(Path.Combine(Vms, "told", "plan.json"), Stop), StringComparison.Ordinal);
        await driver.StopAsync(plan.Id, StopMode.Hard, Deadline, Stop);
        Assert.False(File.Exists(file));
        await driver.StartAsync(plan with { Drive = plan.Drive with { Files = [new("user-data", new byte[1])] } }, Stop);
        Assert.Equal(VmPhase.Running, (await OneAsync()).Phase);
        Assert.NotEqual(IsoImage.Of("cidata", plan.Drive.Files), await File.ReadAllBytesAsync(file, Stop));
    }

    [Fact]
    public async Task Qemu_KilledByAnotherHand_IsCrashedWithTheCauseAndStartsAgain()
    {
        var plan = await StartedAsync("killed");
        Kill((await OneAsync()).Pid!.Value);
        var crash = await EventAsync(VmEventKind.Crashed);
        Assert.Contains("killed by signal 9", crash.Cause, StringComparison.Ordinal);
        var observed = await OneAsync();
        Assert.Equal((VmPhase.Crashed, null, crash.Cause), (observed.Phase, observed.Pid, observed.Cause));
        await driver.StartAsync(plan, Stop);
        Assert.Equal(VmPhase.Running, (await OneAsync()).Phase);
    }

    [Fact]
    public async Task Qemu_KilledWhileNoAgentWatches_IsCrashedAfterAdoption()
    {
        await StartedAsync("away");
        var pid = (await OneAsync()).Pid!.Value;
        using var handle = ProcessHandle.Adopt(ProcessIdentity.Of(pid)!.Value)!;
        await driver.DisposeAsync();
        handle.Kill();
        await handle.Exited.WaitAsync(Deadline, Stop);
        driver = await OpenAsync();
        var observed = await OneAsync();
        Assert.Equal(VmPhase.Crashed, observed.Phase);
        Assert.Contains("while no agent watched", observed.Cause, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Agent_DiedBeforeItWroteThePid_FindsItsQemu()
    {
        var plan = await StartedAsync("lost");
        var pid = (await OneAsync()).Pid;
        await driver.DisposeAsync();
        var files = new VmFiles(Path.Combine(Vms, plan.Id.Value));
        files.Write(files.ReadRecord()! with { Phase = VmPhase.Starting, Process = null });
        driver = await OpenAsync();
        var observed = await OneAsync();
        Assert.Equal((VmPhase.Running, pid), (observed.Phase, observed.Pid));
    }

    [Fact]
    public async Task Stop_GuestIgnoresTheButton_IsForcedAtTheDeadline()
    {
        var plan = await StartedAsync("deaf");
        await driver.StopAsync(plan.Id, StopMode.Graceful, TimeSpan.FromMilliseconds(200), Stop);
        var observed = await OneAsync();
        Assert.Equal(VmPhase.Stopped, observed.Phase);
        Assert.Contains("did not power off within 0.2 s", observed.Cause, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stop_GuestFeelsTheButton_IsStoppedByItsGuest()
    {
        await File.WriteAllBytesAsync(Base, BootGuests.PowersOffWhenTheButtonIsPressed, Stop);
        var plan = await StartedAsync("polite");
        await driver.StopAsync(plan.Id, StopMode.Graceful, Deadline, Stop);
        var observed = await OneAsync();
        Assert.Equal((VmPhase.Stopped, null), (observed.Phase, observed.Pid));
        Assert.Contains("its guest powered off", observed.Cause, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Guest_PowersOffByItself_IsStoppedAndNotCrashed()
    {
        await File.WriteAllBytesAsync(Base, BootGuests.PowersOffAtOnce, Stop);
        await StartedAsync("brief");
        await EventAsync(VmEventKind.Stopped);
        var observed = await OneAsync();
        Assert.Equal((VmPhase.Stopped, "its guest powered off"), (observed.Phase, observed.Cause));
    }

    [Fact]
    public async Task Guest_PowersOffWhileNoAgentWatches_IsStoppedAfterAdoption()
    {
        await File.WriteAllBytesAsync(Base, BootGuests.PowersOffWhenTheButtonIsPressed, Stop);
        var plan = await StartedAsync("alone");
        await driver.DisposeAsync();
        var down = new TaskCompletionSource();
        using (var directory = ProcessDirectory.Open(Path.Combine(Vms, plan.Id.Value)))
        {
            var socket = await directory.ConnectAsync(VmCommandLine.MonitorSocket, Stop);
            await using var monitor = await QmpMonitor.OpenAsync(
                socket, e => _ = e.Name == "SHUTDOWN" && down.TrySetResult(), Deadline, Stop);
            var commands = new QmpCommands(monitor, Deadline);
            // A guest that still boots misses the button: it is pressed until it was felt.
            await Eventually.HoldsAsync(
                async () =>
                {
                    if (!down.Task.IsCompleted) await commands.SystemPowerdownAsync(Stop);
                    return down.Task.IsCompleted;
                },
                "the guest powers off", seconds: 60);
        }
        driver = await OpenAsync();
        if ((await OneAsync()).Phase != VmPhase.Stopped) await EventAsync(VmEventKind.Stopped);
        var observed = await OneAsync();
        Assert.Equal((VmPhase.Stopped, "its guest powered off"), (observed.Phase, observed.Cause));
    }

    [Fact]
    public async Task HardStop_WhileAGracefulOneWaits_OvertakesIt()
    {
        var plan = await StartedAsync("hurry");
        var graceful = driver.StopAsync(plan.Id, StopMode.Graceful, TimeSpan.FromHours(1), Stop);
        var hard = driver.StopAsync(plan.Id, StopMode.Hard, Deadline, Stop);
        await Task.WhenAll(graceful, hard).WaitAsync(Deadline, Stop);
        Assert.Equal(VmPhase.Stopped, (await OneAsync()).Phase);
    }

    [Fact]
    public async Task Start_TapIsMissing_FailsWithQemusWords()
    {
        var plan = Plans.Small("tapless", new VmPort("02:00:00:00:00:01", "mt-none,", 1500));
        var refused = await Assert.ThrowsAsync<VmException>(() => driver.EnsureDiskAsync(plan, Base, Stop));
        Assert.Equal(VmFailure.InvalidPlan, refused.Reason);
        // An interface that exists and is no tap.
        plan = Plans.Small("tapless", new VmPort("02:00:00:00:00:01", "lo", 1500));
        await driver.EnsureDiskAsync(plan, Base, Stop);
        var failed = await Assert.ThrowsAsync<VmException>(() => driver.StartAsync(plan, Stop));
        Assert.Equal(VmFailure.StartFailed, failed.Reason);
        Assert.Contains("exited with code 1", failed.Message, StringComparison.Ordinal);
        Assert.Contains("lo", failed.Message, StringComparison.Ordinal);
        var observed = await OneAsync();
        Assert.Equal((VmPhase.Crashed, failed.Message), (observed.Phase, observed.Cause));
    }

    [Fact]
    public async Task Start_PersistentTap_IsOpenedBeforePrivilegesAreDropped()
    {
        var tap = $"mt{Environment.ProcessId}";
        await CommandAsync("ip", "tuntap", "add", "dev", tap, "mode", "tap", "user", "nobody");
        try
        {
            await StartedAsync("tap", new VmPort("02:00:00:00:00:01", tap, 1400));
            var status = await File.ReadAllTextAsync($"/proc/{(await OneAsync()).Pid}/status", Stop);
            Assert.Contains("CapEff:\t0000000000000000", status, StringComparison.Ordinal);
            Assert.Contains("Seccomp:\t2", status, StringComparison.Ordinal);
            Assert.DoesNotContain("Uid:\t0", status, StringComparison.Ordinal);
        }
        finally
        {
            await driver.RemoveAsync(new VmId("tap"), CancellationToken.None);
            await CommandAsync("ip", "link", "del", tap);
        }
    }

    [Fact]
    public async Task EnsureDisk_LargerPlan_GrowsStoppedAndRunning()
    {
        var plan = Plans.Small("grow");
        await driver.EnsureDiskAsync(plan, Base, Stop);
        await driver.EnsureDiskAsync(plan with { DiskGib = 2 }, Base, Stop);
        Assert.Equal(2L << 30, Size(plan));
        await driver.StartAsync(plan with { DiskGib = 2 }, Stop);
        await driver.EnsureDiskAsync(plan with { DiskGib = 3 }, Base, Stop);
        Assert.Equal(3L << 30, Size(plan));
        await driver.EnsureDiskAsync(plan, Base, Stop);
        Assert.Equal(3L << 30, Size(plan));
    }

    [Fact]
    public async Task EnsureDisk_ImageLargerThanDiskOrLying_IsRefusedWithoutAFile()
    {
        var plan = Plans.Small("refused");
        await CommandAsync("truncate", "-s", "2G", Base);
        var large = await Assert.ThrowsAsync<VmException>(() => driver.EnsureDiskAsync(plan, Base, Stop));
        Assert.Contains("2 GiB", large.Message, StringComparison.Ordinal);
        await CommandAsync(
            "qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", "/etc/passwd", Base + "2", "1M");
        var layered = await Assert.ThrowsAsync<VmException>(
            () => driver.EnsureDiskAsync(plan with { ImageFormat = DiskFormat.Qcow2 }, Base + "2", Stop));
        Assert.Contains("backing file", layered.Message, StringComparison.Ordinal);
        Assert.All([large, layered], e => Assert.Equal(VmFailure.BadImage, e.Reason));
        Assert.Empty(Directory.EnumerateFiles(Path.Combine(Vms, "refused"), "disk*"));
    }

    /// <summary>Whatever an agent that died has left, the same two calls lead to a running VM.</summary>
    [Theory]
    [InlineData("plan.json.new=half")]
    [InlineData("plan.json")]
    [InlineData("plan.json disk.qcow2.new=half")]
    [InlineData("plan.json disk.qcow2")]
    [InlineData("plan.json disk.qcow2 run.json.new={ qmp.sock=old serial.sock=old")]
    [InlineData("plan.json disk.qcow2 run.json=Starting")]
    [InlineData("plan.json disk.qcow2 run.json=Running qmp.sock=old qemu.lock=999999")]
    [InlineData("plan.json disk.qcow2 run.json=half")]
    [InlineData("disk.qcow2 plan.json=half")]
    public async Task Agent_DiedAnywhere_NextOneStartsTheVm(string left)
    {
        var plan = Plans.Small("died");
        await driver.EnsureDiskAsync(plan, Base, Stop);
        await driver.DisposeAsync();
        var directory = Path.Combine(Vms, plan.Id.Value);
        var names = left.Split(' ').Select(l => l.Split('=', 2)).ToList();
        foreach (var file in Directory.GetFiles(directory))
            if (!names.Any(n => n[0] == Path.GetFileName(file))) File.Delete(file);
        foreach (var name in names.Where(n => n.Length == 2))
        {
            if (Enum.TryParse<VmPhase>(name[1], out var phase))
                new VmFiles(directory).Write(new VmRecord(phase, 1, "", null, DateTimeOffset.UnixEpoch, ""));
            else await File.WriteAllTextAsync(Path.Combine(directory, name[0]), name[1], Stop);
        }
        driver = await OpenAsync();
        await driver.EnsureDiskAsync(plan, Base, Stop);
        await driver.StartAsync(plan, Stop);
        Assert.Equal(VmPhase.Running, (await OneAsync()).Phase);
    }

    [Fact]
    public async Task Open_HalfMadeAndHalfRemoved_AreCleared()
    {
        await driver.DisposeAsync();
        Directory.CreateDirectory(Path.Combine(Vms, "half-made"));
        Directory.CreateDirectory(Path.Combine(Vms, ".removed-x", "sub"));
        driver = await OpenAsync();
        Assert.Empty(Directory.EnumerateFileSystemEntries(Vms));
    }

    [Fact]
    public async Task Probe_GuestOnTcg_RunsToItsEnd()
    {
        Assert.Equal("", await QemuProbe.BootAsync(Options, "tcg", Stop));
        Assert.Contains("ended with", await QemuProbe.BootAsync(Options, "nonsense", Stop), StringComparison.Ordinal);
        Assert.Contains("q35", driver.Capabilities.MachineTypes);
        Assert.Matches(@"^\d+\.\d+", driver.Capabilities.QemuVersion);
    }

    [Fact]
    public async Task SerialLog_OverItsLimit_MovesAside()
    {
        var log = scratch.In("serial.log");
        await using var writer = new FileStream(log, FileMode.Append, FileAccess.Write, FileShare.ReadWrite);
        await writer.WriteAsync(Enumerable.Range(0, 3000).Select(i => (byte)i).ToArray(), Stop);
        await writer.FlushAsync(Stop);
        VmFiles.Bound(log, 1000);
        Assert.Equal((0, 1000), (new FileInfo(log).Length, new FileInfo(log + ".1").Length));
    }

    private QemuOptions Options => new() { VmsDirectory = Vms, Accelerator = "tcg", CgroupName = "monolith-test" };

    private Task<QemuDriver> OpenAsync() =>
        QemuDriver.OpenAsync(Options, TimeProvider.System, NullLogger.Instance, Stop);

    private async Task ReopenAsync()
    {
        await driver.DisposeAsync();
        driver = await OpenAsync();
    }

    private async Task<VmPlan> StartedAsync(string id, params VmPort[] ports)
    {
        var plan = Plans.Small(id, ports);
        await driver.EnsureDiskAsync(plan, Base, Stop);
        await driver.StartAsync(plan, Stop);
        return plan;
    }

    private async Task<VmObservation> OneAsync() => Assert.Single(await driver.ObserveAsync(Stop));

    private async Task<VmEvent> EventAsync(VmEventKind kind)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        limit.CancelAfter(Deadline);
        await foreach (var happened in driver.Events.ReadAllAsync(limit.Token))
            if (happened.Kind == kind) return happened;
        throw new InvalidOperationException("no more events");
    }

    private long Size(VmPlan plan)
    {
        using var disk = File.OpenHandle(
            Path.Combine(Vms, plan.Id.Value, "disk.qcow2"), share: FileShare.ReadWrite);
        var head = new byte[Qcow2Header.Length];
        RandomAccess.Read(disk, head, 0);
        _ = Qcow2Header.Refuse(head, out var header);
        return (long)header.VirtualSize;
    }

    private static void Kill(int pid)
    {
        using var process = Process.GetProcessById(pid);
        process.Kill();
    }

    private static async Task CommandAsync(string name, params string[] arguments)
    {
        var result = await ProcessCommand.RunAsync(name, arguments, "/", Deadline, CancellationToken.None);
        Assert.True(result.Succeeded, result.Output);
    }
}
