using System.Net;
using Monolith.Agent.Network;
using Monolith.Agent.Tests.Lab;
using static Monolith.Agent.Network.RuleDirection;
using static Monolith.Agent.Network.RuleProtocol;

namespace Monolith.Agent.Tests.Network;

[Trait("Needs", "root")]
public sealed class SecurityGroupTests : IAsyncLifetime
{
    private static readonly RuleSpec AllowOut = new(Egress);
    private readonly DataPlaneLab lab = new();

    public async ValueTask InitializeAsync() => await lab.Plane.PrepareAsync(DataPlaneLab.Cancellation);

    public ValueTask DisposeAsync() => lab.DisposeAsync();

    [Fact]
    public async Task Ping_IsAnswered_OnlyWhereARuleAllowsIt()
    {
        var open = await lab.StartGuestAsync(DataPlaneLab.Plan(1, AllowOut, new(Ingress, Icmp), new(Ingress, IcmpV6)));
        var shut = await lab.StartGuestAsync(DataPlaneLab.Plan(2, AllowOut));

        Assert.True(shut.Pings("10.64.0.1"), "IPv4 to the open one");
        Assert.True(shut.Pings("fd64::1"), "IPv6 to the open one");
        Assert.False(open.Pings("10.64.0.2"), "IPv4 to the shut one");
        Assert.False(open.Pings("fd64::2"), "IPv6 to the shut one");
        Assert.True(open.Pings(DataPlaneLab.OfficeAddress), "out by the uplink");
        Assert.Equal(0, lab.Office.Try("ping", "-c1", "-W1", "10.64.0.1").Code);
        Assert.NotEqual(0, lab.Office.Try("ping", "-c1", "-W1", "10.64.0.2").Code);
    }

    [Fact]
    public async Task NoEgressRule_LetsNothingOut()
    {
        var mute = await lab.StartGuestAsync(DataPlaneLab.Plan(1, new RuleSpec(Ingress, Icmp)));
        var other = await lab.StartGuestAsync(DataPlaneLab.Plan(2, AllowOut, new RuleSpec(Ingress)));

        Assert.False(mute.Pings("10.64.0.2"));
        Assert.True(other.Pings("10.64.0.1"), "replies belong to the other's connection");
    }

    [Fact]
    public async Task Ports_OfTheRuleAreOpen_AndItsNeighboursAreNot()
    {
        var server = await lab.StartGuestAsync(DataPlaneLab.Plan(1, AllowOut, new RuleSpec(Ingress, Tcp, 80, 81)));
        var client = await lab.StartGuestAsync(DataPlaneLab.Plan(2, AllowOut));
        using var listening = new Listeners(server.Namespace, 79, 80, 81, 82);

        Assert.True(client.Connects("10.64.0.1", 80));
        Assert.True(client.Connects("10.64.0.1", 81));
        Assert.False(client.Connects("10.64.0.1", 79));
        Assert.False(client.Connects("10.64.0.1", 82));
    }

    [Fact]
    public async Task SetUpdate_OpensThePort_AndTouchesNoRule()
    {
        await lab.Plane.EnsureSetsAsync([new AddressSetPlan("web", [])], DataPlaneLab.Cancellation);
        var server = await lab.StartGuestAsync(
            DataPlaneLab.Plan(1, AllowOut, new RuleSpec(Ingress, Tcp, 5432, RemoteSetId: "web")));
        var client = await lab.StartGuestAsync(DataPlaneLab.Plan(2, AllowOut));
        using var listening = new Listeners(server.Namespace, 5432);
        Assert.False(client.Connects("10.64.0.1", 5432));
        var before = Rules();

        await lab.Plane.EnsureSetsAsync(
            [new AddressSetPlan("web", [IPAddress.Parse("10.64.0.2"), IPAddress.Parse("fd64::2")])],
            DataPlaneLab.Cancellation);

        Assert.True(client.Connects("10.64.0.1", 5432));
        Assert.True(client.Connects("fd64::1", 5432));
        Assert.Equal(before, Rules());
        await lab.Plane.EnsureSetsAsync([new AddressSetPlan("web", [])], DataPlaneLab.Cancellation);
        Assert.False(client.Connects("10.64.0.1", 5432));
    }

