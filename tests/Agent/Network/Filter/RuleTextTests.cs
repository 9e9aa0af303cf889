using System.Globalization;
using System.Net;
using CsCheck;
using Monolith.Agent.Network;
using Monolith.Agent.Network.Filter;
using static Monolith.Agent.Network.RuleDirection;
using static Monolith.Agent.Network.RuleProtocol;

namespace Monolith.Agent.Tests.Network.Filter;

public sealed class RuleTextTests
{
    public static TheoryData<RuleSpec, string> Cases { get; } = new()
    {
        { new(Egress), "return" },
        { new(Ingress, Tcp), "meta l4proto tcp return" },
        { new(Ingress, Tcp, 22), "tcp dport 22 return" },
        { new(Ingress, Tcp, 80, 81), "tcp dport 80-81 return" },
        { new(Ingress, Udp, 0, 65535), "meta l4proto udp return" },
        { new(Ingress, Icmp), "meta nfproto ipv4 meta l4proto icmp return" },
        { new(Ingress, Icmp, IcmpType: 8), "meta nfproto ipv4 icmp type 8 return" },
        { new(Ingress, IcmpV6, IcmpType: 128), "meta nfproto ipv6 icmpv6 type 128 return" },
        { new(Ingress, Tcp, 22, RemotePrefix: IPNetwork.Parse("192.0.2.0/24")),
            "ip saddr 192.0.2.0/24 tcp dport 22 return" },
        { new(Egress, Tcp, 22, RemotePrefix: IPNetwork.Parse("fd00::/8")), "ip6 daddr fd00::/8 tcp dport 22 return" },
        { new(Egress, RemotePrefix: IPNetwork.Parse("0.0.0.0/0")), "meta nfproto ipv4 return" },
        { new(Egress, RemotePrefix: IPNetwork.Parse("::/0")), "meta nfproto ipv6 return" },
        { new(Ingress, Udp, 53, RemoteSetId: "web"),
            "ip saddr @s4_web udp dport 53 return|ip6 saddr @s6_web udp dport 53 return" },
        { new(Egress, Icmp, RemoteSetId: "web"), "ip daddr @s4_web meta l4proto icmp return" },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Lines_SayTheRule(RuleSpec rule, string expected) =>
        Assert.Equal(expected, string.Join('|', RuleText.Lines(rule.Direction, [rule])));

    [Fact]
    public void Chain_IsTheSameWhateverTheOrder_AndEndsInDrop()
    {
        RuleSpec[] rules = [new(Ingress, Tcp, 22), new(Ingress, Udp, 53), new(Egress)];

        var (name, body) = RuleText.Chain(Ingress, rules);

        Assert.Equal((name, body), RuleText.Chain(Ingress, rules.Reverse().Append(rules[0])));
        Assert.Equal("tcp dport 22 return; udp dport 53 return; counter drop", body);
        Assert.NotEqual(name, RuleText.Chain(Ingress, rules[1..]).Name);
        Assert.Equal("counter drop", RuleText.Chain(Ingress, []).Body);
    }

    /// <summary>Of many rules the kernel tries few, and lets through what each of them does.</summary>
    [Fact]
    public void Rules_ThatDifferInPortsOrInPrefixesAlone_AreOne()
    {
        static RuleSpec Of(string prefix, int first, int? last = null) => new(Ingress, Tcp, first, last, RemotePrefix: IPNetwork.Parse(prefix));

        Assert.Equal(["tcp dport { 22, 80-82, 443 } return"], RuleText.Lines(
            Ingress, [new(Ingress, Tcp, 443), new(Ingress, Tcp, 80, 81), new(Ingress, Tcp, 22), new(Ingress, Tcp, 81, 82)]));
        Assert.Equal(["meta l4proto tcp return"], RuleText.Lines(Ingress, [new(Ingress, Tcp, 22), new(Ingress, Tcp)]));
        Assert.Equal(["meta nfproto ipv4 icmp type { 0, 8 } return"], RuleText.Lines(
            Ingress, [new(Ingress, Icmp, IcmpType: 8), new(Ingress, Icmp, IcmpType: 0)]));
        Assert.Equal(
            ["ip saddr 198.51.100.0/24 tcp dport 22 return", "ip saddr { 10.0.0.0/8, 192.0.2.7 } tcp dport { 22, 80 } return"],
            RuleText.Lines(Ingress,
            [
                Of("10.0.0.0/8", 22), Of("10.0.0.0/8", 80), Of("192.0.2.7/32", 22), Of("192.0.2.7/32", 80), Of("198.51.100.0/24", 22),
                Of("10.1.0.0/16", 22), Of("10.1.0.0/16", 80),
            ]).Order(StringComparer.Ordinal));
        // Ports of one prefix are not another's.
        Assert.Equal(2, RuleText.Lines(Ingress, [Of("10.0.0.0/8", 22), Of("192.0.2.0/24", 80)]).Count());
    }

    [Fact]
    public void Ports_ThatAreJoined_AreThoseOfAll() => Gen.Select(Gen.Int[0, 60], Gen.Int[0, 8]).List[1, 12].Sample(ranges =>
    {
        var text = ServiceText.Join("meta l4proto tcp", ranges.Select(r => ((int, int)?)(r.Item1, r.Item1 + r.Item2)));
        var joined = text["tcp dport ".Length..].Trim('{', '}', ' ').Split(", ").Select(v => v.Split('-')).Select(v => (
            First: int.Parse(v[0], CultureInfo.InvariantCulture), Last: int.Parse(v[^1], CultureInfo.InvariantCulture))).ToList();
        for (var port = 0; port < 80; port++)
            Assert.Equal(
                ranges.Exists(r => r.Item1 <= port && port <= r.Item1 + r.Item2), joined.Exists(j => j.First <= port && port <= j.Last));
        Assert.All(joined.Zip(joined.Skip(1)), pair => Assert.True(pair.First.Last + 1 < pair.Second.First));
    });

    public static TheoryData<RuleSpec, string> Broken { get; } = new()
    {
        { new(Ingress, Any, 22), "ports belong to TCP and UDP only" },
        { new(Ingress, Tcp, 90, 80), "first not above the last" },
        { new(Ingress, Tcp, PortMax: 80), "needs a first port" },
        { new(Ingress, Tcp, 65536), "0-65535" },
        { new(Ingress, Tcp, IcmpType: 8), "belongs to ICMP" },
        { new(Ingress, Icmp, IcmpType: 256), "0-255" },
        { new(Ingress, Icmp, RemotePrefix: IPNetwork.Parse("fd00::/8")), "not of the family" },
        { new(Ingress, RemotePrefix: IPNetwork.Parse("10.0.0.0/8"), RemoteSetId: "a"), "not both" },
        { new(Ingress, RemoteSetId: "a } ; flush ruleset"), "set id" },
        { new((RuleDirection)7), "older than the control plane" },
    };

    [Theory]
    [MemberData(nameof(Broken))]
    public void BrokenRule_IsRefusedWithItsReason(RuleSpec rule, string reason)
    {
        var plan = Lab.DataPlaneLab.Plan(1, rule);

        var refusal = Assert.Throws<InvalidPlanException>(() => PlanRules.Check(plan, new DataPlaneOptions()));

        Assert.Contains(reason, refusal.Message, StringComparison.Ordinal);
        Assert.Contains("rule 0", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void BrokenPlan_IsRefusedWithEveryReason()
    {
        var plan = Lab.DataPlaneLab.Plan(1) with
        {
            PortId = "x;y",
            TapName = "eth0",
            Mtu = 100,
            Mac = MacAddress.Broadcast,
            Hostname = "a b",
            Addresses = [IPAddress.Loopback, IPAddress.Parse("fe80::1"), IPAddress.Parse("169.254.169.254")],
        };

        Assert.Equal(8, PlanRules.Violations(plan, new DataPlaneOptions()).Count);
    }
}
