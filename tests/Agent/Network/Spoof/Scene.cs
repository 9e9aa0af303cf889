using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Monolith.Agent.Native.Raw;
using Monolith.Agent.Native.Safe;
using Monolith.Agent.Network;
using Monolith.Agent.Network.Tap;
using Monolith.Agent.Tests.Lab;

namespace Monolith.Agent.Tests.Network.Spoof;

/// <summary>
/// An attacker, a neighbour that lets everything in, one that lets one port in, one on another hypervisor, a machine
/// outside; and who listens on the hypervisor itself.
/// <code>
/// attacker 1, open 2, shut 4 ─ [hv 0] ── [fabric] ── [hv 1] ─ far 3
///            a socket on every address ┘        └ a sniffer on hv 0's link
/// </code>
/// </summary>
public sealed class Scene : IAsyncLifetime
{
    /// <summary>The one port that everybody hears: what has been sent before it has arrived by then, or will not.</summary>
    internal const int SentinelPort = 40000;

    /// <summary>Where a socket of the hypervisor listens on all its addresses.</summary>
    internal const int HypervisorPort = 7777;

    private static readonly RuleSpec[] AllowAll = [new(RuleDirection.Egress), new(RuleDirection.Ingress)];
    private readonly FabricLab lab = new(2, new DataPlaneOptions
    {
        ProtectedPrefixes = [IPNetwork.Parse("10.255.0.0/16"), IPNetwork.Parse("fd25::/16")],
    });

    private RawGuest[] hearers = [];
    private Sniffer? sniffer;
    private Socket? onHypervisor;
    private NamespaceThread? hypervisor;
    private NetlinkSocket? netlink;
    private HashSet<string> state = [];
    private int sentinel;

    internal RawGuest Attacker { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        lab.Hypervisors[0].Run("ip", "addr", "add", "10.255.1.1/32", "dev", "lo");
        lab.Hypervisors[0].Run("ip", "addr", "add", "fd25::1/128", "dev", "lo");
        lab.Hypervisors[0].Run("ip", "route", "add", "10.255.2.1", "via", "10.200.0.2");
        await lab.PrepareAsync();
        Attacker = await lab.StartGuestAsync(0, DataPlaneLab.Plan(1, AllowAll));
        hearers =
        [
            await lab.StartGuestAsync(0, DataPlaneLab.Plan(2, AllowAll)),
            await lab.StartGuestAsync(1, DataPlaneLab.Plan(3, AllowAll)),
            await lab.StartGuestAsync(0, DataPlaneLab.Plan(
                4, new(RuleDirection.Egress), new(RuleDirection.Ingress, RuleProtocol.Udp, SentinelPort))),
            lab.Outside,
        ];
        sniffer = new Sniffer(lab.Fabric, "f0");
        hypervisor = new NamespaceThread("hypervisor", lab.Hypervisors[0].Path);
        netlink = await hypervisor.RunAsync(() => new NetlinkSocket(), CancellationToken.None);
        onHypervisor = await hypervisor.RunAsync(
            () =>
            {
                var socket = new Socket(SocketType.Dgram, ProtocolType.Udp);
                socket.Bind(new IPEndPoint(IPAddress.IPv6Any, HypervisorPort));
                return socket;
            },
            CancellationToken.None);
        // Everybody has met everybody: from here on nothing is new to the neighbour tables.
        await HeardAsync([]);
        lab.Hypervisors[0].Run("ping", "-c1", "-W2", "fe80::12%up1");
        lab.Hypervisors[0].Run("ping", "-c1", "-W2", "10.200.0.2");
        sniffer.Receive();
        state = await StateAsync();
    }

    public async ValueTask DisposeAsync()
    {
        onHypervisor?.Dispose();
        netlink?.Dispose();
        hypervisor?.Dispose();
        sniffer?.Dispose();
        await lab.DisposeAsync();
    }

    /// <summary>Sends an attack's frames, and says what came of them: each line is one thing that should not be.</summary>
    internal async Task<IReadOnlyList<string>> SendAsync(Attack attack)
    {
        var found = await HeardAsync([.. attack.Frames(Attacker)], attack.IsAnswered);
        if (onHypervisor!.Available > 0)
        {
            onHypervisor.Receive(new byte[2000]);
            found.Add("the hypervisor's socket got it");
        }

        var now = await StateAsync();
        found.AddRange(state.Except(now).Select(l => $"the hypervisor lost: {l}"));
        found.AddRange(now.Except(state).Select(l => $"the hypervisor has: {l}"));
        state = now;
        return found;
    }

