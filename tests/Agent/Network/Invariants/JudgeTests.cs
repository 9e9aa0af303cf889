using System.Net;
using CsCheck;
using Monolith.Agent.Network.Filter;
using Monolith.Agent.Network.Invariants;
using Monolith.Agent.Network.Tap;
using Monolith.Agent.Routing;
using static Monolith.Agent.Native.Raw.RtnetlinkConstants;

namespace Monolith.Agent.Tests.Network.Invariants;

/// <summary>What is wrong with a machine has a name, and nothing is wrong with a healthy one.</summary>
public sealed class JudgeTests
{
    private readonly Machine machine = Machine.Of(3);

    private string Tap => machine.Tap(0);

    private IPAddress Address => machine.Address(0);

    private static void Is(Machine machine, params (string Code, string Subject)[] breaches) =>
        Assert.Equal(breaches.Order(), machine.Breaches().Order());

    [Fact]
    public void AHealthyMachine_OfAnyShape_HasNone() => Machine.Healthy.Sample(m => Is(m));

    [Fact]
    public void EveryBreach_SaysWhatToDo_AndWhosePortItIs()
    {
        var breach = Assert.Single(Judge.Breaches(machine.Change(Tap, t => t with { Master = 7 }).Facts, machine.Paths));
        Assert.Equal((Invariant.NoSharedL2, "port-1"), (breach.Invariant, breach.Port));
        Assert.Contains("filters", breach.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("bridge")]
    [InlineData("bond")]
    [InlineData("vrf")]
    public void ATapInABridgeOrAlike(string kind) =>
        Is(machine.WithLink(Machine.Link(7, "br0", kind)).Change(Tap, t => t with { Master = 7 }), ("TAP_ENSLAVED", Tap));

    [Theory]
    [InlineData("macvlan")]
    [InlineData("vlan")]
    [InlineData("ipvlan")]
    public void AnInterfaceOnATap(string kind) =>
        Is(machine.WithLink(Machine.Link(7, "mv0", kind) with { Lower = Machine.FirstTap }), ("TAP_STACKED", Tap));

    [Fact]
    public void ALinkIntoAnotherNamespace_WhoseIndexIsATapsByChance_StandsOnNone() =>
        Is(machine.WithLink(Machine.Link(7, "veth7", "veth") with { Lower = 0 }));

    [Fact]
    public void OneSessionLost_IsSaidOnce_HoweverManyAddressesThereAre()
    {
        var lost = machine with { Paths = machine.Paths with { Sessions = [Machine.Session("tor1"), Machine.Session("tor2", "Active")] } };
        Is(lost, ("SINGLE_NEXT_HOP", "fabric"));
        Assert.Contains("tor2 (Active)", Judge.Breaches(lost.Facts, lost.Paths)[0].Message, StringComparison.Ordinal);
        Is(machine with { Paths = machine.Paths with { Sessions = [Machine.Session("tor1", "Idle"), Machine.Session("tor2", "Active")] } },
            ("NO_NEXT_HOP", "fabric"));
        Is(machine with { Paths = FabricPaths.None with { Problem = "BIRD does not answer" } }, ("NO_NEXT_HOP", "fabric"));
        // Of three, two are enough.
        var three = Machine.Of(2, uplinks: 3);
        Is(three with { Paths = three.Paths with { Sessions = [.. three.Paths.Sessions.Take(2), Machine.Session("tor3", "Active")] } });
    }

    [Fact]
    public void AnAddressThatASessionDoesNotCarry()
    {
        IReadOnlySet<IPAddress> all = machine.Paths.Exports["tor1"], fewer = all.Where(a => !a.Equals(Address)).ToHashSet();
        Is(Carried(all, fewer), ("SINGLE_NEXT_HOP", $"{Address}"));
        Is(Carried(fewer, fewer), ("NO_NEXT_HOP", $"{Address}"));

        Machine Carried(IReadOnlySet<IPAddress> first, IReadOnlySet<IPAddress> second) => machine with
        {
            Paths = machine.Paths with
            {
                Exports = new Dictionary<string, IReadOnlySet<IPAddress>> { ["tor1"] = first, ["tor2"] = second },
            },
        };
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AWayOutThatIsOneUplink(bool hasDefault)
    {
        var whole = Machine.Of(1, hasDefault: hasDefault);
        Is(OnlyOver(Machine.Uplink), ("SINGLE_WAY_OUT", "ipv4"), ("SINGLE_WAY_OUT", "ipv6"));
        Is(OnlyOver(0), ("NO_WAY_OUT", "ipv4"), ("NO_WAY_OUT", "ipv6"));

        Machine OnlyOver(int uplink) => whole.With(f => f with
        {
            Routes = [.. f.Routes.Select(r => r.Protocol != 12 ? r : r with { Links = [.. r.Links.Where(l => l == uplink)] })],
        });
    }

    [Theory]
    [InlineData(FilterChange.Missing, "FILTER_MISSING")]
    [InlineData(FilterChange.Altered, "FILTER_ALTERED")]
    [InlineData(FilterChange.Foreign, "FOREIGN_FILTER")]
    internal void ARuleSetThatIsNotTheAgents(FilterChange change, string code) =>
        Is(With(new FilterDifference(change, "chain inet spoof")), (code, "inet.spoof"));

    [Fact]
    public void WhatATapMaySend_IsOneBreach_InHoweverManySetsItIs()
    {
        Is(With(new(FilterChange.Missing, "set inet mac", "a", Tap), new(FilterChange.Missing, "set arp bind", "b", Tap)),
            ("BINDING_MISSING", Tap));
        Is(With(new FilterDifference(FilterChange.Foreign, "set inet bind4", "a", Tap)), ("FOREIGN_BINDING", Tap));
        // The members of a group are about no tap.
        Is(With(new(FilterChange.Missing, "set inet s4_web", "\"10.64.0.9\"", "10.64.0.9"),
            new(FilterChange.Foreign, "set inet s4_web", "\"10.64.0.8\"", "10.64.0.8")), ("FILTER_ALTERED", "inet.s4_web"));
    }

    [Fact]
    public void ATapThatIsNotOurs()
    {
        Is(machine.WithLink(Machine.Link(7, "vtevil", "tun")), ("UNFILTERED_TAP", "vtevil"));
        Is(machine.WithLink(Machine.Link(7, "vtevil", "veth")), ("UNFILTERED_TAP", "vtevil"));
    }

    [Fact]
    public void EverySetting_OfATapAndOfTheMachine()
    {
        foreach (var setting in Settings.Tap)
        {
            var other = new Dictionary<int, int> { [setting.Index] = 1 - setting.Value };
            Is(machine.Change(Tap, t => setting.Family == Settings.V4 ? t with { Settings4 = other } : t with { Settings6 = other }),
                ("SETTING_ALTERED", Tap));
        }

        Is(machine.With(f => f with { Settings = [(new Setting("net/ipv4/ip_forward", "1"), "0")] }),
            ("SETTING_ALTERED", "net.ipv4.ip_forward"));
    }

    [Fact]
    public void AnAddressWithTwoTaps() => Is(machine.WithRoute($"{Address}/32", Machine.FirstTap + 1),
        ("TWO_TAPS", $"{Address}"), ("FOREIGN_ROUTE", machine.Tap(1)));

    [Theory]
    [InlineData("192.0.2.7/32")]
    [InlineData("192.0.2.0/24")]
    [InlineData("0.0.0.0/0")]
    [InlineData("fd99::/64")]
    public void ARouteThatNobodyPlanned(string prefix)
    {
        Is(machine.WithRoute(prefix, Machine.FirstTap), ("FOREIGN_ROUTE", Tap));
        Is(machine.WithRoute(prefix, Machine.FirstTap, RTPROT_KERNEL), ("FOREIGN_ROUTE", Tap));
        Is(machine.WithRoute(prefix, Machine.FirstTap, table: 100), ("FOREIGN_ROUTE", Tap));
        Is(machine.WithRoute(prefix, Machine.Docker));
    }

    [Fact]
    public void APortWhoseGuestIsElsewhere_HasNoRoute() => Is(
        machine.With(f => f with { Plans = [.. f.Plans.Select(p => p.TapName == Tap ? p with { Routed = false } : p)] }),
        ("FOREIGN_ROUTE", Tap));

    [Fact]
    public void AServersAddress_OnTheMachineItself() =>
        Is(machine.WithRoute($"{Address}/32", 1, RTPROT_KERNEL, RTN_LOCAL, 255), ("OWN_ADDRESS", $"{Address}"));

    [Fact]
    public void AServersAddress_FromElsewhere()
    {
        var others = new[] { "tor1", "tor2" }.Select(t => new OtherOrigin(Address, t, "AS65112"));
        var heard = machine with { Paths = machine.Paths with { Others = [.. others] } };
        Is(heard, ("OTHER_ORIGIN", $"{Address}"));
        Assert.Contains("AS65112", Judge.Breaches(heard.Facts, heard.Paths)[0].Message, StringComparison.Ordinal);
        Is(machine with { Paths = machine.Paths with { Others = [new(IPAddress.Parse("10.64.9.9"), "tor1", "AS65112")] } });
    }

    private Machine With(params FilterDifference[] differences) => machine.With(f => f with { Differences = differences });
}
