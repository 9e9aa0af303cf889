using System.Net;
using CsCheck;
using Monolith.Agent.Network;

namespace Monolith.Agent.Tests.Network.Filter;

/// <summary>Random plans for the properties of filters. Small ranges, so that things meet.</summary>
internal static class Filters
{
    private static readonly Gen<IPAddress> Address = Gen.Select(Gen.Int[1, 6], Gen.Bool).Select(
        (n, v6) => IPAddress.Parse(v6 ? $"fd64::{n}" : $"10.64.0.{n}"));

    private const string PrefixSet = "offices";

    private static readonly Gen<string> SetId = Gen.Int[0, 2].Select(i => new[] { "web", "db-1", PrefixSet }[i]);

    /// <summary>That lie in each other, and beside each other.</summary>
    private static readonly Gen<IPNetwork> Prefix = Gen.Select(Gen.Int[0, 7], Gen.Int[0, 8], Gen.Bool).Select((n, bits, v6) =>
        v6 ? new IPNetwork(IPAddress.Parse($"fd64::{n >> (bits % 4) << (bits % 4)}"), 128 - (bits % 4))
        : new IPNetwork(IPAddress.Parse($"10.{n >> (bits % 4) << (bits % 4)}.0.0"), 16 - (bits % 4)));

    private static readonly Gen<(List<IPNetwork> Allowed, int Nat, long Rate)> Extras = Gen.Select(
        Prefix.List[0, 3], Gen.Int[0, 3], Gen.Int[0, 2].Select(i => new[] { 0L, 1L, 10_000_000L }[i]));

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
                0 => rule with { RemoteSetId = set, IsPrefixSet = set == PrefixSet },
                1 when protocol != RuleProtocol.IcmpV6 =>
                    rule with { RemotePrefix = IPNetwork.Parse($"10.{port % 256}.0.0/16") },
                2 when protocol != RuleProtocol.Icmp =>
                    rule with { RemotePrefix = IPNetwork.Parse($"fd{port % 100:00}::/32") },
                _ => rule,
            };
        });

    /// <summary>Up to six ports, each with addresses of its own.</summary>
    public static readonly Gen<IReadOnlyList<PortPlan>> Ports = Gen.Select(
        Gen.Int[1, 6].HashSet[0, 6], Rule.List[0, 4].Array[6], Gen.Int[0, 1].Array[6], Extras.Array[6])
        .Select((numbers, rules, macs, extras) =>
            (IReadOnlyList<PortPlan>)[.. numbers.Select((n, i) => Lab.DataPlaneLab.Plan(n, [.. rules[i]]) with
            {
                Mac = new MacAddress(0x5254_0000_0000ul + (ulong)((n * 2) + macs[i])),
                AllowedPrefixes = extras[i].Allowed,
                EgressRate = extras[i].Rate,
                IngressRate = extras[i].Rate / 2,
                Translations = Translations(n, extras[i].Nat),
                UntranslatedPrefixes = [IPNetwork.Parse("10.0.0.0/8"), IPNetwork.Parse("fd64::/64")],
            })]);

    /// <summary>None, one of its own, the shared one, or both.</summary>
    private static List<AddressTranslation> Translations(int port, int which)
    {
        var inside = Lab.DataPlaneLab.Plan(port).Addresses;
        var translations = new List<AddressTranslation>();
        if (which is 1 or 3)
        {
            translations.Add(new(IPAddress.Parse($"203.0.113.{port}"), inside[0], true));
            translations.Add(new(IPAddress.Parse($"2001:db8::{port}"), inside[1], true));
        }

        if (which is 2 or 3)
            translations.Add(new(IPAddress.Parse("203.0.113.100"), inside[0], false));
        return translations;
    }

    public static readonly Gen<IReadOnlyList<AddressSetPlan>> Sets = Gen.Select(
        SetId.HashSet[0, 3], Address.List[0, 8].Array[3], Prefix.List[0, 8])
        .Select((ids, members, prefixes) => (IReadOnlyList<AddressSetPlan>)[.. ids.Select(
            (id, i) => id == PrefixSet ? new AddressSetPlan(id, [], prefixes) : new AddressSetPlan(id, members[i]))]);
}
