using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using Monolith.Agent.Network;
using Monolith.Agent.Network.Metadata;

namespace Monolith.Agent.Tests.Lab;

/// <summary>
/// A hypervisor with the real driver in it, an uplink to an office, and a management leg.
/// <code>office ─ up1 ─ [hypervisor: LinuxDataPlane] ─ vt… ─ guests          management ─ mgmt0 ─┘</code>
/// </summary>
internal sealed class DataPlaneLab : IAsyncDisposable, IMetadataSource
{
    public const string OfficeAddress = "10.200.0.2", HypervisorAddress = "10.255.1.1", ManagementAddress = "192.0.2.1";

    /// <summary>
    /// The office's second address is one that guests must not connect to, as a load-balancer node's is.
    /// </summary>
    public const string BalancerAddress = "10.255.2.1";

    public const string OfficeAddress6 = "fd20::2";

    private readonly List<Guest> guests = [];

    public DataPlaneLab()
    {
        Hypervisor = new TestNamespace("hv");
        Office = new TestNamespace("office");
        Management = new TestNamespace("mgmt");
        Hypervisor.Run("ip", "addr", "add", HypervisorAddress + "/32", "dev", "lo");
        Wire("up1", "10.200.0.1", Office, OfficeAddress);
        Office.Run("ip", "addr", "add", BalancerAddress + "/32", "dev", "lo");
        Hypervisor.Run("ip", "route", "add", BalancerAddress + "/32", "via", OfficeAddress);
        Wire("mgmt0", "192.0.2.11", Management, ManagementAddress);
        Plane = NewPlane();
    }

    public TestNamespace Hypervisor { get; }

    public TestNamespace Office { get; }

    public TestNamespace Management { get; }

    public LinuxDataPlane Plane { get; private set; }

    public Dictionary<string, MetadataDocument> Documents { get; } = [];

    public static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public MetadataDocument? Find(string portId) => Documents.GetValueOrDefault(portId);

    /// <summary>Signs with the guest's name.</summary>
    public Task<IReadOnlyList<string>> CertifyAsync(
        string instanceId, IReadOnlyList<string> keys, CancellationToken cancellation) =>
        Task.FromResult<IReadOnlyList<string>>([.. keys.Select(k => $"{instanceId} {k}")]);

    /// <summary>Gives the uplink IPv6 as well.</summary>
    public void WireIpv6()
    {
        Hypervisor.Run("ip", "addr", "add", "fd20::1/64", "dev", "up1", "nodad");
        Office.Run("ip", "addr", "add", OfficeAddress6 + "/64", "dev", "eth0", "nodad");
        Office.Run("ip", "-6", "route", "add", "default", "via", "fd20::1");
    }

    /// <summary>Another agent process: the driver starts with no memory.</summary>
    public async Task RestartAsync()
    {
        await Plane.DisposeAsync();
        Plane = NewPlane();
        await Plane.PrepareAsync(Cancellation);
    }

    /// <summary>A guest with its port planned and plugged in, and its address configured.</summary>
    public async Task<Guest> StartGuestAsync(PortPlan plan, bool configure = true)
    {
        await Plane.EnsurePortAsync(plan, Cancellation);
        var guest = new Guest(Hypervisor, plan.TapName, plan.Mac, $"g{guests.Count}");
        guests.Add(guest);
        guest.PowerOn();
        if (configure)
            guest.Configure([.. plan.Addresses.Select(a => a.ToString())]);
        await UntilAsync(
            async () => (await ObserveAsync(plan.PortId))?.Routed.Count == plan.Addresses.Count + plan.Translations.Count,
            "routes of the guest");
        return guest;
    }

    public static PortPlan Plan(int number, params RuleSpec[] rules) => new()
    {
        PortId = $"port-{number}",
        Mac = new MacAddress(0x5254_0000_0000ul + (ulong)number),
        Addresses = [IPAddress.Parse($"10.64.0.{number}"), IPAddress.Parse($"fd64::{number:x}")],
        TapName = TapName.Of($"port-{number}"),
        Rules = rules,
        Hostname = $"server{number}",
        DnsServers = [IPAddress.Parse("10.96.0.53"), IPAddress.Parse("fd96::53")],
    };

    public async Task<PortObservation?> ObserveAsync(string portId) =>
        (await Plane.ObserveAsync(Cancellation)).SingleOrDefault(o => o.PortId == portId);

    /// <summary>Waits for the kernel.</summary>
    public static Task UntilAsync(Func<Task<bool>> reached, string what) => Eventually.HoldsAsync(reached, what);

    public async ValueTask DisposeAsync()
    {
        await Plane.DisposeAsync();
        foreach (var guest in guests)
            guest.Dispose();
        Hypervisor.Dispose();
        Office.Dispose();
        Management.Dispose();
    }

    private void Wire(string name, string near, TestNamespace peer, string far)
    {
        TestNamespace.Host("ip", "link", "add", name, "netns", Hypervisor.Name, "type", "veth", "peer", "name", "eth0",
            "netns", peer.Name);
        Hypervisor.Run("ip", "addr", "add", near + "/24", "dev", name);
        // No address of the kernel's making, whose detection would change the state while a test compares it.
        Hypervisor.Run("ip", "link", "set", name, "addrgenmode", "none");
        Hypervisor.Run("ip", "link", "set", name, "up");
        peer.Run("ip", "addr", "add", far + "/24", "dev", "eth0");
        peer.Run("ip", "link", "set", "eth0", "up");
        peer.Run("ip", "route", "add", "default", "via", near);
    }

    private LinuxDataPlane NewPlane() => new(
        new DataPlaneOptions
        {
            NamespacePath = Hypervisor.Path, ProtectedPrefixes = [IPNetwork.Parse("10.255.0.0/16")],
        },
        this, TimeProvider.System, NullLoggerFactory.Instance);
}
