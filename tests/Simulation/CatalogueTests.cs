using Grpc.Core;
using Monolith.Compute.V1;
using Monolith.Simulation.Tests.Catalogue;

namespace Monolith.Simulation.Tests;

/// <summary>Promise 2: each injected fault is told to the tenant with its cause.</summary>
[Collection(OneAtATime.Name)]
public sealed class CatalogueTests(Template template)
{
    public static TheoryData<string> Names => [.. InjectedFaults.All.Select(f => f.Name)];

    [Fact]
    public void TheCatalogue_IsNoLeaflet()
    {
        Assert.True(InjectedFaults.All.Count >= 40, $"only {InjectedFaults.All.Count} faults");
        Assert.Equal(InjectedFaults.All.Count, InjectedFaults.All.DistinctBy(f => f.Name).Count());
    }

    [Theory]
    [MemberData(nameof(Names))]
    public async Task TheTenant_ReadsTheCause(string name)
    {
        var fault = InjectedFaults.All.Single(f => f.Name == name);
        await Simulation.RunAsync(1, template.Databases, calm: true, async simulation =>
        {
            var scene = new Scene(simulation);
            try
            {
                await fault.Inject(scene);
            }
            catch (RpcException e)
            {
                Require(e.StatusCode.ToString() == fault.Reason && Tells(fault, e.Status.Detail), fault, $"{e.StatusCode} {e.Status.Detail}");
                return;
            }
            var told = await scene.ToldAsync(fault.OfCopy, told => told.Any(t => t.Reason == fault.Reason && Tells(fault, t.Message)),
                $"told of {fault.Reason}, '{fault.Says}'");
            // Whatever else it says is no less clear.
            foreach (var (reason, message) in told.Where(t => t.Reason.Length > 0))
                Require(message.Length > 20 && message.Contains(' ', StringComparison.Ordinal), fault, $"{reason} {message}");
        });
    }

    static bool Tells(InjectedFault fault, string message) => message.Contains(fault.Says, StringComparison.Ordinal)
        && !message.Contains("Exception", StringComparison.Ordinal);

    static void Require(bool holds, InjectedFault fault, string said)
    {
        if (!holds) throw new BrokenPromiseException($"{fault.Name}: said is '{said}', and not {fault.Reason} '{fault.Says}'");
    }
}
