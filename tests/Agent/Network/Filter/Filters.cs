using System.Net;
using CsCheck;
using Monolith.Agent.Network;

namespace Monolith.Agent.Tests.Network.Filter;

/// <summary>Random plans for the properties of filters. Small ranges, so that things meet.</summary>
internal static class Filters
{
    private static readonly Gen<IPAddress> Address = Gen.Select(Gen.Int[1, 6], Gen.Bool).Select(
        (n, v6) => IPAddress.Parse(v6 ? $"fd64::{n}" : $"10.64.0.{n}"));

    private static readonly Gen<string> SetId = Gen.Int[0, 2].Select(i => new[] { "web", "db", "ops-1" }[i]);

    private static readonly Gen<RuleSpec> Rule = Gen.Select(
        Gen.Bool, Gen.Enum<RuleProtocol>(), Gen.Int[0, 3], Gen.Int[1, 500], SetId).Select(
            (inwards, protocol, kind, port, set) =>
        {
            var rule = new RuleSpec(inwards ? RuleDirection.Ingress : RuleDirection.Egress, protocol);
            if (protocol is RuleProtocol.Tcp or RuleProtocol.Udp && port % 2 == 0)
                rule = rule with { PortMin = port, PortMax = port + (port % 3) };
            if (protocol is RuleProtocol.Icmp or RuleProtocol.IcmpV6 && port % 2 == 0)
                rule = rule with { IcmpType = port % 200 };
            return kind switch
            {
                0 => rule with { RemoteSetId = set },
                1 when protocol != RuleProtocol.IcmpV6 =>
                    rule with { RemotePrefix = IPNetwork.Parse($"10.{port % 256}.0.0/16") },
                2 when protocol != RuleProtocol.Icmp =>
                    rule with { RemotePrefix = IPNetwork.Parse($"fd{port % 100:00}::/32") },
                _ => rule,
            };
        });

    /// <summary>Up to six ports, each with addresses of its own.</summary>
    public static readonly Gen<IReadOnlyList<PortPlan>> Ports = Gen.Select(
        Gen.Int[1, 6].HashSet[0, 6], Rule.List[0, 4].Array[6], Gen.Int[0, 1].Array[6]).Select((numbers, rules, macs) =>
            (IReadOnlyList<PortPlan>)[.. numbers.Select((n, i) => Lab.DataPlaneLab.Plan(n, [.. rules[i]]) with
            {
                Mac = new MacAddress(0x5254_0000_0000ul + (ulong)((n * 2) + macs[i])),
            })]);

    public static readonly Gen<IReadOnlyList<AddressSetPlan>> Sets = Gen.Select(
        SetId.HashSet[0, 3], Address.List[0, 8].Array[3])
        .Select((ids,
            members) => (IReadOnlyList<AddressSetPlan>)[.. ids.Select((id, i) => new AddressSetPlan(id, members[i]))]);
}
