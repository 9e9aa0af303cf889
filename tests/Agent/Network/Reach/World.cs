using System.Net;
using System.Text;
using Monolith.Agent.Network;
using Monolith.Agent.Tests.Lab;

namespace Monolith.Agent.Tests.Network.Reach;

/// <summary>
/// Guests on hypervisors, groups with rules, and who is in which group: all by chance from one seed. Few numbers of each
/// kind, so that rules meet.
/// </summary>
internal sealed class World
{
    public const int Guests = 6, Hypervisors = 2, Groups = 4;

    /// <summary>The machine outside, after the guests.</summary>
    public const int Outside = Guests;

    private static readonly int[] Ports = [1, 22, 79, 80, 81, 443, 1024, 5432, 65534, 65535];
    private static readonly int[] IcmpTypes = [0, 3, 8, 13], IcmpV6Types = [1, 128, 129];

    private static readonly string[] Prefixes =
    [
        "0.0.0.0/0", "10.64.0.0/30", "10.64.0.4/32", "10.70.0.0/24", "::/0", "fd64::/126", "fd64::4/128", "fd70::/64",
    ];

    private readonly Random random;
    private readonly List<RuleSpec>[] rules;
    private readonly HashSet<int>[] groups;

    public World(int seed)
    {
        random = new Random(seed);
        rules = [.. Enumerable.Range(0, Groups).Select(_ => NewRules())];
        groups = [.. Enumerable.Range(0, Guests).Select(_ => NewGroups())];
        HypervisorOf = [.. Enumerable.Range(0, Guests).Select(_ => random.Next(Hypervisors))];
        // Whatever chance says, both ways of two guests to meet are there.
        (HypervisorOf[0], HypervisorOf[1], HypervisorOf[2]) = (0, 0, 1);
    }

    public int[] HypervisorOf { get; }

    public bool IsMember(int guest, int group) => guest != Outside && groups[guest].Contains(group);

    public IEnumerable<RuleSpec> RulesOf(int guest) => groups[guest].SelectMany(g => rules[g]);

    public static string SetOf(int group) => $"group-{group}";

    public static IPAddress AddressOf(int machine, bool v6) => machine == Outside
        ? (v6 ? FabricLab.OutsideV6 : FabricLab.OutsideV4)
        : IPAddress.Parse(v6 ? $"fd64::{machine + 1:x}" : $"10.64.0.{machine + 1}");

    /// <summary>What the control plane would send: everything may go out where no group says what may.</summary>
    public PortPlan Plan(int guest)
    {
        var own = RulesOf(guest).ToList();
        if (own.All(r => r.Direction != RuleDirection.Egress))
            own.Add(new RuleSpec(RuleDirection.Egress));
        own.Add(new RuleSpec(RuleDirection.Ingress, RuleProtocol.Udp, Service.Sentinel.Number));
        own.Add(new RuleSpec(RuleDirection.Egress, RuleProtocol.Udp, Service.Sentinel.Number));
        return DataPlaneLab.Plan(guest + 1, [.. own]);
    }

    public IReadOnlyList<AddressSetPlan> Sets() =>
    [
        .. Enumerable.Range(0, Groups).Select(group => new AddressSetPlan(SetOf(group),
        [
            .. Enumerable.Range(0, Guests).Where(guest => IsMember(guest, group))
                .SelectMany(guest => new[] { AddressOf(guest, false), AddressOf(guest, true) }),
        ])),
    ];

    /// <summary>Every port at an edge of somebody's range and beside it, some at a time, and the types of ICMP.</summary>
    public IReadOnlyList<(bool V6, Service Service)> Services(int most)
    {
        var edges = rules.SelectMany(r => r).Where(r => r.PortMin is not null)
            .SelectMany(r => new[] { r.PortMin!.Value, r.PortMax ?? r.PortMin.Value })
            .SelectMany(p => new[] { p - 1, p, p + 1 }).Append(7).Where(p => p is > 0 and <= 65535).Distinct().ToArray();
        random.Shuffle(edges);
        return
        [
            .. from port in edges.Take(most)
               from protocol in new[] { RuleProtocol.Tcp, RuleProtocol.Udp }
               from v6 in new[] { false, true }
               select (v6, new Service(protocol, port)),
            .. IcmpTypes.Select(t => (false, new Service(RuleProtocol.Icmp, t))),
            .. IcmpV6Types.Select(t => (true, new Service(RuleProtocol.IcmpV6, t))),
        ];
    }

    /// <summary>Somebody joins or leaves a group, or a group has other rules; both at once now and then.</summary>
    public void Change()
    {
        var kind = random.Next(4);
        if (kind != 0)
            groups[random.Next(Guests)] = NewGroups();
        if (kind != 1)
            rules[random.Next(Groups)] = NewRules();
    }

    public override string ToString()
    {
        var text = new StringBuilder();
        for (var group = 0; group < Groups; group++)
            text.AppendLine($"group {group}").AppendJoin('\n', rules[group].Select(r => "  " + r)).AppendLine();
        for (var guest = 0; guest < Guests; guest++)
            text.AppendLine($"guest {guest} on hv {HypervisorOf[guest]}, groups {string.Join(' ', groups[guest])}");
        return text.ToString();
    }

    private HashSet<int> NewGroups() =>
        [.. Enumerable.Range(0, random.Next(1, 3)).Select(_ => random.Next(Groups))];

    private List<RuleSpec> NewRules() => [.. Enumerable.Range(0, random.Next(1, 5)).Select(_ => NewRule())];

    private RuleSpec NewRule()
    {
        var rule = new RuleSpec(
            random.Next(3) == 0 ? RuleDirection.Egress : RuleDirection.Ingress, (RuleProtocol)random.Next(5));
        if (rule.Protocol is RuleProtocol.Tcp or RuleProtocol.Udp && random.Next(4) != 0)
        {
            var (one, other) = (random.GetItems(Ports, 1)[0], random.GetItems(Ports, 1)[0]);
            rule = rule with
            {
                PortMin = Math.Min(one, other),
                PortMax = random.Next(3) == 0 ? null : Math.Max(one, other),
            };
        }

        if (rule.Protocol == RuleProtocol.Icmp && random.Next(2) == 0)
            rule = rule with { IcmpType = random.GetItems(IcmpTypes, 1)[0] };
        if (rule.Protocol == RuleProtocol.IcmpV6 && random.Next(2) == 0)
            rule = rule with { IcmpType = random.GetItems(IcmpV6Types, 1)[0] };
        return random.Next(5) switch
        {
            0 => rule,
            1 or 2 => rule with { RemotePrefix = NewPrefix(rule.Protocol) },
            _ => rule with { RemoteSetId = SetOf(random.Next(Groups)) },
        };
    }

    private IPNetwork NewPrefix(RuleProtocol protocol) => IPNetwork.Parse(random.GetItems(
        protocol switch
        {
            RuleProtocol.Icmp => [.. Prefixes.Where(p => !p.Contains(':', StringComparison.Ordinal))],
            RuleProtocol.IcmpV6 => [.. Prefixes.Where(p => p.Contains(':', StringComparison.Ordinal))],
            _ => Prefixes,
        },
        1)[0]);
}
