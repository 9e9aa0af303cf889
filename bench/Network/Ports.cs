using System.Diagnostics;
using System.Globalization;
using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using Monolith.Agent.Native.Safe;
using Monolith.Agent.Network;
using Monolith.Agent.Network.Metadata;
using Monolith.Agent.Network.Tap;
using Monolith.Agent.Tests.Lab;

namespace Monolith.Network.Bench;

/// <summary>What a port costs a machine that has many: time until it is filtered and routed, and memory.</summary>
internal sealed class Ports : IMetadataSource
{
    public MetadataDocument? Find(string portId) => null;

    /// <returns>Milliseconds of each port, until planned and until routed; memory before the first and after the last, KiB.</returns>
    public async Task<(List<double> Planned, List<double> Routed, Memory Before, Memory After)> MeasureAsync(int count)
    {
        using var machine = new TestNamespace("ports");
        await using var plane = new LinuxDataPlane(
            new DataPlaneOptions { NamespacePath = machine.Path }, this, TimeProvider.System, NullLoggerFactory.Instance);
        await plane.PrepareAsync(CancellationToken.None);
        // A look of its own, which costs the agent nothing.
        using var thread = new NamespaceThread("routes", machine.Path);
        using var netlink = await thread.RunAsync(() => new NetlinkSocket(strict: true), CancellationToken.None);
        var (planned, routed, guests) = (new List<double>(), new List<double>(), new List<RawGuest>());
        Memory before = default;
        for (var i = 1; i <= count; i++)
        {
            // The first compiles what the others use.
            if (i == 2) before = Memory.Now();
            var plan = Plan(i);
            var began = Stopwatch.GetTimestamp();
            await plane.EnsurePortAsync(plan, CancellationToken.None);
            planned.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
            guests.Add(new RawGuest(machine, plan.TapName, plan.Mac, plan.Addresses));
            while (await thread.RunAsync(() => new RouteTable(netlink, netlink).List().Count, CancellationToken.None) < 2 * i)
                await Task.Yield();
            routed.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
        }

        var after = Memory.Now();
        guests.ForEach(g => g.Dispose());
        return (planned, routed, before, after);
    }

    private static PortPlan Plan(int number) => new()
    {
        PortId = $"bench-{number}",
        Mac = new MacAddress(0x5254_0001_0000ul + (ulong)number),
        Addresses = [IPAddress.Parse($"10.65.{number / 250}.{(number % 250) + 1}"), IPAddress.Parse($"fd65::{number:x}")],
        TapName = TapName.Of($"bench-{number}"),
        Rules = [new(RuleDirection.Egress), .. Enumerable.Range(1, 20).Select(
            r => new RuleSpec(RuleDirection.Ingress, RuleProtocol.Tcp, (number * 20) + r))],
    };
}

/// <summary>Of this process, in KiB: all that is in memory, and its share of it.</summary>
internal readonly record struct Memory(long Rss, long Pss)
{
    public static Memory Now()
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        var lines = File.ReadAllLines("/proc/self/smaps_rollup");
        return new(Of("Rss:"), Of("Pss:"));

        long Of(string name) => long.Parse(
            lines.Single(l => l.StartsWith(name, StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1],
            CultureInfo.InvariantCulture);
    }
}
