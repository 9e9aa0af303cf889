using System.Net;
using System.Net.Sockets;
using Monolith.Agent.Network;
using Monolith.Agent.V1;

namespace Monolith.Agent.Reconcile;

/// <summary>Who may open taps.</summary>
/// <param name="Uid">User that QEMU runs as.</param>
/// <param name="Gid">Its group.</param>
internal readonly record struct TapOwner(uint Uid, uint Gid);

/// <summary>A desired port in the data plane's words. Pure.</summary>
internal static class PortPlans
{
    private const int DefaultMtu = 1500;

    /// <exception cref="FormatException">A text is not what it should be; the message names it.</exception>
    public static PortPlan Of(PortSpec spec, string tapPrefix, TapOwner owner) => new()
    {
        PortId = spec.Id,
        Mac = MacAddress.Parse(spec.MacAddress.ToLowerInvariant()),
        Addresses = [.. spec.Addresses.Select(AddressOf)],
        TapName = TapName.Of(spec.Id, tapPrefix),
        Mtu = spec.Mtu > 0 ? spec.Mtu : DefaultMtu,
        Rules = [.. spec.Rules.SelectMany(RulesOf)],
        OwnerUid = owner.Uid,
        OwnerGid = owner.Gid,
        DnsServers = [.. spec.DnsServers.Select(AddressOf)],
        Hostname = spec.Hostname,
        Domain = spec.Domain.TrimEnd('.'),
        AllowedPrefixes = [.. spec.AllowedPrefixes.Select(PrefixOf)],
        Translations = [.. spec.Translations.Select(t => new Network.AddressTranslation(
            AddressOf(t.External), AddressOf(t.Internal), t.Inbound))],
        UntranslatedPrefixes = [.. spec.UntranslatedPrefixes.Select(PrefixOf)],
        Aggregates = [.. spec.Aggregates.Select(PrefixOf)],
        EgressRate = spec.EgressBitsPerSecond,
        IngressRate = spec.IngressBitsPerSecond,
    };

    /// <exception cref="FormatException">An address is none.</exception>
    public static AddressSetPlan Of(AddressSet set) => new(
        set.Id, [.. set.Addresses.Select(AddressOf)], set.Prefixes?.Cidrs.Select(PrefixOf).ToList());

    public static IEnumerable<string> SetsOf(PortSpec spec) =>
        spec.Rules.Select(SetOf).OfType<string>().Distinct(StringComparer.Ordinal);

    private static string? SetOf(PortRule rule) => rule.RemoteCase switch
    {
        PortRule.RemoteOneofCase.RemoteSet => rule.RemoteSet,
        PortRule.RemoteOneofCase.RemotePrefixSet => rule.RemotePrefixSet,
        _ => null,
    };

    /// <summary>Addresses that stand for the port's own, as they are routed.</summary>
    public static IReadOnlyList<IPAddress> ExternalsOf(PortSpec spec) =>
        [.. spec.Translations.Select(t => AddressOf(t.External)).Distinct()];

    private static IPAddress AddressOf(string text) => IPAddress.TryParse(text, out var address)
        ? address
        : throw new FormatException($"'{text}' is not an IP address");

    private static IEnumerable<RuleSpec> RulesOf(PortRule rule)
    {
        IPNetwork? prefix = rule.RemoteCase == PortRule.RemoteOneofCase.RemotePrefix
            ? PrefixOf(rule.RemotePrefix)
            : null;
        var family = prefix?.BaseAddress.AddressFamily;
        RuleProtocol[] protocols = rule.Protocol switch
        {
            "any" or "" => [RuleProtocol.Any],
            "tcp" => [RuleProtocol.Tcp],
            "udp" => [RuleProtocol.Udp],
            "icmp" when family == AddressFamily.InterNetwork => [RuleProtocol.Icmp],
            "icmp" when family == AddressFamily.InterNetworkV6 => [RuleProtocol.IcmpV6],
            // One word for both families: each has its own protocol underneath.
            "icmp" => [RuleProtocol.Icmp, RuleProtocol.IcmpV6],
            _ => throw new FormatException($"'{rule.Protocol}' is not one of any, tcp, udp, icmp"),
        };
        var hasPorts = rule.Protocol is "tcp" or "udp" && (rule.PortMin != 0 || rule.PortMax != 0);
        return protocols.Select(protocol => new RuleSpec(
            rule.Egress ? RuleDirection.Egress : RuleDirection.Ingress,
            protocol,
            hasPorts ? rule.PortMin : null,
            hasPorts ? rule.PortMax : null,
            rule.Protocol == "icmp" && rule.IcmpType >= 0 ? rule.IcmpType : null,
            prefix,
            SetOf(rule),
            rule.RemoteCase == PortRule.RemoteOneofCase.RemotePrefixSet));
    }

    private static IPNetwork PrefixOf(string text) => IPNetwork.TryParse(text, out var prefix)
        ? prefix
        : throw new FormatException($"'{text}' is not a prefix such as 192.0.2.0/24");
}
