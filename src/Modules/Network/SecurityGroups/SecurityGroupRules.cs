using Microsoft.EntityFrameworkCore;
using Monolith.Network.Addresses;
using Monolith.Network.AddressSets;
using Monolith.Network.V1;
using Monolith.Platform.Faults;
using Monolith.Platform.Names;
using Direction = Monolith.Network.V1.SecurityRule.Types.Direction;
using Protocol = Monolith.Network.V1.SecurityRule.Types.Protocol;

namespace Monolith.Network.SecurityGroups;

internal static class SecurityGroupRules
{
    public static readonly string[] Changeable = ["display_name", "labels", "rules"];

    const int MaxRules = 200;

    public static void Check(SecurityGroup group, Violations violations)
    {
        violations.DisplayName("security_group.display_name", group.DisplayName);
        violations.Labels("security_group.labels", group.Labels);
        violations.Require(group.Rules.Count <= MaxRules, "security_group.rules", $"must have at most {MaxRules}");
        for (var i = 0; i < group.Rules.Count && i < MaxRules; i++)
            Check(group.Rules[i], $"security_group.rules[{i}]", violations);
    }

    /// <summary>One rule by itself.</summary>
    public static void Check(SecurityRule rule, string field, Violations violations)
    {
        violations.Require(rule.Direction is Direction.Ingress or Direction.Egress, field + ".direction",
            "must be DIRECTION_INGRESS or DIRECTION_EGRESS");
        violations.Require(rule.Protocol is Protocol.Any or Protocol.Tcp or Protocol.Udp or Protocol.Icmp,
            field + ".protocol", "must be PROTOCOL_ANY, PROTOCOL_TCP, PROTOCOL_UDP or PROTOCOL_ICMP");
        CheckPorts(rule, field, violations);
        if (rule.HasIcmpType)
        {
            violations.Require(rule.Protocol == Protocol.Icmp, field + ".icmp_type", "goes with PROTOCOL_ICMP only");
            violations.Require(rule.IcmpType is >= 0 and <= 255, field + ".icmp_type", "must be 0 to 255");
        }
        switch (rule.RemoteCase)
        {
            case SecurityRule.RemoteOneofCase.RemotePrefix:
                if (!Cidr.TryParse(rule.RemotePrefix, out _, out var problem))
                    violations.Add(field + ".remote_prefix", problem);
                break;
            case SecurityRule.RemoteOneofCase.RemoteGroup:
                ResourceName.Parse(SecurityGroupReferences.Pattern, rule.RemoteGroup, field + ".remote_group",
                    violations);
                break;
            case SecurityRule.RemoteOneofCase.RemoteAddressSet:
                ResourceName.Parse(AddressSetRow.Pattern, rule.RemoteAddressSet, field + ".remote_address_set", violations);
                break;
        }
    }

    /// <summary>The groups and address sets that the rules name, all of the same project; a violation for each that is
    /// none.</summary>
    /// <param name="self">The group itself, which may be about to be made.</param>
    public static async Task<List<Guid>> FindRemotesAsync(NetworkDb db, SecurityGroupRow self,
        IReadOnlyList<SecurityRule> rules, Violations violations)
    {
        var names = rules.Where(r => r.RemoteCase == SecurityRule.RemoteOneofCase.RemoteGroup)
            .Select(r => r.RemoteGroup).Distinct().ToList();
        var found = await db.SecurityGroups.Where(g => g.Project == self.Project && names.Contains(g.Name))
            .Select(g => new { g.Name, g.Uid }).ToDictionaryAsync(g => g.Name, g => g.Uid);
        found[self.Name] = self.Uid;
        for (var i = 0; i < rules.Count; i++)
            if (rules[i].RemoteCase == SecurityRule.RemoteOneofCase.RemoteGroup)
                violations.Require(found.ContainsKey(rules[i].RemoteGroup), $"security_group.rules[{i}].remote_group",
                    $"{rules[i].RemoteGroup} does not exist in projects/{self.Project}");
        var sets = rules.Where(r => r.RemoteCase == SecurityRule.RemoteOneofCase.RemoteAddressSet)
            .Select(r => r.RemoteAddressSet).Distinct().ToList();
        var written = sets.Count == 0
            ? []
            : await db.AddressSets.Where(s => s.Project == self.Project && sets.Contains(s.Name))
                .Select(s => new { s.Name, s.Uid }).ToDictionaryAsync(s => s.Name, s => s.Uid);
        for (var i = 0; i < rules.Count; i++)
            if (rules[i].RemoteCase == SecurityRule.RemoteOneofCase.RemoteAddressSet)
                violations.Require(written.ContainsKey(rules[i].RemoteAddressSet), $"security_group.rules[{i}].remote_address_set",
                    $"{rules[i].RemoteAddressSet} does not exist in projects/{self.Project}");
        return [.. names.Where(found.ContainsKey).Select(n => found[n]), .. written.Values];
    }

    static void CheckPorts(SecurityRule rule, string field, Violations violations)
    {
        if (rule is { PortMin: 0, PortMax: 0 }) return;
        if (rule.Protocol is not (Protocol.Tcp or Protocol.Udp))
        {
            violations.Add(field + ".port_min", "ports go with PROTOCOL_TCP and PROTOCOL_UDP only");
            return;
        }
        violations.Require(rule.PortMin is >= 1 and <= 65535, field + ".port_min",
            "must be 1 to 65535; leave both out for all ports");
        violations.Require(rule.PortMax is >= 1 and <= 65535, field + ".port_max",
            "must be 1 to 65535; leave both out for all ports");
        violations.Require(rule.PortMax == 0 || rule.PortMin <= rule.PortMax, field + ".port_max",
            "must not be less than port_min");
    }
}
