using System.Diagnostics;
using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using Monolith.Agent.Network;
using Monolith.Agent.Network.Metadata;

namespace Monolith.Agent.Tests.Lab;

/// <summary>
/// Hypervisors with the real driver in them, a fabric that routes between them, and a machine outside that nothing filters.
/// All guests are raw: the test sends and receives every frame itself.
/// <code>
/// [hv 0: LinuxDataPlane] up1 ─ f0 [fabric] f1 ─ up1 [hv 1: LinuxDataPlane]
///    vt… ─ guests                  out0 ─ outside        vt… ─ guests
/// </code>
/// </summary>
internal sealed class FabricLab : IAsyncDisposable, IMetadataSource
{
    public static readonly IPAddress OutsideV4 = IPAddress.Parse("10.70.0.1"), OutsideV6 = IPAddress.Parse("fd70::1");

    private readonly List<RawGuest> guests = [];
    private readonly DataPlaneOptions options;

    /// <param name="options">The same for all hypervisors; the namespace is filled in.</param>
    public FabricLab(int hypervisors, DataPlaneOptions? options = null)
    {
        this.options = options ?? new DataPlaneOptions();
        Fabric = new TestNamespace("fabric");
        Fabric.Run("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1");
        Hypervisors = [.. Enumerable.Range(0, hypervisors).Select(i => new TestNamespace($"hv{i}"))];
        Planes = [.. Hypervisors.Select(NewPlane)];
        for (var i = 0; i < hypervisors; i++)
            Wire(i);
        Outside = new RawGuest(Fabric, "out0", new MacAddress(0x5254_0000_ffff), [OutsideV4, OutsideV6]);
        Route(Fabric, "out0", OutsideV4, OutsideV6);
        guests.Add(Outside);
    }

    public TestNamespace Fabric { get; }

    public IReadOnlyList<TestNamespace> Hypervisors { get; }

    public LinuxDataPlane[] Planes { get; }

    public RawGuest Outside { get; }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public MetadataDocument? Find(string portId) => null;

    public Task PrepareAsync() => Task.WhenAll(Planes.Select(p => p.PrepareAsync(Cancellation)));

    /// <summary>Another agent process on a hypervisor: the driver starts with no memory.</summary>
    public async Task RestartAsync(int hypervisor)
    {
        await Planes[hypervisor].DisposeAsync();
        Planes[hypervisor] = NewPlane(Hypervisors[hypervisor]);
        await Planes[hypervisor].PrepareAsync(Cancellation);
    }

    /// <summary>Plans a port, holds its tap, and waits for its routes, which the fabric gets as well.</summary>
    public async Task<RawGuest> StartGuestAsync(int hypervisor, PortPlan plan)
    {
        await Planes[hypervisor].EnsurePortAsync(plan, Cancellation);
        var guest = new RawGuest(Hypervisors[hypervisor], plan.TapName, plan.Mac, plan.Addresses);
        guests.Add(guest);
        foreach (var address in plan.Addresses)
            Fabric.Run("ip", "route", "add", $"{address}", "via", Near(hypervisor, address.ToString().Contains(':')));
        await Eventually.HoldsAsync(
            async () => (await Planes[hypervisor].ObserveAsync(Cancellation))
                .Single(o => o.PortId == plan.PortId).Routed.Count == plan.Addresses.Count,
            "routes of the guest");
        return guest;
    }

    /// <summary>
    /// Plans many ports on one hypervisor and holds their taps; the fabric has one route of each family to them all.
    /// </summary>
    /// <param name="planned">Told how long each took.</param>
    public async Task<RawGuest[]> StartGuestsAsync(int hypervisor, IReadOnlyList<PortPlan> plans, Action<TimeSpan> planned)
    {
        foreach (var plan in plans)
        {
            var began = Stopwatch.GetTimestamp();
            await Planes[hypervisor].EnsurePortAsync(plan, Cancellation);
            planned(Stopwatch.GetElapsedTime(began));
            guests.Add(new RawGuest(Hypervisors[hypervisor], plan.TapName, plan.Mac, plan.Addresses));
        }

        Fabric.Run("ip", "route", "add", "10.64.0.0/16", "via", Near(hypervisor, v6: false));
        Fabric.Run("ip", "route", "add", "fd64::/64", "via", Near(hypervisor, v6: true));
        await Eventually.HoldsAsync(
            async () => (await Planes[hypervisor].ObserveAsync(Cancellation)).All(o => o.Routed.Count == 2),
            "routes of all guests");
        return [.. guests.TakeLast(plans.Count)];
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var plane in Planes)
            await plane.DisposeAsync();
        foreach (var guest in guests)
            guest.Dispose();
        foreach (var hypervisor in Hypervisors)
            hypervisor.Dispose();
        Fabric.Dispose();
    }

    /// <summary>The hypervisor's address of its uplink.</summary>
    public static string Near(int hypervisor, bool v6) => v6 ? $"fd20:{hypervisor:x}::1" : $"10.200.{hypervisor}.1";

    private static string Far(int hypervisor, bool v6) => v6 ? $"fd20:{hypervisor:x}::2" : $"10.200.{hypervisor}.2";

    private void Wire(int i)
    {
        var hypervisor = Hypervisors[i];
        TestNamespace.Host("ip", "link", "add", "up1", "netns", hypervisor.Name, "type", "veth", "peer", "name", $"f{i}",
            "netns", Fabric.Name);
        Address(hypervisor, "up1", Near, "fe80::11");
        Address(Fabric, $"f{i}", Far, "fe80::12");
        hypervisor.Run("ip", "route", "add", "default", "via", Far(i, v6: false));
        hypervisor.Run("ip", "-6", "route", "add", "default", "via", Far(i, v6: true));

        void Address(TestNamespace where, string device, Func<int, bool, string> of, string local)
        {
            // No address of the kernel's making, whose detection would change the state while a test compares it.
            where.Run("ip", "link", "set", device, "addrgenmode", "none");
            where.Run("ip", "addr", "add", of(i, false) + "/24", "dev", device);
            where.Run("ip", "addr", "add", of(i, true) + "/64", "dev", device, "nodad");
            // A router asks for its neighbours from its link-local address.
            where.Run("ip", "addr", "add", local + "/64", "dev", device, "nodad");
            where.Run("ip", "link", "set", device, "up");
        }
    }

    private static void Route(TestNamespace where, string device, params IPAddress[] addresses)
    {
        where.Run("ip", "link", "set", device, "address", Gateway.Mac.ToString(), "addrgenmode", "none");
        where.Run("ip", "addr", "add", "169.254.1.1/32", "dev", device);
        where.Run("ip", "addr", "add", "fe80::1/64", "dev", device, "nodad");
        where.Run("ip", "link", "set", device, "up");
        foreach (var address in addresses)
            where.Run("ip", "route", "add", $"{address}", "dev", device);
    }

    private LinuxDataPlane NewPlane(TestNamespace hypervisor) => new(
        options with { NamespacePath = hypervisor.Path }, this, TimeProvider.System, NullLoggerFactory.Instance);
}
