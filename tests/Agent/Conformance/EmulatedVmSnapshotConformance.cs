using Monolith.Agent.Emulated;
using Monolith.Agent.Tests.Vms;
using Monolith.Agent.Vms;

namespace Monolith.Agent.Tests.Conformance;

/// <summary>Emulated disks are copied as real ones are: see <see cref="VmSnapshotConformance"/>.</summary>
public sealed class EmulatedVmSnapshotConformance : VmSnapshotConformance
{
    private readonly EmulatedVms vms = new(Emulation.Instant, new EmulatedDataPlane(), TimeProvider.System);

    protected override string BaseImage => "";

    protected override Task<IVmDriver> OpenAsync() => Task.FromResult<IVmDriver>(vms);
}
