using Monolith.Agent.Emulated;
using Monolith.Agent.Tests.Vms;
using Monolith.Agent.Vms;

namespace Monolith.Agent.Tests.Conformance;

/// <summary>Emulated guests go from node to node as real ones do: see <see cref="VmMigrationConformance"/>.</summary>
public sealed class EmulatedVmMigrationConformance : VmMigrationConformance
{
    private readonly Dictionary<string, EmulatedVms> machines = [];

    protected override string BaseImage => "";

    protected override Task<IVmDriver> OpenAsync(string machine)
    {
        if (!machines.TryGetValue(machine, out var vms))
            machines[machine] = vms = new EmulatedVms(Emulation.Instant, new EmulatedDataPlane(), TimeProvider.System);
        return Task.FromResult<IVmDriver>(vms);
    }
}
