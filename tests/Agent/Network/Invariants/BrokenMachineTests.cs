using System.Net;
using Monolith.Agent.Network;
using Monolith.Agent.Network.Invariants;
using Monolith.Agent.Routing;
using Monolith.Agent.Tests.Lab;
using static Monolith.Agent.Network.RuleDirection;
using static Monolith.Agent.Network.RuleProtocol;

namespace Monolith.Agent.Tests.Network.Invariants;

/// <summary>A machine that somebody breaks for real: the next look names it, and undoes what is the agent's to undo.</summary>
[Trait("Needs", "root")]
public sealed class BrokenMachineTests : IAsyncLifetime
{
    private readonly DataPlaneLab lab = new();
    private readonly PortPlan plan = DataPlaneLab.Plan(1, [new(Ingress, Tcp, 22, RemoteSetId: "ops"), new(Egress)]);
    private readonly PortPlan other = DataPlaneLab.Plan(2, [new(Ingress), new(Egress)]);
    private readonly AddressSetPlan ops = new("ops", [IPAddress.Parse("10.64.0.2"), IPAddress.Parse("fd64::2")]);
    private Guest guest = null!;
    private string healthy = "";

    public async ValueTask InitializeAsync()
    {
        await lab.Plane.PrepareAsync(DataPlaneLab.Cancellation);
        await lab.Plane.EnsureSetsAsync([ops], DataPlaneLab.Cancellation);
        guest = await lab.StartGuestAsync(plan);
        await lab.StartGuestAsync(other);
        await NothingAsync();
        healthy = Everything();
    }

    public ValueTask DisposeAsync() => lab.DisposeAsync();

    [Fact]
    public async Task WhatTheAgentDoes_IsNoBreach()
    {
        await lab.Plane.EnsureSetsAsync([new("ops", [IPAddress.Parse("10.64.0.9")])], DataPlaneLab.Cancellation);
        await NothingAsync();
        await lab.Plane.EnsurePortAsync(plan with { Rules = [new(Egress, Udp)] }, DataPlaneLab.Cancellation);
        await lab.Plane.RemovePortAsync(other.PortId, DataPlaneLab.Cancellation);
        await lab.Plane.RemoveSetsAsync(["ops"], DataPlaneLab.Cancellation);
        await NothingAsync();
        await lab.RestartAsync();
        await NothingAsync();
        await lab.Plane.EnsurePortAsync(plan, DataPlaneLab.Cancellation);
        await NothingAsync();
    }

    [Fact]
    public async Task AddressesThatStandForOthers_AreTheAgentsOwn_AndNamedWhenTheyAreAltered()
    {
        var translated = plan with
        {
            AllowedPrefixes = [IPNetwork.Parse("172.16.0.0/24")],
            EgressRate = 10_000_000,
            Translations =
            [
                new(IPAddress.Parse("203.0.113.7"), plan.Addresses[0], true),
                new(IPAddress.Parse("2001:db8::7"), plan.Addresses[1], false),
            ],
            UntranslatedPrefixes = [IPNetwork.Parse("10.64.0.0/16"), IPNetwork.Parse("fd64::/64")],
        };
        await lab.Plane.EnsurePortAsync(translated, DataPlaneLab.Cancellation);
        await NothingAsync();
        healthy = Everything();
        Nft("delete element inet monolith dnat4 { 203.0.113.7 }");
        Nft("add element inet monolith dnat4 { 203.0.113.7 : 10.64.0.2 }");
        Assert.NotEmpty(await LookAsync());
        await NothingAsync();
        Assert.Equal(healthy, Everything());
        lab.Hypervisor.Run("ip", "route", "add", "203.0.113.8", "dev", plan.TapName, "proto", "42");
        await NamedOnceAsync(("FOREIGN_ROUTE", plan.TapName));
        await lab.RestartAsync();
        await NothingAsync();
        await lab.Plane.EnsurePortAsync(plan, DataPlaneLab.Cancellation);
        await NothingAsync();
    }

    [Fact]
    public async Task WhatOthersDoInTablesOfTheirOwn_IsNoBreach()
    {
        Nft("add table inet docker");
        Nft("add chain inet docker forward { type filter hook forward priority 10; policy accept; }");
        lab.Hypervisor.Run("ip", "link", "add", "docker0", "type", "bridge");
        lab.Hypervisor.Run("ip", "route", "add", "172.17.0.0/16", "dev", "up1");
        await NothingAsync();
    }

