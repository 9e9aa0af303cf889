using Microsoft.Extensions.Logging.Abstractions;
using Monolith.Agent.Consoles;
using Monolith.Agent.Tests.Vms;
using Monolith.Agent.Vms;

namespace Monolith.Agent.Tests.Consoles;

/// <summary>The real driver, with a guest that sends back what it reads.</summary>
[Trait("Needs", "root")]
[Collection("qemu")]
public sealed class QemuConsoleTests : ConsoleConformance
{
    private readonly Scratch scratch = new();

    protected override string BaseImage => scratch.In("base.img");

    protected override string Greeting => "ready\r\n";

    /// <summary>Longer than the address of a unix socket may be.</summary>
    private string Vms => scratch.In(new string('d', 120), "vms");

    public override async ValueTask InitializeAsync()
    {
        await File.WriteAllBytesAsync(BaseImage, BootGuests.EchoesOnItsSerialPort, Stop);
        await base.InitializeAsync();
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        scratch.Dispose();
    }

    protected override async Task<IVmDriver> OpenAsync() => await QemuDriver.OpenAsync(
        new QemuOptions { VmsDirectory = Vms, Accelerator = "tcg", CgroupName = "monolith-test" },
        TimeProvider.System, NullLogger.Instance, Stop);

    /// <summary>As of a QEMU that was started without one.</summary>
    [Fact]
    public async Task WithoutASerialSocket_ThatIsTheCause()
    {
        await using var driver = (QemuDriver)await OpenAsync();
        var plan = Plans.Small("socketless");
        await driver.EnsureDiskAsync(plan, BaseImage, Stop);
        await driver.StartAsync(plan, Stop);
        File.Delete(Path.Combine(Vms, plan.Id.Value, VmCommandLine.SerialSocket));
        var e = await Assert.ThrowsAsync<VmException>(() => driver.ConnectAsync(plan.Id, Stop));
        Assert.Equal(VmFailure.NoDevice, e.Reason);
        Assert.Contains("Restart the server", e.Message, StringComparison.Ordinal);
        await driver.RemoveAsync(plan.Id, Stop);
    }
}