    [Fact]
    public async Task Hypervisor_ManagementAndMetadataOfOthers_AreOutOfReach()
    {
        var guest = await lab.StartGuestAsync(DataPlaneLab.Plan(1, AllowOut, new RuleSpec(Ingress)));
        using var onHypervisor = new Listeners(lab.Hypervisor, 22);
        using var onManagement = new Listeners(lab.Management, 5443);
        Assert.Equal(0, lab.Hypervisor.Try("ping", "-c1", "-W1", DataPlaneLab.ManagementAddress).Code);

        Assert.True(guest.Pings("169.254.1.1"), "the gateway answers echo");
        Assert.False(guest.Pings(DataPlaneLab.ManagementAddress));
        Assert.False(guest.Pings("192.0.2.11"));
        Assert.False(guest.Pings(DataPlaneLab.HypervisorAddress));
        Assert.False(guest.Connects("169.254.1.1", 22));
        Assert.False(guest.Connects(DataPlaneLab.HypervisorAddress, 22));
        Assert.False(guest.Connects(DataPlaneLab.ManagementAddress, 5443));
        Assert.NotEqual(0, lab.Management.Try("ping", "-c1", "-W1", "10.64.0.1").Code);
    }

    [Fact]
    public async Task ProtectedPrefix_MayConnectToAGuest_WhichOnlyAnswers()
    {
        var guest = await lab.StartGuestAsync(DataPlaneLab.Plan(1, AllowOut, new RuleSpec(Ingress, Icmp)));

        Assert.Equal(0, lab.Office.Try("ping", "-c1", "-W1", "-I", DataPlaneLab.BalancerAddress, "10.64.0.1").Code);
        Assert.True(guest.Pings(DataPlaneLab.OfficeAddress), "the same machine by an address that is not protected");
        Assert.False(guest.Pings(DataPlaneLab.BalancerAddress));
    }

    [Fact]
    public async Task SpoofedSource_IsDropped_WhateverTheRules()
    {
        var guest = await lab.StartGuestAsync(DataPlaneLab.Plan(1, AllowOut, new RuleSpec(Ingress)));
        await lab.StartGuestAsync(DataPlaneLab.Plan(2, AllowOut, new RuleSpec(Ingress)));
        guest.Namespace.Run("ip", "addr", "add", "10.64.0.66/32", "dev", "eth0");
        guest.Namespace.Run("ip", "addr", "add", "fd64::66/128", "dev", "eth0", "nodad");
        Assert.True(guest.Pings("10.64.0.2", "-I", "10.64.0.1"));
        var before = SpoofDrops();

        Assert.False(guest.Pings("10.64.0.2", "-I", "10.64.0.66"));
        Assert.False(guest.Pings("fd64::2", "-I", "fd64::66"));
        Assert.True(SpoofDrops() >= before + 2, "the drops are counted where spoofing is judged");

        guest.Namespace.Run("ip", "link", "set", "eth0", "address", "52:54:00:00:00:99");
        guest.Namespace.Run("ip", "route", "replace", "default", "via", "169.254.1.1", "dev", "eth0");
        Assert.False(guest.Pings("10.64.0.2", "-I", "10.64.0.1"), "another Ethernet address");
    }

    private string Rules() => string.Join(
        '\n',
        lab.Hypervisor.Run("nft", "-a", "-s", "list", "table", "inet", "monolith").Split('\n')
            .Where(l => l.Contains("# handle", StringComparison.Ordinal)
                && !l.Contains(" set ", StringComparison.Ordinal)));

    private long SpoofDrops() => lab.Hypervisor.Run("nft", "list", "chain", "inet", "monolith", "spoof").Split('\n')
        .Where(l => l.Contains("counter packets", StringComparison.Ordinal))
        .Sum(l => long.Parse(l.Split("counter packets ")[1].Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture));
}
