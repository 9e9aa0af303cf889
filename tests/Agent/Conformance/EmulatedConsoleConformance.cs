using Monolith.Agent.Emulated;
using Monolith.Agent.Tests.Consoles;
using Monolith.Agent.Vms;

namespace Monolith.Agent.Tests.Conformance;

/// <summary>Emulated guests have consoles as real ones do: the same cases, see <see cref="ConsoleConformance"/>.</summary>
public sealed class EmulatedConsoleConformance : ConsoleConformance
{
    private readonly EmulatedVms vms = new(Emulation.Instant, new EmulatedDataPlane(), TimeProvider.System);

    protected override string BaseImage => "";

    protected override string Greeting => "web1 is up\r\n";

    protected override Task<IVmDriver> OpenAsync() => Task.FromResult<IVmDriver>(vms);
}
