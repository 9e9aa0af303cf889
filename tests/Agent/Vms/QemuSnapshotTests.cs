using System.Buffers.Binary;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging.Abstractions;
using Monolith.Agent.Native.Safe;
using Monolith.Agent.Tests.Lab;
using Monolith.Agent.Vms;

namespace Monolith.Agent.Tests.Vms;

/// <summary>The real driver copies real disks: of a guest that writes, of none, and across a dead agent.</summary>
[Trait("Needs", "root")]
[Collection("qemu")]
public sealed class QemuSnapshotTests : VmSnapshotConformance
{
    private readonly Scratch scratch = new();

    protected override string BaseImage => scratch.In("base.img");

    private string Vm => scratch.In("vms", "vm");

    public override async ValueTask InitializeAsync()
    {
        var image = BootGuests.CountsOnItsDisk;
        // Something to be found again, behind what the guest writes.
        RandomNumberGenerator.Fill(image.AsSpan(512 << 10));
        await File.WriteAllBytesAsync(BaseImage, image, Stop);
        await base.InitializeAsync();
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        scratch.Dispose();
    }

    protected override async Task<IVmDriver> OpenAsync() => await QemuDriver.OpenAsync(
        new QemuOptions { VmsDirectory = scratch.In("vms"), Accelerator = "tcg", CgroupName = "monolith-test" },
        TimeProvider.System, NullLogger.Instance, Stop);

    [Fact]
    public async Task OfAGuestThatWrites_TheCopyIsTheDiskOfOneMoment()
    {
        var vm = await MadeAsync(runs: true);
        await Eventually.HoldsAsync(async () => Counted(await DiskAsync("disk.qcow2", shared: true)).Max() > 200, "it writes", 60);
        await Driver.SnapshotAsync(vm.Id, "s-1", Stop);
        Assert.Equal(SnapshotPhase.Copied, (await EndedAsync()).Snapshot!.Phase);
        var copy = await DiskAsync("snapshot.qcow2");
        var counted = Counted(copy);
        // One after the other, as they were written: none of a later moment, none missing.
        Assert.Equal(64u, counted.Max() - counted.Min() + 1);
        Assert.Equal(64, counted.Distinct().Count());
        var image = await File.ReadAllBytesAsync(BaseImage, Stop);
        Assert.Equal(image[(512 << 10)..], copy[(512 << 10)..(1 << 20)]);
        Assert.Equal(VmPhase.Running, (await OneAsync()).Phase);
        Assert.Empty(Directory.GetFiles(Vm, "snapshot.qcow2.new"));
    }

    [Fact]
    public async Task OfNoGuest_TheCopyIsTheDisk_AndNothingButTheFileIsLeft()
    {
        var vm = await MadeAsync(runs: false);
        await Driver.SnapshotAsync(vm.Id, "s-1", Stop);
        Assert.Equal(SnapshotPhase.Copied, (await EndedAsync()).Snapshot!.Phase);
        Assert.Equal(await File.ReadAllBytesAsync(BaseImage, Stop), (await DiskAsync("snapshot.qcow2"))[..(1 << 20)]);
        Assert.Equal(["snapshot.qcow2"], Directory.GetFiles(Vm, "snapshot*").Select(Path.GetFileName));
        Assert.Null(ProcessSearch.Find("-pidfile", Path.Combine(Vm, "snapshot.lock")));
        await Driver.DropSnapshotAsync(vm.Id, Stop);
        Assert.Empty(Directory.GetFiles(Vm, "snapshot*"));
    }

    /// <summary>Whatever the dead agent had begun, and however far.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AnAgentThatDiedWithAllItHadBegun_IsFollowedByOneThatGoesOn(bool runs)
    {
        var vm = await MadeAsync(runs);
        string[] begun = ["run.json", "snapshot.lock", "snapshot.sock", "snapshot.qcow2.new", "snapshot.qcow2"];
        for (var i = 0; i < begun.Length; i++)
        {
            await Driver.SnapshotAsync(vm.Id, $"s-{i}", Stop);
            // As far as this, or further.
            await Eventually.HoldsAsync(
                () => begun[i..].Any(file => File.Exists(Path.Combine(Vm, file))), $"there is {begun[i]}", 60);
            await ReopenAsync();
            Assert.Equal($"s-{i}", (await OneAsync()).Snapshot!.Id);
            Assert.Equal(SnapshotPhase.Copied, (await EndedAsync()).Snapshot!.Phase);
            Assert.Null(ProcessSearch.Find("-pidfile", Path.Combine(Vm, "snapshot.lock")));
        }
    }

    [Fact]
    public async Task WhoStartsIt_DoesNotWaitForTheCopy_ThatADeadAgentBegan()
    {
        var vm = await MadeAsync(runs: false);
        await Driver.SnapshotAsync(vm.Id, "s-1", Stop);
        await Eventually.HoldsAsync(
            () => Task.FromResult(File.Exists(Path.Combine(Vm, "snapshot.lock"))
                || File.Exists(Path.Combine(Vm, "snapshot.qcow2"))), "it is begun", 60);
        await ReopenAsync();
        await Driver.StartAsync(Plans.Small("vm"), Stop);
        Assert.Equal(VmPhase.Running, (await OneAsync()).Phase);
        Assert.Equal(SnapshotPhase.Copied, (await EndedAsync()).Snapshot!.Phase);
    }

    private static uint[] Counted(byte[] disk) =>
        [.. Enumerable.Range(64, 64).Select(i => BinaryPrimitives.ReadUInt32LittleEndian(disk.AsSpan(i * 512)))];

    private async Task<byte[]> DiskAsync(string file, bool shared = false)
    {
        var raw = scratch.In(Guid.NewGuid().ToString("N"));
        var result = await ProcessCommand.RunAsync(
            "/usr/bin/qemu-img", ["convert", .. shared ? new[] { "-U" } : [], "-f", "qcow2", "-O", "raw", file, raw], Vm,
            TimeSpan.FromSeconds(60), Stop);
        Assert.True(result.Succeeded, result.Output);
        await using var stream = File.OpenRead(raw);
        var disk = new byte[1 << 20];
        await stream.ReadExactlyAsync(disk, Stop);
        File.Delete(raw);
        return disk;
    }
}
