using Monolith.Network.Addresses;
using Monolith.Network.V1;
using Direction = Monolith.Network.V1.SecurityRule.Types.Direction;
using Protocol = Monolith.Network.V1.SecurityRule.Types.Protocol;

namespace Monolith.Network.Reachability;

/// <summary>A security group with what its rules need to be judged. Immutable.</summary>
/// <param name="Name">The group's.</param>
internal sealed record JudgedGroup(string Name, IReadOnlyList<SecurityRule> Rules);

/// <summary>
/// Which rule lets a packet through: the same rules that hypervisors are sent (<see cref="SecurityGroups.RuleResolution"/>),
/// before they are merged, so that the one that did it has a name. Pure.
/// </summary>
internal static class RuleMatch
{
    /// <param name="groups">The port's.</param>
    /// <param name="isMember">Whether an address is a member of a group or an address set, by its name.</param>
    /// <returns>The group and the number of its rule, from 1; 0: no group says what may go out, so everything may. Null:
    /// nothing lets it through.</returns>
    public static (string Group, int Rule)? Find(IReadOnlyList<JudgedGroup> groups, Direction direction, Packet packet,
        Func<string, Ip, bool> isMember)
    {
        foreach (var group in groups)
            for (var i = 0; i < group.Rules.Count; i++)
                if (group.Rules[i].Direction == direction && Lets(group.Rules[i], packet, isMember)) return (group.Name, i + 1);
        return direction == Direction.Egress && !groups.Any(g => g.Rules.Any(r => r.Direction == Direction.Egress)) ? ("", 0) : null;
    }

    static bool Lets(SecurityRule rule, Packet packet, Func<string, Ip, bool> isMember)
    {
        var remote = rule.Direction == Direction.Ingress ? packet.Source : packet.Destination;
        return IsOfService(rule, packet) && rule.RemoteCase switch
        {
            SecurityRule.RemoteOneofCase.RemotePrefix => Cidr.TryParse(rule.RemotePrefix, out var prefix, out _) && prefix.Contains(remote),
            SecurityRule.RemoteOneofCase.RemoteGroup => isMember(rule.RemoteGroup, remote),
            SecurityRule.RemoteOneofCase.RemoteAddressSet => isMember(rule.RemoteAddressSet, remote),
            _ => true,
        };
    }

    static bool IsOfService(SecurityRule rule, Packet packet) => rule.Protocol switch
    {
        Protocol.Icmp => packet.Protocol == Protocol.Icmp && (!rule.HasIcmpType || rule.IcmpType == packet.IcmpType),
        Protocol.Tcp or Protocol.Udp => packet.Protocol == rule.Protocol
            && ((rule.PortMin == 0 && rule.PortMax == 0) || (packet.Port >= rule.PortMin && packet.Port <= (rule.PortMax == 0 ? rule.PortMin : rule.PortMax))),
        _ => true,
    };
}