    [Fact]
    public async Task ATapInABridge()
    {
        lab.Hypervisor.Run("ip", "link", "add", "br0", "type", "bridge");
        lab.Hypervisor.Run("ip", "link", "set", plan.TapName, "master", "br0");
        await NamedOnceAsync(("TAP_ENSLAVED", plan.TapName));
        lab.Hypervisor.Run("ip", "link", "delete", "br0");
        Assert.True(guest.Pings(DataPlaneLab.OfficeAddress));
    }

    /// <summary>The interface is somebody's, so that nobody deletes it but they.</summary>
    [Fact]
    public async Task AnInterfaceOnATap()
    {
        lab.Hypervisor.Run("ip", "link", "add", "mv0", "link", plan.TapName, "type", "macvlan");
        await NamedAsync(("TAP_STACKED", plan.TapName));
        await NamedAsync(("TAP_STACKED", plan.TapName));
        lab.Hypervisor.Run("ip", "link", "delete", "mv0");
        await NothingAsync();
    }

    [Theory]
    [InlineData("flush chain inet monolith spoof", "FILTER_ALTERED", "inet.spoof")]
    [InlineData("insert rule inet monolith spoof accept", "FILTER_ALTERED", "inet.spoof")]
    [InlineData("add rule inet monolith from_guest accept", "FILTER_ALTERED", "inet.from_guest")]
    [InlineData("add chain inet monolith forward { policy accept; }", "FILTER_ALTERED", "inet.forward")]
    [InlineData("add chain inet monolith early { type filter hook prerouting priority -400; }", "FOREIGN_FILTER", "inet.early")]
    [InlineData("add element inet monolith s4_ops { 192.0.2.1 }", "FILTER_ALTERED", "inet.s4_ops")]
    [InlineData("flush chain arp monolith input", "FILTER_ALTERED", "arp.input")]
    public async Task ARuleSetThatIsChanged(string command, string code, string subject)
    {
        Nft(command);
        await NamedOnceAsync((code, subject));
    }

    [Fact]
    public async Task ABindingThatIsDeleted()
    {
        Nft($"delete element inet monolith bind4 {{ {plan.TapName} . {plan.Mac} . 10.64.0.1 }}");
        Nft($"delete element inet monolith egress {{ {plan.TapName} }}");
        await NamedOnceAsync(("BINDING_MISSING", plan.TapName));
        Assert.True(guest.Pings(DataPlaneLab.OfficeAddress));
    }

    [Fact]
    public async Task ABindingToAnothersAddress()
    {
        Nft($"add element inet monolith bind4 {{ {plan.TapName} . {plan.Mac} . 10.64.0.2 }}");
        await NamedOnceAsync(("FOREIGN_BINDING", plan.TapName));
    }

    [Fact]
    public async Task ATableThatIsGone()
    {
        Nft("delete table arp monolith");
        await NamedOnceAsync(("FILTER_MISSING", "arp.bind"), ("FILTER_MISSING", "arp.input"), ("FILTER_MISSING", "arp.monolith"),
            ("FILTER_MISSING", "arp.range"));
    }

    /// <summary>The data plane puts right what it happens to read, and that is no reason to be silent.</summary>
    [Fact]
    public async Task ABreachThatIsMendedBeforeTheLook_IsNamedAllTheSame()
    {
        Nft($"delete element inet monolith bind4 {{ {plan.TapName} . {plan.Mac} . 10.64.0.1 }}");
        await lab.Plane.ObserveAsync(DataPlaneLab.Cancellation);
        await lab.Plane.EnsurePortAsync(plan, DataPlaneLab.Cancellation);
        Assert.Equal(healthy, Everything());
        await NamedOnceAsync(("BINDING_MISSING", plan.TapName));
    }

    [Fact]
    public async Task WhatWasChangedWhileNoAgentRan()
    {
        Nft("flush chain inet monolith spoof");
        await lab.RestartAsync();
        await NamedAsync(("FILTER_ALTERED", "inet.spoof"));
        await lab.Plane.EnsurePortAsync(plan, DataPlaneLab.Cancellation);
        await lab.Plane.EnsurePortAsync(other, DataPlaneLab.Cancellation);
        await NothingAsync();
        Assert.Equal(healthy, Everything());
    }

    /// <summary>What an earlier version made is no breach, and goes as soon as everything is known.</summary>
    [Fact]
    public async Task AnUpgradeOfTheAgent()
    {
        var marker = Everything().Split('\n').Single(l => l.Contains("chain skeleton_", StringComparison.Ordinal)).Split(' ')[1];
        Nft("add chain inet monolith skeleton_before");
        Nft($"delete chain inet monolith {marker}");
        Nft("add chain inet monolith before { type filter hook prerouting priority -400; }");
        await lab.RestartAsync();
        await NothingAsync();
        await lab.Plane.EnsureSetsAsync([ops], DataPlaneLab.Cancellation);
        await lab.Plane.EnsurePortAsync(plan, DataPlaneLab.Cancellation);
        await lab.Plane.EnsurePortAsync(other, DataPlaneLab.Cancellation);
        await NothingAsync();
        Assert.Equal(healthy, Everything());
    }

