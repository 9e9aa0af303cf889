using Microsoft.Extensions.Logging.Abstractions;
using Monolith.Agent.Tests.Lab;
using Monolith.Agent.Vms;

namespace Monolith.Agent.Tests.Vms;

/// <summary>The real driver with a blank disk.</summary>
[Trait("Needs", "root")]
[Collection("qemu")]
public sealed class QemuConformanceTests : VmDriverConformance
{
    private readonly Scratch scratch = new();
    private readonly List<string> taps = [];

    protected override string BaseImage => scratch.In("base.img");

    public override async ValueTask InitializeAsync()
    {
        await File.WriteAllBytesAsync(BaseImage, new byte[1 << 20], Stop);
        await base.InitializeAsync();
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        foreach (var tap in taps) TestNamespace.Host("ip", "link", "delete", tap);
        scratch.Dispose();
    }

    protected override Task MakeTapAsync(VmPort port)
    {
        TestNamespace.Host("ip", "tuntap", "add", "dev", port.Tap, "mode", "tap");
        taps.Add(port.Tap);
        return Task.CompletedTask;
    }

    protected override async Task<IVmDriver> OpenAsync() => await QemuDriver.OpenAsync(
        new QemuOptions { VmsDirectory = scratch.In("vms"), Accelerator = "tcg", CgroupName = "monolith-test" },
        TimeProvider.System, NullLogger.Instance, Stop);
}
