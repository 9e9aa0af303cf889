using Monolith.Agent.V1;
using Monolith.Network.V1;
using Direction = Monolith.Network.V1.SecurityRule.Types.Direction;
using Protocol = Monolith.Network.V1.SecurityRule.Types.Protocol;

namespace Monolith.Network.SecurityGroups;

/// <summary>
/// What a port's groups come to: every rule of every group, each once, in an order that depends on nothing but the
/// rules. Where no group says what may go out, everything may. Pure.
/// </summary>
internal static class RuleResolution
{
    /// <param name="groups">The rules of each of the port's groups.</param>
    /// <param name="setOf">The id of the set of a group or an address set that a rule names; null when it is gone.</param>
    public static IReadOnlyList<PortRule> Resolve(IEnumerable<IReadOnlyList<SecurityRule>> groups,
        Func<string, string?> setOf)
    {
        var rules = new List<PortRule>();
        var saysWhatGoesOut = false;
        foreach (var rule in groups.SelectMany(g => g))
        {
            saysWhatGoesOut |= rule.Direction == Direction.Egress;
            if (Convert(rule, setOf) is { } converted) rules.Add(converted);
        }
        if (!saysWhatGoesOut) rules.Add(new PortRule { Egress = true, Protocol = "any", IcmpType = -1 });
        return
        [
            .. rules.Distinct()
                .OrderBy(r => r.Egress)
                .ThenBy(r => r.Protocol, StringComparer.Ordinal)
                .ThenBy(r => r.PortMin).ThenBy(r => r.PortMax).ThenBy(r => r.IcmpType)
                .ThenBy(r => r.RemoteCase)
                .ThenBy(r => r.RemotePrefix, StringComparer.Ordinal)
                .ThenBy(r => r.RemoteSet, StringComparer.Ordinal)
                .ThenBy(r => r.RemotePrefixSet, StringComparer.Ordinal),
        ];
    }

    static PortRule? Convert(SecurityRule rule, Func<string, string?> setOf)
    {
        var converted = new PortRule
        {
            Egress = rule.Direction == Direction.Egress,
            Protocol = rule.Protocol switch
            {
                Protocol.Tcp => "tcp",
                Protocol.Udp => "udp",
                Protocol.Icmp => "icmp",
                _ => "any",
            },
            PortMin = rule.PortMin,
            PortMax = rule.PortMax,
            IcmpType = rule.HasIcmpType ? rule.IcmpType : -1,
        };
        switch (rule.RemoteCase)
        {
            case SecurityRule.RemoteOneofCase.RemotePrefix:
                converted.RemotePrefix = rule.RemotePrefix;
                break;
            case SecurityRule.RemoteOneofCase.RemoteGroup:
                // A rule that names nobody allows nobody.
                if (setOf(rule.RemoteGroup) is not { } set) return null;
                converted.RemoteSet = set;
                break;
            case SecurityRule.RemoteOneofCase.RemoteAddressSet:
                if (setOf(rule.RemoteAddressSet) is not { } prefixes) return null;
                converted.RemotePrefixSet = prefixes;
                break;
        }
        return converted;
    }
}
