using Monolith.Agent.Routing;
using Monolith.Agent.Tests.Conformance;
using Monolith.Agent.Tests.Lab;

namespace Monolith.Agent.Tests.Routing;

/// <summary>BIRD's own; what it does as every routing does is in <see cref="RoutingConformance"/>.</summary>
[Trait("Needs", "root")]
public sealed class BirdRoutingTests : IDisposable
{
    private readonly BirdWire wire = new();

    [Fact]
    public async Task NoBird_IsAnErrorThatSaysWhatToDo()
    {
        using var routing = new BirdRouting(wire.Socket("none"), TimeProvider.System, wire.Node.Path);

        var error = await Assert.ThrowsAsync<IOException>(() => routing.ListSessionsAsync(DataPlaneLab.Cancellation));

        Assert.Contains("bird runs with -s", error.Message, StringComparison.Ordinal);
    }

    public void Dispose() => wire.Dispose();
}
