using System.Buffers.Binary;
using System.Diagnostics;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Monolith.Agent.Native.Safe;
using Monolith.Agent.Tests.Lab;
using Monolith.Agent.Vms;
using Monolith.Agent.Vms.Qmp;

namespace Monolith.Agent.Tests.Vms;

/// <summary>Real QEMU: see <see cref="VmMigrationConformance"/>.</summary>
[Trait("Needs", "root")]
[Collection("qemu")]
public sealed class QemuMigrationConformanceTests : VmMigrationConformance
{
    private readonly Scratch scratch = new();

    protected override string BaseImage => scratch.In("base.img");

    public override async ValueTask InitializeAsync()
    {
        await File.WriteAllBytesAsync(BaseImage, new byte[1 << 20], Stop);
        await base.InitializeAsync();
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        scratch.Dispose();
    }

    protected override async Task<IVmDriver> OpenAsync(string machine) => await QemuDriver.OpenAsync(
        new QemuOptions { VmsDirectory = scratch.In(machine), Accelerator = "tcg", CgroupName = "monolith-test" },
        TimeProvider.System, NullLogger.Instance, Stop);
}

/// <summary>
/// A guest that counts in its memory and writes each number to its disk, sent while it does. Between the two hypervisors
/// is a way that can be shut and cut.
/// </summary>
[Trait("Needs", "root")]
[Collection("qemu")]
public sealed class QemuMigrationTests : IAsyncLifetime
{
    private const int Sectors = 64, FirstSector = 64, SectorBytes = 512;
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);
    private static readonly string Secret = string.Concat(Enumerable.Repeat("89abcdef01234567", 4));
    private static readonly VmPlan There = Plans.Small("there"), Here = Plans.Small("here");
    private readonly Scratch scratch = new();
    private QemuDriver source = null!, target = null!;
    private Sluice? memory, disk;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private string Base => scratch.In("base.img");

    public async ValueTask InitializeAsync()
    {
        await File.WriteAllBytesAsync(Base, BootGuests.CountsOnItsDisk, Stop);
        source = await OpenAsync("source");
        target = await OpenAsync("target");
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var driver in new[] { source, target })
        {
            foreach (var vm in await driver.ObserveAsync(CancellationToken.None))
                await driver.RemoveAsync(vm.Id, CancellationToken.None);
            await driver.DisposeAsync();
        }
        if (memory is not null) await memory.DisposeAsync();
        if (disk is not null) await disk.DisposeAsync();
        scratch.Dispose();
    }

    [Fact]
    public async Task Guest_ThatWritesMeanwhile_GoesOnCountingWithAllThatItWrote()
    {
        var to = await ReadyAsync();
        await source.SendAsync(Here.Id, to, Stop);
        await source.LetGoAsync(Here.Id, Stop);
        var left = await EndedAsync();
        Assert.Equal(MigrationPhase.Left, left.Migration!.Phase);
        await ArrivedAsync();
        await source.RemoveAsync(Here.Id, Stop);
        var counted = await CountedAsync("target", There, atLeast: 1);
        await CountedAsync("target", There, atLeast: counted + Sectors);
        await target.StopAsync(There.Id, StopMode.Hard, TimeSpan.Zero, Stop);
        var numbers = await NumbersAsync("target", There);
        TestContext.Current.SendDiagnosticMessage(
            $"counted to {numbers.Max()}, downtime {left.Migration.Downtime?.TotalMilliseconds} ms");
        // A lost write would leave an old number in its sector; a lost memory would begin at one again.
        Assert.Equal(Enumerable.Range(0, Sectors).Select(i => numbers.Max() - i), numbers.OrderDescending());
        Assert.True(numbers.Max() >= counted + Sectors);
    }

    /// <summary>A store that is lost on the way makes the guest power off.</summary>
    [Fact]
    public async Task Guest_ThatChecksItsMemory_FindsAllOfIt()
    {
        await File.WriteAllBytesAsync(Base, BootGuests.ChecksItsMemory, Stop);
        await source.EnsureDiskAsync(Here, Base, Stop);
        await source.StartAsync(Here, Stop);
        await SaysAsync("source", Here);
        await target.EnsureDiskAsync(There, Base, Stop);
        await target.ReceiveAsync(There, new VmIncoming("m-1", Secret, "127.0.0.1"), Stop);
        await source.SendAsync(Here.Id, Through((await OneAsync(target)).Migration!), Stop);
        await source.LetGoAsync(Here.Id, Stop);
        Assert.Equal(MigrationPhase.Left, (await EndedAsync()).Migration!.Phase);
        await SaysAsync("target", There);
        // The guest may speak before its carrier is asked how it is.
        await ArrivedAsync();
    }

    /// <summary>It has been through all of its memory since.</summary>
    private Task SaysAsync(string machine, VmPlan plan)
    {
        var log = new FileInfo(Path.Combine(scratch.In(machine), plan.Id.Value, "serial.log"));
        return Eventually.HoldsAsync(
            () =>
            {
                log.Refresh();
                return Task.FromResult(log.Exists && log.Length > 1);
            },
            "the guest finds its memory whole", seconds: 60);
    }

    [Fact]
    public async Task Cancelled_WhileTheDiskIsCopied_RunsOnAndWritesOn()
    {
        var to = await ReadyAsync();
        disk!.ShutAfter = 16 * 1024;
        await source.SendAsync(Here.Id, to, Stop);
        await source.LetGoAsync(Here.Id, Stop);
        await ShutAsync(disk);
        await source.CancelSendAsync(Here.Id, Stop);
        await RunsOnAsync(MigrationPhase.Cancelled, "CANCELLED");
        await NobodyCameAsync();
    }

    [Fact]
    public async Task Cancelled_WhileTheMemoryIsCopied_RunsOnAndWritesOn()
    {
        var to = await ReadyAsync();
        memory!.ShutAfter = 64 * 1024;
        await source.SendAsync(Here.Id, to, Stop);
        await source.LetGoAsync(Here.Id, Stop);
        await ShutAsync(memory);
        Assert.Equal(MigrationPhase.CopyingMemory, (await OneAsync(source)).Migration!.Phase);
        await source.CancelSendAsync(Here.Id, Stop);
        await RunsOnAsync(MigrationPhase.Cancelled, "CANCELLED");
        await NobodyCameAsync();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Target_DiesMeanwhile_TheGuestRunsOnAtTheSource(bool whileDisk)
    {
        var to = await ReadyAsync();
        var shut = whileDisk ? disk! : memory!;
        shut.ShutAfter = 16 * 1024;
        await source.SendAsync(Here.Id, to, Stop);
        await source.LetGoAsync(Here.Id, Stop);
        await ShutAsync(shut);
        await KillAsync(target);
        shut.Open();
        await RunsOnAsync(MigrationPhase.Failed, whileDisk ? "DISK_COPY_FAILED" : null);
        await NobodyCameAsync();
    }

    [Fact]
    public async Task Target_GoneWithoutAWord_IsGivenUpAllTheSame()
    {
        var to = await ReadyAsync();
        disk!.ShutAfter = 16 * 1024;
        await source.SendAsync(Here.Id, to, Stop);
        await source.LetGoAsync(Here.Id, Stop);
        await ShutAsync(disk);
        // Nothing answers and nothing is refused: the copy would wait for ever.
        await source.CancelSendAsync(Here.Id, Stop);
        await RunsOnAsync(MigrationPhase.Cancelled, "CANCELLED");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task SourcesAgent_DiesMeanwhile_TheNextOneGoesOn(bool whileDisk)
    {
        var to = await ReadyAsync();
        var shut = whileDisk ? disk! : memory!;
        shut.ShutAfter = 16 * 1024;
        await source.SendAsync(Here.Id, to, Stop);
        await source.LetGoAsync(Here.Id, Stop);
        await ShutAsync(shut);
        await source.DisposeAsync();
        source = await OpenAsync("source");
        var adopted = await OneAsync(source);
        Assert.Equal((VmPhase.Running, true), (adopted.Phase, adopted.Migration!.IsSending));
        shut.Open();
        await source.SendAsync(Here.Id, to, Stop);
        await source.LetGoAsync(Here.Id, Stop);
        Assert.Equal(MigrationPhase.Left, (await EndedAsync()).Migration!.Phase);
        await ArrivedAsync();
        await CountedAsync("target", There, await CountedAsync("target", There, 1) + 1);
    }

    [Fact]
    public async Task TargetsAgent_IsAway_TheGuestArrivesAllTheSame()
    {
        var to = await ReadyAsync();
        await target.DisposeAsync();
        await source.SendAsync(Here.Id, to, Stop);
        await source.LetGoAsync(Here.Id, Stop);
        Assert.Equal(MigrationPhase.Left, (await EndedAsync()).Migration!.Phase);
        await CountedAsync("target", There, await CountedAsync("target", There, 1) + 1);
        target = await OpenAsync("target");
        await ArrivedAsync();
    }

    [Fact]
    public async Task Qemu_OfWhatHasLeft_Ends_AndTheGuestIsNotStartedHere()
    {
        await source.SendAsync(Here.Id, await ReadyAsync(), Stop);
        await source.LetGoAsync(Here.Id, Stop);
        await EndedAsync();
        await KillAsync(source);
        await Eventually.HoldsAsync(
            async () => (await OneAsync(source)).Pid is null, "the process is seen to be gone", seconds: 60);
        Assert.Equal(VmPhase.Left, (await OneAsync(source)).Phase);
        await Assert.ThrowsAsync<VmException>(() => source.StartAsync(Here, Stop));
        await ArrivedAsync();
    }

    /// <summary>Between the last state's sending and the report of it: only the target knows.</summary>
    [Fact]
    public async Task SourcesMachine_EndsInTheSwitch_AndTheGuestIsNotStartedHere()
    {
        await RunningAsync();
        await source.DisposeAsync();
        var files = new VmFiles(Path.Combine(scratch.In("source"), Here.Id.Value));
        var record = files.ReadRecord()!;
        files.Write(record with { Migration = new VmMigration("m-1", MigrationPhase.Switching) });
        using (var handle = ProcessHandle.Adopt(record.Process!.Value)!)
        {
            handle.Kill();
            await handle.Exited.WaitAsync(Deadline, Stop);
        }
        source = await OpenAsync("source");
        Assert.Equal(VmPhase.Left, (await OneAsync(source)).Phase);
        await Assert.ThrowsAsync<VmException>(() => source.StartAsync(Here, Stop));
        // The target says that it has none: it boots from what it left.
        await source.ReclaimAsync(Here, Stop);
        Assert.Equal(VmPhase.Crashed, (await OneAsync(source)).Phase);
        await source.StartAsync(Here, Stop);
        Assert.Equal(VmPhase.Running, (await OneAsync(source)).Phase);
    }

    /// <summary>What it wrote before it was stopped is at the target, where it starts; nothing ran in between.</summary>
    [Fact]
    public async Task Stopped_ItsDiskIsAtTheTarget_AndItStartsThere()
    {
        var written = await StoppedAsync();
        await source.SendAsync(Here.Id, await AwaitedAsync(), Stop);
        await source.LetGoAsync(Here.Id, Stop);
        Assert.Equal((VmPhase.Left, MigrationPhase.Left), await RestedAsync(source));
        Assert.Equal((VmPhase.Stopped, MigrationPhase.Arrived), await RestedAsync(target));
        Assert.Null((await OneAsync(target)).Pid);
        Assert.Equal(written, await NumbersAsync("target", There));
        Assert.Equal(written, await NumbersAsync("source", Here));
        await source.RemoveAsync(Here.Id, Stop);
        Assert.Empty(Directory.GetFiles(scratch.Path, "keys.psk", SearchOption.AllDirectories));
        await target.StartAsync(There, Stop);
        // It counts anew, over what it wrote.
        await Eventually.HoldsAsync(
            async () => (await NumbersAsync("target", There)).Min() < written.Min(), "the guest writes at the target", seconds: 60);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Stopped_AQemuOrAgentDiesWhileTheDiskIsCopied_ItIsStoppedWhereItWas(bool agent)
    {
        var written = await StoppedAsync();
        var to = await AwaitedAsync();
        disk!.ShutAfter = 16 * 1024;
        await source.SendAsync(Here.Id, to, Stop);
        await ShutAsync(disk);
        if (agent)
        {
            await source.DisposeAsync();
            source = await OpenAsync("source");
            Assert.Equal((VmPhase.Outgoing, MigrationPhase.CopyingDisk), Told(await OneAsync(source)));
            disk.Open();
            await source.SendAsync(Here.Id, to, Stop);
            await source.LetGoAsync(Here.Id, Stop);
            Assert.Equal((VmPhase.Left, MigrationPhase.Left), await RestedAsync(source));
            Assert.Equal((VmPhase.Stopped, MigrationPhase.Arrived), await RestedAsync(target));
            Assert.Equal(written, await NumbersAsync("target", There));
            return;
        }

        await KillAsync(source);
        disk.Open();
        Assert.Equal((VmPhase.Stopped, MigrationPhase.Failed), await RestedAsync(source));
        Assert.Equal(written, await NumbersAsync("source", Here));
        await NobodyCameAsync();
        await source.StartAsync(Here, Stop);
        Assert.Equal(VmPhase.Running, (await OneAsync(source)).Phase);
    }

    [Fact]
    public async Task Stopped_TheTargetDiesWhileTheDiskIsCopied_ItIsStoppedWhereItWas()
    {
        var written = await StoppedAsync();
        var to = await AwaitedAsync();
        disk!.ShutAfter = 16 * 1024;
        await source.SendAsync(Here.Id, to, Stop);
        await source.LetGoAsync(Here.Id, Stop);
        await ShutAsync(disk);
        await KillAsync(target);
        disk.Open();
        Assert.Equal((VmPhase.Stopped, MigrationPhase.Failed), await RestedAsync(source));
        Assert.Equal((VmPhase.Stopped, MigrationPhase.Missed), await RestedAsync(target));
        await Assert.ThrowsAsync<VmException>(() => target.StartAsync(There, Stop));
        Assert.Equal(written, await NumbersAsync("source", Here));
        // The next attempt is one as any other.
        await target.RemoveAsync(There.Id, Stop);
        await memory!.DisposeAsync();
        await disk.DisposeAsync();
        (memory, disk) = (null, null);
        await source.SendAsync(Here.Id, await AwaitedAsync("m-2"), Stop);
        await source.LetGoAsync(Here.Id, Stop);
        Assert.Equal((VmPhase.Left, MigrationPhase.Left), await RestedAsync(source));
        Assert.Equal((VmPhase.Stopped, MigrationPhase.Arrived), await RestedAsync(target));
        Assert.Equal(written, await NumbersAsync("target", There));
    }

    [Fact]
    public async Task Stopped_Cancelled_IsStoppedWhereItWas()
    {
        await StoppedAsync();
        var to = await AwaitedAsync();
        disk!.ShutAfter = 16 * 1024;
        await source.SendAsync(Here.Id, to, Stop);
        await ShutAsync(disk);
        await source.CancelSendAsync(Here.Id, Stop);
        Assert.Equal((VmPhase.Stopped, MigrationPhase.Cancelled), await RestedAsync(source));
        Assert.Null((await OneAsync(source)).Pid);
        await NobodyCameAsync();
    }

    /// <summary>Whatever was written down last, and whoever was killed then.</summary>
    [Theory]
    [InlineData(MigrationPhase.Switching, VmPhase.Left)]
    [InlineData(MigrationPhase.CopyingMemory, VmPhase.Stopped)]
    [InlineData(MigrationPhase.Cancelled, VmPhase.Stopped)]
    public async Task Stopped_SourcesQemuAndAgentDie_TheNextOneKnowsWhoHasIt(MigrationPhase phase, VmPhase then)
    {
        var written = await StoppedAsync();
        var to = await AwaitedAsync();
        disk!.ShutAfter = 16 * 1024;
        await source.SendAsync(Here.Id, to, Stop);
        await ShutAsync(disk);
        await source.DisposeAsync();
        var files = new VmFiles(Path.Combine(scratch.In("source"), Here.Id.Value));
        var record = files.ReadRecord()!;
        files.Write(record with { Migration = record.Migration! with { Phase = phase } });
        using (var handle = ProcessHandle.Adopt(record.Process!.Value)!)
        {
            handle.Kill();
            await handle.Exited.WaitAsync(Deadline, Stop);
        }
        source = await OpenAsync("source");
        Assert.Equal(then, (await OneAsync(source)).Phase);
        if (then == VmPhase.Left) await Assert.ThrowsAsync<VmException>(() => source.StartAsync(Here, Stop));
        await source.ReclaimAsync(Here, Stop);
        Assert.Equal(VmPhase.Stopped, (await OneAsync(source)).Phase);
        Assert.Equal(written, await NumbersAsync("source", Here));
    }

    private async Task<List<int>> StoppedAsync()
    {
        await RunningAsync();
        await source.StopAsync(Here.Id, StopMode.Hard, TimeSpan.Zero, Stop);
        return await NumbersAsync("source", Here);
    }

    /// <summary>The target waits for the disk.</summary>
    private async Task<VmOutgoing> AwaitedAsync(string attempt = "m-1")
    {
        await target.EnsureDiskAsync(There, Base, Stop);
        await target.ReceiveAsync(There, new VmIncoming(attempt, Secret, "127.0.0.1", Stopped: true), Stop);
        return Through((await OneAsync(target)).Migration!) with { Stopped = true };
    }

    private static (VmPhase Phase, MigrationPhase Migration) Told(VmObservation vm) => (vm.Phase, vm.Migration!.Phase);

    private static async Task<(VmPhase Phase, MigrationPhase Migration)> RestedAsync(QemuDriver driver)
    {
        await Eventually.HoldsAsync(
            async () => (await OneAsync(driver)).Phase is VmPhase.Stopped or VmPhase.Left, "it rests", seconds: 60);
        return Told(await OneAsync(driver));
    }

    [Fact]
    public async Task Ports_OfAWaitingGuest_AnswerNobodyWithoutTheSecret()
    {
        await ReadyAsync();
        var listening = (await OneAsync(target)).Migration!;
        foreach (var port in new[] { listening.MemoryPort, listening.DiskPort })
        {
            using var stranger = new TcpClient();
            await stranger.ConnectAsync("127.0.0.1", port, Stop);
            await stranger.GetStream().WriteAsync(new byte[4096], Stop);
        }
        var bare = await CommandAsync(
            "qemu-img", "info", $"nbd://127.0.0.1:{listening.DiskPort}/disk");
        Assert.Contains("TLS", bare, StringComparison.Ordinal);
        Assert.Equal(listening, (await OneAsync(target)).Migration);
        // Whoever has it is let in after all of that.
        await source.SendAsync(Here.Id, Through(listening), Stop);
        await source.LetGoAsync(Here.Id, Stop);
        Assert.Equal(MigrationPhase.Left, (await EndedAsync()).Migration!.Phase);
        await ArrivedAsync();
        await Eventually.HoldsAsync(
            () => Task.FromResult(
                Directory.GetFiles(scratch.Path, "keys.psk", SearchOption.AllDirectories).Length == 0),
            "the secret is nowhere", seconds: 60);
    }

    private async Task<VmOutgoing> ReadyAsync()
    {
        await RunningAsync();
        await target.EnsureDiskAsync(There, Base, Stop);
        await target.ReceiveAsync(There, new VmIncoming("m-1", Secret, "127.0.0.1"), Stop);
        return Through((await OneAsync(target)).Migration!);
    }

    private async Task RunningAsync()
    {
        await source.EnsureDiskAsync(Here, Base, Stop);
        await source.StartAsync(Here, Stop);
        await CountedAsync("source", Here, atLeast: Sectors);
    }

    private VmOutgoing Through(VmMigration listening)
    {
        memory ??= new Sluice(listening.MemoryPort);
        disk ??= new Sluice(listening.DiskPort);
        return new VmOutgoing(listening.Id, Secret, "127.0.0.1", memory.Port, disk.Port);
    }

    private static Task ShutAsync(Sluice sluice) => Eventually.HoldsAsync(
        () => Task.FromResult(sluice.Passed > sluice.ShutAfter), "the way is shut", seconds: 60);

    private async Task ArrivedAsync()
    {
        await Eventually.HoldsAsync(
            async () => (await OneAsync(target)).Phase == VmPhase.Running, "the guest arrives", seconds: 60);
        Assert.Equal(MigrationPhase.Arrived, (await OneAsync(target)).Migration!.Phase);
    }

    private async Task<VmObservation> EndedAsync()
    {
        await Eventually.HoldsAsync(
            async () => (await OneAsync(source)).Migration is { IsSending: false }, "the sending ends", seconds: 60);
        return await OneAsync(source);
    }

    private async Task RunsOnAsync(MigrationPhase phase, string? reason)
    {
        var ended = await EndedAsync();
        Assert.True(ended.Phase == VmPhase.Running && ended.Migration!.Phase == phase, ended.ToString());
        Assert.NotEmpty(ended.Migration.Cause);
        if (reason is not null) Assert.Equal(reason, ended.Migration.Reason);
        await CountedAsync("source", Here, await CountedAsync("source", Here, 1) + Sectors);
    }

    private async Task NobodyCameAsync()
    {
        await Eventually.HoldsAsync(
            async () => (await OneAsync(target)).Migration!.Phase == MigrationPhase.Missed
                || (await OneAsync(target)).Migration!.Phase == MigrationPhase.Listening,
            "nobody came", seconds: 60);
        await Assert.ThrowsAsync<VmException>(() => target.StartAsync(There, Stop));
    }

    private static async Task KillAsync(QemuDriver driver)
    {
        using var handle = ProcessHandle.Adopt(ProcessIdentity.Of((await OneAsync(driver)).Pid!.Value)!.Value)!;
        handle.Kill();
        await handle.Exited.WaitAsync(Deadline, Stop);
    }

    /// <summary>Waits until the guest has counted so far; QEMU shares its disk for reading.</summary>
    private async Task<int> CountedAsync(string machine, VmPlan plan, int atLeast)
    {
        var last = 0;
        await Eventually.HoldsAsync(
            async () => (last = (await NumbersAsync(machine, plan)).Max()) >= atLeast,
            $"the guest counts to {atLeast}", seconds: 60);
        return last;
    }

    private async Task<List<int>> NumbersAsync(string machine, VmPlan plan)
    {
        var copy = scratch.In("copy.raw");
        await CommandAsync(
            "qemu-img", "dd", "-U", "-f", "qcow2", "-O", "raw", $"bs={SectorBytes}", $"count={FirstSector + Sectors}",
            $"if={Path.Combine(scratch.In(machine), plan.Id.Value, VmCommandLine.Disk)}", $"of={copy}");
        var bytes = await File.ReadAllBytesAsync(copy, Stop);
        File.Delete(copy);
        return [.. Enumerable.Range(FirstSector, Sectors)
            .Select(s => BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(s * SectorBytes)))];
    }

    private Task<QemuDriver> OpenAsync(string machine) => QemuDriver.OpenAsync(
        new QemuOptions { VmsDirectory = scratch.In(machine), Accelerator = "tcg", CgroupName = "monolith-test" },
        TimeProvider.System, NullLogger.Instance, Stop);

    private static async Task<VmObservation> OneAsync(QemuDriver driver) =>
        Assert.Single(await driver.ObserveAsync(Stop));

    private static async Task<string> CommandAsync(string command, params string[] arguments)
    {
        using var process = Process.Start(
            new ProcessStartInfo(command, arguments) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        var output = process.StandardOutput.ReadToEndAsync(Stop);
        var errors = await process.StandardError.ReadToEndAsync(Stop);
        await process.WaitForExitAsync(Stop);
        return await output + errors;
    }
}
