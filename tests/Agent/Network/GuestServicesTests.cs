using System.Net;
using System.Text.Json;
using Monolith.Agent.Network;
using Monolith.Agent.Network.Metadata;
using Monolith.Agent.Tests.Lab;
using static Monolith.Agent.Network.RuleDirection;

namespace Monolith.Agent.Tests.Network;

/// <summary>What the agent answers on a tap: DHCP, router advertisements, metadata; and what it asks: probes.</summary>
[Trait("Needs", "root")]
public sealed class GuestServicesTests : IAsyncLifetime
{
    private const string Server = "http://169.254.169.254";
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(5);
    private static readonly RuleSpec[] AllowAll = [new(Egress), new(Ingress)];
    private readonly DataPlaneLab lab = new();

    public async ValueTask InitializeAsync() => await lab.Plane.PrepareAsync(DataPlaneLab.Cancellation);

    public ValueTask DisposeAsync() => lab.DisposeAsync();

    [Fact]
    public async Task Udhcpc_GetsALease_AndWhatItConfiguresWorks()
    {
        var plan = DataPlaneLab.Plan(1, AllowAll) with { Mtu = 1450, Domain = "servers.example" };
        lab.Documents[plan.PortId] = Document();
        var guest = await lab.StartGuestAsync(plan, configure: false);

        var lease = Udhcpc(guest);

        Assert.Equal("10.64.0.1", lease["ip"]);
        Assert.Equal("255.255.255.255", lease["subnet"]);
        Assert.Equal("169.254.1.1", lease["router"]);
        Assert.Equal("169.254.1.1", lease["serverid"]);
        Assert.Equal(
            "169.254.1.1/32 0.0.0.0 169.254.169.254/32 169.254.1.1 0.0.0.0/0 169.254.1.1", lease["staticroutes"]);
        Assert.Equal("10.96.0.53", lease["dns"]);
        Assert.Equal("1450", lease["mtu"]);
        Assert.Equal("server1", lease["hostname"]);
        Assert.Equal("servers.example", lease["domain"]);
        Assert.Equal("3600", lease["lease"]);
        Assert.True(guest.Pings(DataPlaneLab.OfficeAddress));
        Assert.NotNull((await lab.ObserveAsync(plan.PortId))!.Answered);
    }

    [Fact]
    public async Task Metadata_IsTheGuestsOwn()
    {
        var (first, second) = (DataPlaneLab.Plan(1, AllowAll), DataPlaneLab.Plan(2, AllowAll));
        lab.Documents[first.PortId] = Document() with { InstanceId = "uid-1" };
        lab.Documents[second.PortId] = Document() with { InstanceId = "uid-2" };
        var one = await lab.StartGuestAsync(first);
        var two = await lab.StartGuestAsync(second);

        using var json = JsonDocument.Parse(await FetchAsync(one, "/openstack/latest/meta_data.json"));
        Assert.Equal("uid-1", json.RootElement.GetProperty("uuid").GetString());
        Assert.Equal(
            "ssh-ed25519 AAAA key", json.RootElement.GetProperty("public_keys").GetProperty("key").GetString());
        Assert.Equal("uid-2", await FetchAsync(two, "/latest/meta-data/instance-id"));
        Assert.Equal("#cloud-config\n", await FetchAsync(one, "/latest/user-data"));
        Assert.Equal("10.64.0.2", await FetchAsync(two, "/2009-04-04/meta-data/local-ipv4"));
        var (status, _) = await NamespaceHttp.SendAsync(one.Namespace, HttpMethod.Get, Server + "/latest/none", Soon);
        Assert.Equal(HttpStatusCode.NotFound, status);
        (status, _) = await NamespaceHttp.SendAsync(one.Namespace, HttpMethod.Put, Server + "/latest/api/token", Soon);
        Assert.Equal(HttpStatusCode.OK, status);
        one.Namespace.Run("ip", "addr", "add", "10.64.0.2/32", "dev", "eth0");
        await Assert.ThrowsAsync<TaskCanceledException>(() => NamespaceHttp.SendAsync(
            one.Namespace, HttpMethod.Get, Server + "/latest/user-data", TimeSpan.FromSeconds(1), IPAddress.Parse(
                "10.64.0.2")));
    }

