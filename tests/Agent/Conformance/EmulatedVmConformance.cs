using Monolith.Agent.Emulated;
using Monolith.Agent.Tests.Vms;
using Monolith.Agent.Vms;

namespace Monolith.Agent.Tests.Conformance;

/// <summary>The emulated driver does what QEMU's does: the same cases, see <see cref="VmDriverConformance"/>.</summary>
public sealed class EmulatedVmConformance : VmDriverConformance
{
    private readonly EmulatedVms vms = new(Emulation.Instant, new EmulatedDataPlane(), TimeProvider.System);

    protected override string BaseImage => "";

    protected override Task<IVmDriver> OpenAsync() => Task.FromResult<IVmDriver>(vms);
}