    /// <summary>Sends frames and the sentinel after them, and takes what comes until everybody has heard that.</summary>
    private async Task<List<string>> HeardAsync(IReadOnlyList<byte[]> frames, bool isAnswered = false)
    {
        var number = ++sentinel;
        foreach (var frame in frames)
            Attacker.Send(frame);
        foreach (var hearer in hearers)
        {
            foreach (var v6 in new[] { false, true })
            {
                var (from, to) = (Attacker.Address(v6), hearer.Address(v6));
                Attacker.SendPacket(Frames.Ip(from, to, 17, Frames.Udp(from, to, number, SentinelPort, [])));
            }
        }

        var found = new List<string>();
        var passed = new int[hearers.Length];
        var onLink = 0;
        await Eventually.HoldsAsync(
            () =>
            {
                for (var i = 0; i < hearers.Length; i++)
                    passed[i] += Sort(hearers[i].Receive(), $"guest {i + 2} got");
                onLink += Sort(sniffer!.Receive(), "the fabric got");
                _ = Sort(isAnswered ? [] : Attacker.Receive(), "the attacker was answered with");
                return passed.All(p => p >= 2) && onLink >= 4;
            },
            "the sentinel");
        _ = Attacker.Receive();
        return found;

        int Sort(IEnumerable<byte[]> came, string who)
        {
            var sentinels = 0;
            foreach (var frame in came.Where(f => !IsOfTheLink(f)))
            {
                if (IsSentinel(frame, number)) sentinels++;
                else found.Add($"{who} {Convert.ToHexStringLower(frame.AsSpan(0, Math.Min(120, frame.Length)))}");
            }

            return sentinels;
        }
    }

    private static bool IsSentinel(byte[] frame, int number) => Frames.Transport(frame) is (17, var at)
        && frame.AsSpan(at, 4).SequenceEqual((byte[])[.. Frames.Big(number), .. Frames.Big(SentinelPort)]);

    /// <summary>What machines that route say to each other on a link: ARP, neighbours, which groups they are in.</summary>
    private static bool IsOfTheLink(byte[] frame) => frame[12] == 0x08 && frame[13] == 0x06
        || (Frames.Transport(frame) is (58, var at) && frame[at] is 135 or 136 && frame[21] == 255
            && MacAddress.Read(frame.AsSpan(6)) != DataPlaneLab.Plan(1).Mac)
        || (frame[0] == 0x33 && frame[5] == 0x16 && frame[20] == 0);

    /// <summary>Neighbours, addresses and routes of the hypervisor, but the link-local neighbours that a guest is by right.</summary>
    private Task<HashSet<string>> StateAsync() => hypervisor!.RunAsync(
        () =>
        {
            var local = IPAddress.Parse("fe80::5054:ff:fe00:1");
            HashSet<string> now = [.. new AddressTable(netlink!).List().Select(a => $"address {a}")];
            now.UnionWith(new NeighbourTable(netlink!).List().Where(n => !n.Address.Equals(local))
                .Select(n => $"neighbour {n.Address} {n.Mac} dev {n.Index}"));
            var routes = netlink!.Dump(
                NetlinkMessage.Of(RtnetlinkConstants.RTM_GETROUTE, 0, default(rtmsg)), "RTM_GETROUTE");
            now.UnionWith(routes.Select(r =>
            {
                ReadOnlySpan<byte> rest = r.AsSpan(Unsafe.SizeOf<rtmsg>());
                return "route " + string.Join(' ', Convert.ToHexStringLower(r.AsSpan(0, Unsafe.SizeOf<rtmsg>())),
                    Hex(rest, RtnetlinkConstants.RTA_DST), Hex(rest, 5), Hex(rest, RtnetlinkConstants.RTA_OIF));
            }));
            return now;
        },
        CancellationToken.None);

    private static string Hex(ReadOnlySpan<byte> attributes, ushort type) =>
        Convert.ToHexStringLower(NetlinkAttributes.Find(attributes, type));
}