    [Fact]
    public async Task HostKeys_AreCertifiedForRootOfTheGuest_WhoIsAtItsAddress()
    {
        var plan = DataPlaneLab.Plan(1, AllowAll);
        lab.Documents[plan.PortId] = Document() with { InstanceId = "uid-1" };
        var guest = await lab.StartGuestAsync(plan);
        Task<(HttpStatusCode, string)> PostAsync(int port, string body) => NamespaceHttp.SendAsync(
            guest.Namespace, HttpMethod.Post, Server + HostKeyDesk.Path, Soon, port: port, body: body);
        Assert.Equal((HttpStatusCode.OK, "uid-1 one\nuid-1 two\n"), await PostAsync(700, "one\ntwo\n"));
        Assert.Equal(HttpStatusCode.Forbidden, (await PostAsync(0, "one")).Item1);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, (await PostAsync(701, new string('x', HostKeyDesk.MaxBody + 1))).Item1);
        Assert.Equal((HttpStatusCode.OK, $"uid-1 {new string('x', 10_000)}\n"), await PostAsync(702, new string('x', 10_000)));
    }

    [Fact]
    public async Task RouterAdvertisement_GivesTheDefaultRoute_AndTheAddressWhereItIsDerived()
    {
        var plan = DataPlaneLab.Plan(1, AllowAll) with
        {
            Addresses = [IPAddress.Parse("fd64::5054:ff:fe00:1")],
        };
        await lab.Plane.EnsurePortAsync(plan, DataPlaneLab.Cancellation);
        using var guest = new Guest(lab.Hypervisor, plan.TapName, plan.Mac, "ra");
        guest.PowerOn();
        // The kernel solicits when an interface comes up.
        guest.Namespace.Run("ip", "link", "set", "eth0", "down");
        guest.Namespace.Run("ip", "link", "set", "eth0", "up");

        await DataPlaneLab.UntilAsync(
            () => Task.FromResult(
                guest.Namespace.Run("ip", "-6", "route").Contains(
                    "default via fe80::1 dev eth0 proto ra", StringComparison.Ordinal)
                && guest.Namespace.Run("ip", "-6", "addr", "show", "dev", "eth0", "scope", "global", "-tentative")
                    .Contains("fd64::5054:ff:fe00:1", StringComparison.Ordinal)),
            "default route and address from the advertisement");

        Assert.DoesNotContain("fd64::/64", guest.Namespace.Run("ip", "-6", "route"), StringComparison.Ordinal);
        Assert.True(guest.Pings("fe80::1%eth0"));
    }

    [Fact]
    public async Task Probe_SaysWhetherTheGuestAnswers()
    {
        var plan = DataPlaneLab.Plan(1, AllowAll);
        var guest = await lab.StartGuestAsync(plan);
        using var listening = new Listeners(guest.Namespace, 22);
        var (probe, none) = (lab.Plane.Probe, DataPlaneLab.Cancellation);
        var soon = TimeSpan.FromSeconds(5);
        var now = TimeSpan.FromMilliseconds(400);

        Assert.True(await probe.AnswersArpAsync(plan.TapName, plan.Mac, plan.Addresses[0], soon, none));
        Assert.False(await probe.AnswersArpAsync(plan.TapName, new MacAddress(2), plan.Addresses[0], now, none));
        Assert.False(await probe.AnswersArpAsync(plan.TapName, plan.Mac, IPAddress.Parse("10.64.0.9"), now, none));
        Assert.False(await probe.AnswersArpAsync("vtnothere", plan.Mac, plan.Addresses[0], now, none));
        Assert.True(await probe.AcceptsTcpAsync(new IPEndPoint(plan.Addresses[0], 22), soon, none));
        Assert.True(await probe.AcceptsTcpAsync(new IPEndPoint(plan.Addresses[1], 22), soon, none));
        Assert.False(await probe.AcceptsTcpAsync(new IPEndPoint(plan.Addresses[0], 23), soon, none));
        guest.PowerOff();
        Assert.False(await probe.AnswersArpAsync(plan.TapName, plan.Mac, plan.Addresses[0], now, none));
    }

    private static MetadataDocument Document() => new(
        "uid", "server.servers.example", [new("key", "ssh-ed25519 AAAA key")], "#cloud-config\n"u8.ToArray(), "az1");

    private static async Task<string> FetchAsync(Guest guest, string path)
    {
        var (status, body) = await NamespaceHttp.SendAsync(guest.Namespace, HttpMethod.Get, Server + path, Soon);
        Assert.Equal(HttpStatusCode.OK, status);
        return body;
    }

    private static Dictionary<string, string> Udhcpc(Guest guest)
    {
        var directory = Directory.CreateTempSubdirectory("mt-dhcp-");
        var script = Path.Combine(directory.FullName, "bound");
        File.WriteAllText(script, $"""
            #!/bin/sh
            [ "$1" = bound ] || exit 0
            env > {directory.FullName}/lease
            ip link set eth0 mtu "$mtu"
            ip addr add "$ip/32" dev eth0
            set -- $staticroutes
            while [ $# -ge 2 ]; do
              if [ "$2" = 0.0.0.0 ]; then ip route add "$1" dev eth0; else ip route add "$1" via "$2" dev eth0; fi
              shift 2
            done
            """);
        File.SetUnixFileMode(script, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        try
        {
            guest.Namespace.Run(
                "busybox",
                "udhcpc", "-i", "eth0", "-f", "-n", "-q", "-t", "5", "-T", "1", "-s", script, "-O", "staticroutes",
                "-O", "mtu", "-O", "domain", "-O", "hostname");
            return File.ReadAllLines(Path.Combine(directory.FullName, "lease"))
                .Select(l => l.Split('=', 2)).Where(p => p.Length == 2).DistinctBy(p => p[0]).ToDictionary(
                    p => p[0], p => p[1]);
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }
}