    [Fact]
    public async Task ARouteThatNobodyPlanned()
    {
        lab.Hypervisor.Run("ip", "route", "add", "192.0.2.77/32", "dev", plan.TapName);
        lab.Hypervisor.Run("ip", "route", "add", "192.0.2.78/32", "dev", plan.TapName, "proto", "42");
        lab.Hypervisor.Run("ip", "route", "add", "fd99::/64", "dev", plan.TapName, "table", "7");
        await NamedOnceAsync(("FOREIGN_ROUTE", plan.TapName));
    }

    [Fact]
    public async Task AnAddressWithTwoTaps()
    {
        lab.Hypervisor.Run("ip", "route", "add", "10.64.0.1/32", "dev", other.TapName, "metric", "5");
        await NamedOnceAsync(("TWO_TAPS", "10.64.0.1"), ("FOREIGN_ROUTE", other.TapName));
    }

    [Fact]
    public async Task AServersAddressOnTheMachine()
    {
        lab.Hypervisor.Run("ip", "address", "add", "10.64.0.1/32", "dev", "lo");
        await NamedAsync(("OWN_ADDRESS", "10.64.0.1"));
        lab.Hypervisor.Run("ip", "address", "delete", "10.64.0.1/32", "dev", "lo");
        await NothingAsync();
    }

    [Theory]
    [InlineData("net/ipv4/conf/{0}/proxy_arp", "1")]
    [InlineData("net/ipv4/conf/{0}/send_redirects", "1")]
    [InlineData("net/ipv6/conf/{0}/accept_ra", "2")]
    [InlineData("net/ipv6/conf/{0}/forwarding", "0")]
    public async Task ASettingOfATap(string path, string value)
    {
        Set(string.Format(System.Globalization.CultureInfo.InvariantCulture, path, plan.TapName), value);
        await NamedOnceAsync(("SETTING_ALTERED", plan.TapName));
    }

    [Fact]
    public async Task ASettingOfTheMachine()
    {
        Set("net/ipv4/conf/all/rp_filter", "1");
        await NamedOnceAsync(("SETTING_ALTERED", "net.ipv4.conf.all.rp_filter"));
    }

    [Fact]
    public async Task ATapThatIsNotOurs()
    {
        lab.Hypervisor.Run("ip", "tuntap", "add", "vtevil", "mode", "tap");
        await NamedAsync(("UNFILTERED_TAP", "vtevil"));
        lab.Hypervisor.Run("ip", "link", "delete", "vtevil");
        await NothingAsync();
    }

    private void Nft(string command) => lab.Hypervisor.Run("nft", command);

    private void Set(string path, string value) => lab.Hypervisor.Run("sysctl", "-qw", $"{path.Replace('/', '.')}={value}");

    /// <summary>At this look, and at the next one no more: what it was is undone.</summary>
    private async Task NamedOnceAsync(params (string Code, string Subject)[] breaches)
    {
        await NamedAsync(breaches);
        await NothingAsync();
        Assert.Equal(healthy, Everything());
    }

    private async Task NamedAsync(params (string Code, string Subject)[] breaches) => Assert.Equal(breaches.Order(), await LookAsync());

    private async Task NothingAsync() => Assert.Empty(await LookAsync());

    /// <summary>What is wrong with the machine; its fabric is another test's.</summary>
    private async Task<IEnumerable<(string, string)>> LookAsync() => Judge
        .Breaches((await lab.Plane.LookAsync(DataPlaneLab.Cancellation))!, FabricPaths.None)
        .Where(b => b.Invariant != Invariant.TwoNextHops).Select(b => (b.Code, b.Subject)).Order().ToList();

    /// <summary>What guests are kept by: rules without counters and handles, and routes into taps.</summary>
    private string Everything() => string.Join(
        '\n',
        string.Join('\n', lab.Hypervisor.Run("nft", "-s", "list", "ruleset").Split('\n').Order(StringComparer.Ordinal)),
        lab.Hypervisor.Run("ip", "route", "show", "table", "all", "dev", plan.TapName),
        lab.Hypervisor.Run("ip", "route", "show", "table", "all", "dev", other.TapName));
}
