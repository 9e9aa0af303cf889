using System.Net;
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

    /// <summary>What the invariants of the fabric are judged by.</summary>
    [Fact]
    public async Task Paths_AreWhatGoesOut_WhoElseHasIt_AndSessionsThatEnd()
    {
        wire.Start();
        using var routing = new BirdRouting(wire.Socket("node"), TimeProvider.System, wire.Node.Path);
        IPAddress ours = IPAddress.Parse("10.96.0.7"), quiet = IPAddress.Parse("fd96::7");
        await routing.AnnounceVipAsync(ours, DataPlaneLab.Cancellation);
        await PathsAsync(p => p.Exports.TryGetValue("tor1", out var out1) && out1.SetEquals([ours]));

        // Somebody else has it as well, and tells the ToR.
        wire.Tor.Run("ip", "address", "add", "10.96.0.7/32", "dev", "lo");
        wire.Tor.Run("ip", "address", "add", "10.96.0.8/32", "dev", "lo");
        var heard = await PathsAsync(p => p.Others.Count > 0);
        Assert.Equal([new OtherOrigin(ours, "tor1", "AS65001")], heard.Others);
        wire.Tor.Run("ip", "address", "delete", "10.96.0.7/32", "dev", "lo");
        await PathsAsync(p => p.Others.Count == 0);

        wire.Cut();
        await PathsAsync(p => p.Sessions is [{ Established: false }] && p.Exports.Count == 0);

        async Task<FabricPaths> PathsAsync(Func<FabricPaths, bool> reached)
        {
            var paths = FabricPaths.None;
            await Eventually.HoldsAsync(
                async () =>
                {
                    try
                    {
                        paths = await routing.ReadPathsAsync([ours, quiet], DataPlaneLab.Cancellation);
                        return reached(paths);
                    }
                    catch (IOException)
                    {
                        // It is starting.
                        return false;
                    }
                },
                "paths");
            return paths;
        }
    }

    public void Dispose() => wire.Dispose();
}
