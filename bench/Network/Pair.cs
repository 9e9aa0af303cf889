using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Monolith.Agent.Native.Safe;
using Monolith.Agent.Network;
using Monolith.Agent.Network.Metadata;
using Monolith.Agent.Tests.Lab;

namespace Monolith.Network.Bench;

/// <summary>
/// A guest whose tap this process holds, the machine that routes for it, and who hears it: through the agent's filters, or
/// through a kernel that has none and nothing else to do.
/// <code>guest ─ tap [machine] up1 ─ f0 [fabric: a socket that nobody reads]</code>
/// </summary>
internal sealed class Pair : IAsyncDisposable, IMetadataSource
{
    public const int Port = 9;
    private const string Address = "10.64.0.1";
    private readonly TestNamespace machine, fabric;
    private readonly LinuxDataPlane? plane;
    private Socket? sink;

    private Pair(bool filtered)
    {
        machine = new TestNamespace(filtered ? "ours" : "plain");
        fabric = new TestNamespace("sink");
        TestNamespace.Host("ip", "link", "add", "up1", "netns", machine.Name, "type", "veth", "peer", "name", "f0",
            "netns", fabric.Name);
        machine.Run("ip", "addr", "add", "10.200.0.1/24", "dev", "up1");
        machine.Run("ip", "link", "set", "up1", "up");
        fabric.Run("ip", "addr", "add", "10.200.0.2/24", "dev", "f0");
        fabric.Run("ip", "link", "set", "f0", "up");
        fabric.Run("ip", "route", "add", "local", "10.201.0.0/16", "dev", "lo");
        fabric.Run("ip", "route", "add", "10.64.0.0/16", "via", "10.200.0.1");
        machine.Run("ip", "route", "add", "10.201.0.0/16", "via", "10.200.0.2");
        if (filtered)
        {
            plane = new LinuxDataPlane(
                new DataPlaneOptions { NamespacePath = machine.Path }, this, TimeProvider.System, NullLoggerFactory.Instance);
        }
    }

    public static MacAddress Mac { get; } = new(0x5254_0000_0001);

    public static IPAddress GuestAddress { get; } = IPAddress.Parse(Address);

    public RawGuest Guest { get; private set; } = null!;

    public MetadataDocument? Find(string portId) => null;

    public static async Task<Pair> MakeAsync(bool filtered)
    {
        var pair = new Pair(filtered);
        if (filtered)
        {
            await pair.plane!.PrepareAsync(CancellationToken.None);
            await pair.RuleAsync([new(RuleDirection.Egress)], []);
        }
        else
        {
            pair.machine.Run("sysctl", "-qw", "net.ipv4.ip_forward=1");
            pair.machine.Run("ip", "tuntap", "add", "dev", "vt0", "mode", "tap");
            pair.machine.Run("ip", "link", "set", "vt0", "address", Gateway.Mac.ToString(), "up");
            pair.machine.Run("ip", "route", "add", Address, "dev", "vt0");
            pair.machine.Run("ip", "neigh", "add", Address, "lladdr", Mac.ToString(), "dev", "vt0", "nud", "permanent");
        }

        pair.Guest = new RawGuest(pair.machine, filtered ? TapName.Of("bench") : "vt0", Mac, [GuestAddress]);
        using var thread = new NamespaceThread("sink", pair.fabric.Path);
        pair.sink = await thread.RunAsync(
            () =>
            {
                var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
                socket.Bind(new IPEndPoint(IPAddress.Any, Port));
                return socket;
            },
            CancellationToken.None);
        while (filtered && (await pair.plane!.ObserveAsync(CancellationToken.None))[0].Routed.Count == 0)
            await Task.Delay(5);
        return pair;
    }

    /// <summary>Gives the port other rules, and sets that these name; nothing where nothing is filtered.</summary>
    public async Task RuleAsync(IReadOnlyList<RuleSpec> rules, IReadOnlyCollection<AddressSetPlan> sets)
    {
        if (plane is null) return;
        await plane.EnsureSetsAsync(sets, CancellationToken.None);
        await plane.EnsurePortAsync(
            new PortPlan
            {
                PortId = "bench", Mac = Mac, Addresses = [GuestAddress], TapName = TapName.Of("bench"), Rules = rules,
            },
            CancellationToken.None);
    }

    /// <summary>Answers a flow once, so that it is established from then on.</summary>
    public void Answer(IPEndPoint guest) => sink!.SendTo(new byte[1], guest);

    /// <summary>Packets that have come to the other side.</summary>
    public long Arrived() => long.Parse(
        fabric.Run("cat", "/proc/net/dev").Split('\n').Single(l => l.Contains("f0:", StringComparison.Ordinal))
            .Split(':')[1].Split(' ', StringSplitOptions.RemoveEmptyEntries)[1],
        CultureInfo.InvariantCulture);

    public async ValueTask DisposeAsync()
    {
        if (plane is not null) await plane.DisposeAsync();
        Guest?.Dispose();
        sink?.Dispose();
        machine.Dispose();
        fabric.Dispose();
    }
}
