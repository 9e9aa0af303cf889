using Microsoft.Extensions.Logging.Abstractions;
using Monolith.Agent.Vms;

namespace Monolith.Agent.Tests.Vms;

/// <summary>The real driver with a blank disk.</summary>
[Trait("Needs", "root")]
[Collection("qemu")]
public sealed class QemuConformanceTests : VmDriverConformance
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

    protected override async Task<IVmDriver> OpenAsync() => await QemuDriver.OpenAsync(
        new QemuOptions { VmsDirectory = scratch.In("vms"), Accelerator = "tcg", CgroupName = "monolith-test" },
        TimeProvider.System, NullLogger.Instance, Stop);
}
