using System.Net;
using Monolith.Agent.Emulated;
using Monolith.Agent.Network;
using Monolith.Agent.Tests.Vms;
using Monolith.Agent.Vms;

namespace Monolith.Agent.Tests.Conformance;

/// <summary>The emulated driver does what QEMU's does: the same cases, see <see cref="VmDriverConformance"/>.</summary>
public sealed class EmulatedVmConformance : VmDriverConformance
{
    private readonly EmulatedDataPlane dataPlane = new();
    private readonly EmulatedVms vms;

    public EmulatedVmConformance() => vms = new(Emulation.Instant, dataPlane, TimeProvider.System);

    protected override Task MakeTapAsync(VmPort port) => dataPlane.EnsurePortAsync(
        new PortPlan
        {
            PortId = "port-1", TapName = port.Tap, Mac = MacAddress.Parse(port.Mac), Mtu = port.Mtu,
            Addresses = [IPAddress.Parse("10.9.0.1")],
        }, Stop);

    protected override string BaseImage => "";

    protected override Task<IVmDriver> OpenAsync() => Task.FromResult<IVmDriver>(vms);
}
