using System.Runtime.CompilerServices;
using System.Text;
using Monolith.Agent.Native.Safe;
using Monolith.Agent.Vms;

namespace Monolith.Agent.Tests.Vms;

public sealed class QemuProbeTests
{
    [Fact]
    [Trait("Needs", "cc")]
    public async Task Guest_Bytes_AreWhatItsSourceAssemblesTo()
    {
        using var scratch = new Scratch();
        var stop = TestContext.Current.CancellationToken;
        var limit = TimeSpan.FromSeconds(30);
        var assembled = await ProcessCommand.RunAsync("as", [Source(), "-o", "g.o"], scratch.Path, limit, stop);
        Assert.True(assembled.Succeeded, assembled.Output);
        var linked = await ProcessCommand.RunAsync(
            "ld", ["-Ttext", "0x7c00", "--oformat", "binary", "g.o", "-o", "g.bin"], scratch.Path, limit, stop);
        Assert.True(linked.Succeeded, linked.Output);
        Assert.Equal(await File.ReadAllBytesAsync(scratch.In("g.bin"), stop), QemuProbeGuest.Disk[..512]);
    }

    [Theory]
    [InlineData("QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7)\nCopyright", "7.2.22")]
    [InlineData("QEMU emulator version 10.0.2\n", "10.0.2")]
    [InlineData("something else", "unknown")]
    public void Version_IsRead(string output, string version) => Assert.Equal(version, QemuProbeText.Version(output));

    [Fact]
    public void MachineTypes_AreRead() =>
        Assert.Equal(
            ["microvm", "q35"],
            QemuProbeText.MachineTypes(
                "Supported machines are:\nmicrovm              microvm (i386)\n"
                + "q35   Standard PC\nnone  empty machine\n"));

    [Fact]
    public void Search_OtherVmsArguments_DoNotMatch()
    {
        var line = Encoding.UTF8.GetBytes("qemu\0-m\0size=64M\0-pidfile\0/s/vms/a1/qemu.lock\0-msg\0timestamp=on\0");
        Assert.True(ProcessSearch.Matches(line, "-pidfile", "/s/vms/a1/qemu.lock"));
        Assert.False(ProcessSearch.Matches(line, "-pidfile", "/s/vms/a/qemu.lock"));
        Assert.False(ProcessSearch.Matches(line, "-pidfile", "/vms/a1/qemu.lock"));
    }

    private static string Source([CallerFilePath] string here = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "../../../src/Agent/Vms/QemuProbeGuest.S"));

    [Theory]
    [InlineData("kvm", "7.2.22", true)]
    [InlineData("tcg", "7.2.22", false)]
    [InlineData("tcg", "8.2.9", false)]
    [InlineData("tcg", "9.0.0", true)]
    [InlineData("tcg", "10.1.2", true)]
    [InlineData("tcg", "of nobody", false)]
    public void Memory_IsCopiedOfRunningGuests_WhereNothingIsForgotten(string accelerator, string version, bool copies) =>
        Assert.Equal(copies, new VmCapabilities(version, accelerator, "", [], 2, "", null).CopiesRunningGuests);
}
